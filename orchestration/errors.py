"""Errors that a user meets, worded for the user: what was seen, why it is refused, what to do.

Belongs here: errors that several modules of this room raise. An error of one module lives in that module.
"""

from __future__ import annotations


class ShelfcastError(Exception):
    """Anything a user can mend; the command line prints the message without a traceback."""

    exit_status = 1


class SettingsError(ShelfcastError):
    """`shelfcast.yml` holds an unknown key or a value that does not fit."""

    exit_status = 2


class WarehouseBusyError(ShelfcastError):
    """Another process holds the warehouse file."""


class InputRefusedError(ShelfcastError):
    """Extracts were refused, so the night may not be published. Holds one message a refusal."""

    def __init__(self, messages: list[str]):
        self.messages = messages
        super().__init__("\n".join(messages))


class GateRefusedError(ShelfcastError):
    """A blocking check failed; `latest` stays where it was."""
