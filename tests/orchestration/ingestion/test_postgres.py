"""A PostgreSQL source, read from a real server that the test starts on loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.ingestion import postgres
from orchestration.ingestion.refusals import FileRefusedError
from orchestration.ingestion.shape import Database

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
DECLARATION = """
source: erp_db
timezone: Europe/Berlin
feeds:
  articles:
    feeds_into: erp/products
    load: upsert
    database: {connection: TEST_ERP, table: public.articles, watermark: changed_at}
    columns: {sku_id: artno, product_name: label, unit_cost: cost}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Connection string of a server that lives as long as the tests of this file."""
    if not BINARIES:
        pytest.skip("no PostgreSQL server here (Debian: postgresql, scripts/debian-packages-test): source not tested")
    folder = Path(tempfile.mkdtemp(prefix="shelfcast-postgres-"))  # the server's user must reach it
    # a server refuses to run as root: Debian's package brings a user for it
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:
        shutil.chown(folder, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(*command: str, check: bool = True) -> None:
        extra = {"user": user, "cwd": folder} if os.getuid() == 0 else {"cwd": folder}
        subprocess.run(command, check=check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **extra)

    data = str(folder / "data")
    run(str(BINARIES[-1] / "initdb"), "-D", data, "-A", "trust", "-U", "erp", "--no-sync", "-E", "UTF8")
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
    run(str(BINARIES[-1] / "pg_ctl"), "-D", data, "-o", options, "-w", "-l", str(folder / "log"), "start")
    try:
        yield f"host=127.0.0.1 port={port} user=erp dbname=postgres password=hush-hush"
    finally:
        run(str(BINARIES[-1] / "pg_ctl"), "-D", data, "-m", "immediate", "stop", check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def erp(server, landing, monkeypatch):
    """Run SQL on the server; the landing's home declares the table as a source."""
    monkeypatch.setenv("TEST_ERP", server)
    sources = landing.settings.home / "sources"
    sources.mkdir()
    (sources / "erp_db.yml").write_text(DECLARATION)
    parts = dict(part.split("=") for part in server.split())

    def run(sql: str) -> None:
        command = [BINARIES[-1] / "psql", "-h", parts["host"], "-p", parts["port"], "-U", "erp", "-d", "postgres"]
        subprocess.run([*command, "-q", "-v", "ON_ERROR_STOP=1", "-c", sql], check=True)

    run("drop table if exists articles; create table articles (artno text, label text, cost numeric(10,4), "
        "changed_at timestamptz)")  # fmt: skip
    return run


NAMES = "select sku_id, product_name, unit_cost::double from feeds.erp_products order by 1"


def test_only_what_changed_is_read_again_and_the_newest_row_of_a_key_counts(erp, landing):
    erp("insert into articles values ('0001', 'Käse', 2.5, '2026-01-01 10:00+01'), ('0002', 'Brot', 1, '2026-01-02')")
    landing.ingest()
    assert landing.rows(NAMES) == [("0001", "Käse", 2.5), ("0002", "Brot", 1.0)]
    landing.ingest("run-00002")
    folder = landing.settings.landing / "erp_db" / "articles"
    assert [p.name for p in folder.iterdir()] == ["pull-000001.parquet"]
    erp("insert into articles values ('0001', 'Käse, alt', 2.75, '2026-01-03')")
    landing.ingest("run-00003")
    assert landing.rows("select rows_physical from ops.file_ledger where name = 'pull-000002.parquet'") == [(1,)]
    assert landing.rows(NAMES) == [("0001", "Käse, alt", 2.75), ("0002", "Brot", 1.0)]
    assert landing.rows("select watermark from ops.watermarks")[0][0].startswith("2026-01-03")


def test_an_overlap_reads_rows_that_were_committed_late(erp, landing):
    path = landing.settings.home / "sources" / "erp_db.yml"
    path.write_text(DECLARATION.replace("watermark: changed_at", "watermark: changed_at, overlap: PT2H"))
    erp("insert into articles values ('0001', 'Early', 1, '2026-01-01 10:00+00')")
    landing.ingest()
    erp("insert into articles values ('0002', 'Late', 1, '2026-01-01 09:00+00')")
    erp("insert into articles values ('0003', 'Next', 1, '2026-01-01 11:00+00')")
    landing.ingest("run-00002")
    assert [row[0] for row in landing.rows(NAMES)] == ["0001", "0002", "0003"]


def test_a_server_that_is_away_is_an_error_without_its_password_and_keeps_what_was_loaded(erp, landing, monkeypatch):
    erp("insert into articles values ('0001', 'Käse', 2.5, '2026-01-01')")
    landing.ingest()
    monkeypatch.setenv("TEST_ERP", "host=127.0.0.1 port=1 user=erp dbname=postgres password=hush-hush")
    (error,) = [e for e in landing.ingest("run-00002").errors if "erp_db" in e]
    assert "erp_db/articles cannot be read from TEST_ERP" in error
    assert "hush-hush" not in error
    assert len(landing.rows(NAMES)) == 1


def test_secrets_come_from_the_environment_or_a_file_that_only_its_owner_reads(tmp_path, monkeypatch):
    monkeypatch.delenv("TEST_ERP", raising=False)
    with pytest.raises(FileRefusedError, match="needs the environment variable TEST_ERP"):
        postgres.connection_string("TEST_ERP")
    secret = tmp_path / "dsn"
    secret.write_text("host=there\n")
    secret.chmod(0o644)
    monkeypatch.setenv("TEST_ERP_FILE", str(secret))
    with pytest.raises(FileRefusedError, match="chmod 600"):
        postgres.connection_string("TEST_ERP")
    secret.chmod(0o600)
    assert postgres.connection_string("TEST_ERP") == "host=there"


@pytest.mark.parametrize("query", ["drop table x", "select 1; delete from x", "with x as (delete from y) select 1 x"])
def test_nothing_but_one_select_is_run_on_a_database(query):
    database = Database(connection="TEST_ERP", query=query, watermark="changed_at")
    if query.startswith("with"):
        # the server's read-only transaction refuses what a SELECT may hide
        assert postgres.source_query(database)
        return
    with pytest.raises(FileRefusedError, match="not one SELECT"):
        postgres.source_query(database)
