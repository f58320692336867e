"""WHEN, and the doors to the outside: reads extracts, opens the warehouse, runs the night, publishes files.

Belongs here: the command line, settings, ingestion, publication and every Dagster noun (`defs/`).
Does not: what a business table is (dbt_project), what a number is (ml), whether data may pass (data_quality).
"""
