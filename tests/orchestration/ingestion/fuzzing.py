"""Good extracts of every kind, broken at random, ingested many at a time: a helper of test_fuzz.py and `make chaos`.

What must hold of each: it is refused with a word and nothing of it stands in the warehouse, or it is loaded and every
physical row is accounted for; and what was loaded before is as it was.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
import shutil
import sys
import tempfile
import zipfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import xlsxwriter
from landings import HEADER, Landing

KINDS = ("csv", "csv.gz", "zip", "parquet", "xlsx")
FILES_A_NIGHT = 100
# what a broken transfer, a text editor or a hand-written export puts where it does not belong
INSERTS = (
    b'"',
    b"\0",
    b"\n",
    b"\r",
    b"\r\n",
    b",",
    b";",
    b'""',
    b'"\n',
    b"\xff",
    b"\xef\xbb\xbf",
    b"\x1a",
    b"=1+1",
    b"'",
)
EARLIER = "E1,1,2026-01-05T10:00:00,store,L1,001,2,5.00"


def run(count: int, seed: int, folder: Path, kinds: tuple[str, ...] = KINDS) -> Counter[str]:
    """Break and ingest `count` files; returns how many ended how. An AssertionError names the file, which is kept."""
    rng = random.Random(seed)
    ends: Counter[str] = Counter()
    for start in range(0, count, FILES_A_NIGHT):
        home = folder / f"night_{start}"
        landing = Landing(home)
        landing.put_masters()
        landing.put_sales(EARLIER, name="0_earlier.csv")
        landing.ingest("run-00001")
        for number in range(start, min(start + FILES_A_NIGHT, count)):
            kind = kinds[number % len(kinds)]
            landing.put(f"pos/sales/f{number:06d}.{kind}", _spoiled(kind, number, rng))
        report = landing.ingest("run-00002", max_quarantined_pct=90)
        ends += _judged(landing, report.errors)
        landing.con.close()
        shutil.rmtree(home)
    return ends


def _spoiled(kind: str, number: int, rng: random.Random) -> bytes:
    """Return a broken extract; a checksum stops most faults of a packed one, so half of them are broken inside."""
    if kind in ("csv", "parquet") or rng.random() < 0.5:
        return broken(good(kind, number), rng)
    if kind == "csv.gz":
        return gzip.compress(broken(good("csv", number), rng), mtime=0)
    if kind == "zip":
        return _zipped({"sales.csv": broken(good("csv", number), rng)})
    with zipfile.ZipFile(io.BytesIO(good("xlsx", number))) as book:
        members = {name: book.read(name) for name in book.namelist()}
    name = rng.choice(sorted(name for name in members if "sheet" in name or "haredStrings" in name))
    return _zipped(members | {name: broken(members[name], rng)})


def _zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def good(kind: str, number: int) -> bytes:
    """Return a whole extract of a kind; its receipts are its own."""
    rows = [_row(number, line) for line in range(12)]
    if kind == "parquet":
        frame = pl.DataFrame(rows, schema=HEADER.split(","), orient="row")
        out = io.BytesIO()
        frame.with_columns(pl.col("quantity").cast(pl.Int64), pl.col("net_amount").cast(pl.Float64)).write_parquet(out)
        return out.getvalue()
    if kind == "xlsx":
        out = io.BytesIO()
        with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
            sheet = book.add_worksheet()
            for line, row in enumerate([HEADER.split(","), *rows]):
                sheet.write_row(line, 0, row)
        return out.getvalue()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=("\n", "\r\n")[number % 2])
    writer.writerows([HEADER.split(","), *rows])
    plain = text.getvalue().encode()
    if kind == "csv.gz":
        return gzip.compress(plain, mtime=0)
    return _zipped({"sales.csv": plain}) if kind == "zip" else plain


def _row(number: int, line: int) -> list[str]:
    sold_at = datetime(2026, 1, 5, 9) + timedelta(minutes=line)
    # a quoted field with a delimiter, one with a line end, one beyond ASCII
    channel = ("store", "web, app", "a\nb", "小店")[line % 4]
    return [f"F{number}", str(line), sold_at.isoformat(), channel, "L1", "001", str(line - 2), f"{line * 1.25:.2f}"]


def broken(content: bytes, rng: random.Random) -> bytes:
    """Return the content with one to three faults."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(data) + 1)
        fault = rng.choice(("flip", "flip", "cut", "insert", "insert", "repeat", "lose", "zero", "swap"))
        end = min(len(data), place + rng.randint(1, 200))
        if fault == "flip" and place < len(data):
            data[place] ^= 1 << rng.randrange(8)
        elif fault == "cut":
            del data[place:]
        elif fault == "insert":
            data[place:place] = rng.choice(INSERTS)
        elif fault == "repeat":
            data[place:place] = data[place:end]
        elif fault == "lose":
            del data[place:end]
        elif fault == "zero":
            data[place:end] = bytes(end - place)
        elif fault == "swap":
            half = (place + end) // 2
            data[place:end] = data[half:end] + data[place:half]
    return bytes(data)


def _judged(landing: Landing, errors: list[str]) -> Counter[str]:
    """Return how the files of a night ended; asserts what must hold of each."""
    files = landing.rows(
        "select file_id, name, state, rows_physical, rows_loaded, rows_quarantined, rows_excluded, rows_duplicate, "
        "rows_superseded from ops.file_ledger where source = 'pos' order by name"
    )
    in_raw = dict(landing.rows("select _file_id, count(*) from raw.pos_sales group by all"))
    exists = landing.rows("select 1 from duckdb_tables() where schema_name = 'quarantine' and table_name = 'pos_sales'")
    aside = dict(landing.rows("select file_id, count(*) from quarantine.pos_sales group by all")) if exists else {}
    delivered = {path.name for path in (landing.settings.landing / "pos" / "sales").iterdir()}
    assert {name for _, name, *_ in files} == delivered
    earlier = "select transaction_id, line_number::int, quantity::int, _line from raw.pos_sales where _file_id = 1"
    assert landing.rows(earlier.replace("= 1", f"= {files[0][0]}")) == [("E1", 1, 2, 2)]
    ends: Counter[str] = Counter()
    for file_id, name, state, physical, loaded, quarantined, excluded, duplicate, superseded in files[1:]:
        ends[state] += 1
        here, there = in_raw.get(file_id, 0), aside.get(file_id, 0)
        if state == "loaded":
            assert physical == loaded + quarantined + excluded + duplicate + superseded, name
            # a row that repeats one of another file stays in raw
            assert loaded <= here <= loaded + duplicate, name
            assert there == quarantined + excluded + superseded, name
        else:
            assert (here, there) == (0, 0), name
        if state == "refused":
            assert any(name in error for error in errors), name
    return ends


def main(count: int = 5_000, seed: int = 1) -> None:
    """Run the whole suite and print what became of the files."""
    with tempfile.TemporaryDirectory() as folder:
        ends = run(count, seed, Path(folder))
    told = ", ".join(f"{n:,} {state}" for state, n in sorted(ends.items()))
    print(f"{sum(ends.values()):,} broken files ingested: {told}; none half loaded, earlier data intact")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
