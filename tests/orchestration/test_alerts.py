"""Alerts reach a real webhook and a real mail server on this machine, once, and the file whatever the servers do."""

from __future__ import annotations

import json
import socket
import stat
import threading
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller

from orchestration.alerts import FAILED, Alert, AlertSettings, raise_alert

ALERT = Alert("dagster-1", FAILED, "nightly", "run-00007", "marts.fct_sales sold_on_is_in_range: 3 rows\nOLD-TILL")


@pytest.fixture
def webhook(monkeypatch):
    """A web server that keeps what it is sent, and answers with its status."""
    got, answer = [], [200]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(answer[0])
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("SHELFCAST_WEBHOOK_URL", f"http://127.0.0.1:{server.server_port}/hook/T0KEN")
    yield got, answer
    server.shutdown()
    server.server_close()


@pytest.fixture
def mail_server():
    """A mail server that keeps what it is sent."""

    class Keeper:
        def __init__(self):
            self.mails = []

        async def handle_DATA(self, _server, _session, envelope):
            self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
            return "250 kept"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    keeper = Keeper()
    controller = Controller(keeper, hostname="127.0.0.1", port=port)
    controller.start()
    yield keeper, port
    controller.stop()


def records(home):
    return [json.loads(line) for line in (home / "alerts.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_webhook_and_a_mail_server_hear_of_a_failure_once(tmp_path, webhook, mail_server):
    keeper, port = mail_server
    settings = AlertSettings(
        email_to=("ops@example.com", "buyer@example.com"), smtp_host="127.0.0.1", smtp_port=port, smtp_security="none"
    )
    assert raise_alert(tmp_path, settings, "Söhne\nBcc: x@example.com", ALERT) == []
    assert raise_alert(tmp_path, settings, "Söhne", ALERT) == []
    ((path, body),) = webhook[0]
    assert path == "/hook/T0KEN"
    assert body["text"].endswith("OLD-TILL")
    assert (body["run_id"], body["kind"], body["job"]) == ("run-00007", "failed", "nightly")
    ((to, mail),) = keeper.mails
    assert to == ["ops@example.com", "buyer@example.com"]
    assert mail["Subject"] == "Shelfcast, Söhne Bcc: x@example.com: nightly failed (run-00007)", "no header of its own"
    assert mail["Bcc"] is None
    assert "sold_on_is_in_range: 3 rows" in mail.get_content()
    (record,) = records(tmp_path)
    assert (record["key"], record["message"]) == (ALERT.key, ALERT.message)
    assert stat.S_IMODE((tmp_path / "alerts.jsonl").stat().st_mode) == 0o600


def test_servers_that_fail_keep_nothing_from_the_file_and_no_secret_is_told(tmp_path, webhook, mail_server):
    webhook[1][0] = 500
    port = mail_server[1]
    settings = AlertSettings(email_to=("a@example.com",), smtp_host="127.0.0.1", smtp_port=port)
    troubles = raise_alert(tmp_path, settings, "Small", ALERT)
    assert troubles[0] == "alert not sent by webhook: the server answered 500"
    assert troubles[1].startswith("alert not sent by e-mail:"), (
        "this server has no STARTTLS, and none is asked for less"
    )
    assert mail_server[0].mails == []
    assert [record["kind"] for record in records(tmp_path)] == ["failed", "not sent"]
    assert "T0KEN" not in (tmp_path / "alerts.jsonl").read_text() + "".join(troubles)


def test_a_password_never_goes_over_an_open_line_and_its_file_is_private(tmp_path, monkeypatch, mail_server):
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "smtp_password").write_text("hunter2")
    (secrets / "smtp_password").chmod(0o644)
    settings = AlertSettings(
        email_to=("a@example.com",),
        smtp_host="127.0.0.1",
        smtp_port=mail_server[1],
        smtp_user="x",
        smtp_security="none",
    )
    (trouble,) = raise_alert(tmp_path, settings, "Small", ALERT)
    assert "chmod 600" in trouble
    (secrets / "smtp_password").chmod(0o600)
    (trouble,) = raise_alert(tmp_path, settings, "Small", Alert("other", FAILED, "nightly", None, "x"))
    assert "protected connection" in trouble
    assert "hunter2" not in trouble
    assert mail_server[0].mails == []


def test_a_line_cut_by_a_power_failure_hides_no_other(tmp_path):
    raise_alert(tmp_path, AlertSettings(), "Small", ALERT)
    with (tmp_path / "alerts.jsonl").open("a") as file:
        file.write('{"key": "cut')
    assert raise_alert(tmp_path, AlertSettings(), "Small", ALERT) == []
    assert len((tmp_path / "alerts.jsonl").read_text().splitlines()) == 2


def test_an_address_that_is_no_web_address_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SHELFCAST_WEBHOOK_URL", "file:///etc/passwd")
    assert raise_alert(tmp_path, AlertSettings(), "Small", ALERT) == [
        "alert not sent by webhook: ValueError: the webhook's address is not http(s)"
    ]
