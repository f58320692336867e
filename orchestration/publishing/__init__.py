"""One night's files: exact tables, lists for planners, the analysts' file, the page. Complete or absent."""
