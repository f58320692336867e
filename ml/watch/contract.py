"""The shape of an alert, as mart_alerts takes it up."""

import polars as pl

# sku_id, location_id: null = no one product or place is meant
ALERTS_SCHEMA = pl.Schema(
    {
        "alert_type": pl.String,
        "sku_id": pl.String,
        "location_id": pl.String,
        "date": pl.Date,
        "measured_value": pl.Float64,
        "threshold": pl.Float64,
        "money_at_risk": pl.Float64,
        "explanation": pl.String,
    }
)
