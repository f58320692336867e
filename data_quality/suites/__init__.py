"""Which checks there are: one module a table group, each a function from settings and business day to declarations."""
