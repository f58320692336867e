"""Keyed hashes (HMAC-SHA256) of personal values, and the secret that makes them.

The secret stands outside the warehouse: whoever copies the warehouse or a published night cannot try all phone numbers
against a hash. What a value looks like before it is hashed does not belong here: that is normalise.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from orchestration.errors import ShelfcastError

KEY_VARIABLE = "SHELFCAST_IDENTITY_KEY"
KEY_BYTES = 32
MIN_CHARACTERS = 32
_SEPARATOR = "\x1f"
# 24 hex digits are 96 bits: two of 100 million customers share one with a chance of 1 in 10^13
ID_DIGITS = 24


class KeyRefusedError(ShelfcastError):
    """The secret is too short, or others on the machine may read it."""

    exit_status = 2


class Hasher:
    """Makes keyed hashes; a hash of one purpose never equals one of another."""

    def __init__(self, secret: bytes):
        self._secret = secret

    def digest(self, purpose: str, *values: str) -> str:
        """Return 64 hex digits for the values under a purpose, e.g. digest('phone', '+49301234567')."""
        message = _SEPARATOR.join((purpose, *values)).encode()
        return hmac.digest(self._secret, message, hashlib.sha256).hex()

    def customer_id(self, accounts: Iterable[tuple[str, str]]) -> str:
        """Return the id of the customer who has these (source, customer_id): made from the smallest of them."""
        return "c" + self.digest("customer", *min(accounts))[:ID_DIGITS]

    def erased(self, source: str, customer_id: str) -> str:
        """Return what is remembered of an erased account, and nothing else of it."""
        return self.digest("erased", source, customer_id)

    @property
    def fingerprint(self) -> str:
        """Return a text that changes with the secret and tells nothing of it."""
        return self.digest("fingerprint")[:16]


def load_hasher(home: Path) -> Hasher:
    """Return the company's hasher: the secret of the environment, else of `secrets/identity.key`, made once.

    Raises:
        KeyRefusedError: the secret is shorter than 32 characters, or its file may be read by group or others.
    """
    given = os.environ.get(KEY_VARIABLE)
    if given is not None:
        return Hasher(_long_enough(given, f"the environment variable {KEY_VARIABLE}"))
    path = home / "secrets" / "identity.key"
    if not path.exists():
        _create(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise KeyRefusedError(
            f"{path}: may be read or changed by others (mode {mode:04o}) — it ties hashes to people — "
            f"run `chmod 600 {path}`; if others may have read it, replace it: every customer id changes then"
        )
    return Hasher(_long_enough(path.read_text(encoding="ascii"), str(path)))


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    # the mode is given at creation, so that there is no moment at which others may read it
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")


def _long_enough(text: str, where: str) -> bytes:
    text = text.strip()
    if len(text) < MIN_CHARACTERS:
        raise KeyRefusedError(
            f"{where}: has {len(text)} characters, at least {MIN_CHARACTERS} are needed — "
            'set a random text, e.g. of `python -c "import secrets; print(secrets.token_hex(32))"`'
        )
    return text.encode()
