"""Alerts about nights: kept in `home/alerts.jsonl`, sent to a webhook and by e-mail where the company wants that.

Belongs here: what an alert says, that it is said once, and the two ways out. What does not: when a night has failed
(night, defs/sensors). Addresses that hold a token, and passwords, are secrets: an environment variable, or a file below
`home/secrets/` that nobody else may read; they stand in no setting, no message and no log.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import smtplib
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from orchestration.errors import ShelfcastError
from orchestration.security import read_secret

FILE_NAME = "alerts.jsonl"
WEBHOOK = ("SHELFCAST_WEBHOOK_URL", "webhook_url")
PASSWORD = ("SHELFCAST_SMTP_PASSWORD", "smtp_password")
FAILED, REFUSED, INTERRUPTED = "failed", "refused", "interrupted"
_SECONDS = 15.0  # that a server may take to answer: a night's end never hangs on a mail server


class AlertSettings(BaseModel):
    """Who hears of a night that was not published. The webhook's address is a secret, not a setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    email_to: tuple[str, ...] = Field((), description="Addresses that get a mail; none: no mail is sent.")
    email_from: str = Field("shelfcast@localhost", description="Sender of the mails.")
    smtp_host: str = Field("localhost", description="Mail server that takes them.")
    smtp_port: int = Field(25, ge=1, le=65_535, description="Its port: 25 or 587, or 465 with smtp_security tls.")
    smtp_security: str = Field(
        "starttls",
        pattern="^(none|starttls|tls)$",
        description="none, starttls or tls. A password is sent over a protected connection only.",
    )
    smtp_user: str | None = Field(
        None, description="Name to log in with; the password is SHELFCAST_SMTP_PASSWORD or secrets/smtp_password."
    )


@dataclass(frozen=True)
class Alert:
    """One thing that somebody has to know. key: what it is about (a Dagster run); of each key somebody hears once.

    kind: failed, refused or interrupted. run_id: the company's run, where it got so far.
    """

    key: str
    kind: str
    job: str
    run_id: str | None
    message: str


def raise_alert(home: Path, settings: AlertSettings, company: str, alert: Alert) -> list[str]:
    """Keep an alert and send it; returns what could not be sent, in words. Said before: nothing happens.

    It stands in the file before anything is sent, so that no server can keep it from there. Never raises for a server:
    a night that failed has failed for its own reason.
    """
    path = home / FILE_NAME
    with _alone(home):
        if any(line.get("key") == alert.key for line in _lines(path)):
            return []
        _append(path, {"at": _now(), "host": socket.gethostname(), **asdict(alert)})
    troubles = []
    for name, send in (("webhook", _to_webhook), ("e-mail", _by_mail)):
        try:
            send(home, settings, company, alert)
        except (OSError, smtplib.SMTPException, ShelfcastError, ValueError) as error:
            troubles.append(f"alert not sent by {name}: {_plain(error)}")
    if troubles:
        with _alone(home):
            _append(path, {"at": _now(), "key": alert.key, "kind": "not sent", "message": "; ".join(troubles)})
    return troubles


def _to_webhook(home: Path, settings: AlertSettings, company: str, alert: Alert) -> None:
    """POST the alert as JSON; `text` is what Slack, Mattermost and Teams show, the rest is for programs."""
    address = read_secret(home, *WEBHOOK)
    if address is None:
        return
    if urlsplit(address).scheme not in ("http", "https"):
        raise ValueError("the webhook's address is not http(s)")
    body = {"text": f"{_subject(company, alert)}\n{alert.message}", "company": company, **asdict(alert)}
    request = urllib.request.Request(
        address, json.dumps(body).encode(), {"Content-Type": "application/json", "User-Agent": "shelfcast"}
    )
    # the scheme was checked above, which is what this warning asks for
    with urllib.request.urlopen(request, timeout=_SECONDS):  # nosec B310
        pass


def _by_mail(home: Path, settings: AlertSettings, company: str, alert: Alert) -> None:
    """Send the alert as a plain text mail to all addresses."""
    if not settings.email_to:
        return
    mail = EmailMessage()
    mail["Subject"] = _subject(company, alert)
    mail["From"], mail["To"] = settings.email_from, ", ".join(settings.email_to)
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="shelfcast")
    mail.set_content(f"{alert.message}\n\nWhat to do: docs/runbook.md. The whole record: {home / FILE_NAME}\n")
    with _connection(settings) as server:
        if settings.smtp_user:
            password = read_secret(home, *PASSWORD)
            if password is None:
                raise ValueError(f"smtp_user is set, and there is no {PASSWORD[0]} and no secrets/{PASSWORD[1]}")
            if settings.smtp_security == "none":
                raise ValueError("a password is sent over a protected connection only: set smtp_security")
            server.login(settings.smtp_user, password)
        server.send_message(mail)


def _connection(settings: AlertSettings) -> smtplib.SMTP:
    context = ssl.create_default_context()
    where = (settings.smtp_host, settings.smtp_port)
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(*where, timeout=_SECONDS, context=context)
    server = smtplib.SMTP(*where, timeout=_SECONDS)
    if settings.smtp_security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _subject(company: str, alert: Alert) -> str:
    what = f"{alert.job} {alert.kind}" + (f" ({alert.run_id})" if alert.run_id else "")
    # a header holds one line, whatever the company is called
    return " ".join(f"Shelfcast, {company}: {what}".split())


def _plain(error: Exception) -> str:
    """What went wrong, without the address: it may hold a token."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return f"{type(error).__name__}: {error}"


def _lines(path: Path) -> Iterator[dict[str, object]]:
    """The records of the file; a line that was cut by a power failure is none."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict):
                yield record


def _append(path: Path, record: dict[str, object]) -> None:
    # names of files and rows of samples may stand in a message: not for others on the machine
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        file.write(json.dumps(record, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Let one process at a time read and write the file: the daemon and a night may tell of the same failure."""
    home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
