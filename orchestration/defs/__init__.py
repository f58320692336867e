"""Dagster nouns only: assets, checks, jobs, schedules, resources. Loaded by `orchestration/definitions.py`."""
