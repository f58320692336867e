"""How good a forecast would have been: rolling-origin backtest, accuracy tables, measured dispersion."""
