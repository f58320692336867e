"""TPC-DS comes in by declarations and SQL views, and its totals come out to the cent."""
