"""MAY THIS DATA PASS. The only room that knows Great Expectations.

Belongs here: what must hold of tables (suites/), running it (engine), telling it (report). Does not: what a table is
(dbt_project), what a number is (ml), when a gate runs and what a refusal does to the night (orchestration).
"""
