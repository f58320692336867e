"""The night's assets, one module a stage: ingestion, dbt, demand, forecasts, recommendations, publication."""
