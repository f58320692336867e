"""Proof by replay: history day by day under a rule for stock, what it sold, lost and kept. Knows no table, no file."""
