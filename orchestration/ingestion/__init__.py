"""From files in `home/landing/` to typed rows in the warehouse: every row loaded, or kept aside with its reason."""
