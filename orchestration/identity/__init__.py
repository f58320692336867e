"""Who is who: customer accounts of all sources resolved to one customer, and customers forgotten who asked for it."""
