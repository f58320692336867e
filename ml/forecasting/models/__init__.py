"""Models: each turns what was known on a cut-off date into block demand of the weeks after it."""
