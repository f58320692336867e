"""The one error of this package: a file that cannot be loaded as a whole."""

from __future__ import annotations


class FileRefusedError(Exception):
    """The file as a whole cannot be loaded; the message says why and what to do."""

    def __init__(self, message: str, *, is_empty: bool = False):
        self.is_empty = is_empty
        super().__init__(message)
