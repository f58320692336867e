"""Demand forecasts of every product at every place: 26 weeks ahead, as distributions, chosen by backtest."""
