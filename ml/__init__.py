"""Numbers from frames: forecasts and stock decisions. polars in, polars out; no files, no database, no scheduler."""
