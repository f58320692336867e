"""Reference data that dbt loads (CSV) and the demo company (`demo/`). Nothing here is imported by the other rooms."""
