"""The logger that `shelfcast run` listens to; the UI and the schedule keep Dagster's own console logger."""

import logging

import dagster as dg

NIGHT_LOGGER = "night"


@dg.logger({}, description="Hands every record to the progress display of the command line.")
def night_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """Return the Python logger `shelfcast.night`, to which the command line attaches its display."""
    logger = logging.getLogger("shelfcast.night")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    return logger


@dg.definitions
def loggers() -> dg.Definitions:
    """Provide the logger beside Dagster's console logger."""
    return dg.Definitions(loggers={NIGHT_LOGGER: night_logger, "console": dg.colored_console_logger})
