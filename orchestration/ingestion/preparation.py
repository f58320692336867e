"""One delivered file made readable: unpacked, decoded to UTF-8, with one kind of line end, its records counted.

A file that cannot be trusted whole is refused here, before a row of it is loaded. What its records mean is casting.py's
business. A plain UTF-8 CSV and a Parquet file are read where they lie; anything else becomes a copy in a scratch
folder, under its hash: no delivered name ever becomes a path or a statement.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from orchestration.ingestion import archives
from orchestration.ingestion.archives import Limits
from orchestration.ingestion.expressions import header_name
from orchestration.ingestion.refusals import FileRefusedError
from orchestration.ingestion.shape import Format
from orchestration.ingestion.spreadsheet import workbook_as_csv

READ_BYTES = 1 << 22
HEADER_BYTES = 1 << 20
_GLOB = re.compile(r"[*?\[\]{}]")
_STATEMENT = re.compile(
    rb"^\s*(drop|attach|copy|install|load|create|insert|update|delete|alter|pragma|export|import|set|call|grant)\b.*",
    re.IGNORECASE | re.MULTILINE,
)


# a file's size and time of change: other ones say that it was written to
Stamp = tuple[int, int]


def stamp_of(path: Path) -> Stamp | None:
    """Return what a file looks like from outside, None when it is gone."""
    try:
        stat = path.lstat()
    except FileNotFoundError:
        return None
    return stat.st_size, stat.st_mtime_ns


def shown_name(path: Path) -> str:
    """Return a file's name as it may be printed and stored: what is no printable character is spelled out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path.name)


@dataclass(frozen=True)
class Prepared:
    """A file that can be read: `path` is what DuckDB reads, `original` what was delivered.

    kind: 'csv' or 'parquet'. header: of a CSV, trimmed and NFKC. records: of a CSV, counted from its bytes, header and
    trailer aside. is_ascii, has_control (tabs within fields included): what its text may hold. ends_whole: whether the
    last line has its end.
    """

    original: Path
    path: Path
    kind: str
    sha256: str
    size_bytes: int
    header: tuple[str, ...] = ()
    records: int = 0
    is_ascii: bool = False
    has_control: bool = False
    has_quotes: bool = False
    ends_whole: bool = True

    @property
    def shape(self) -> tuple:
        """Return what files must share to be read together."""
        return (self.kind, self.header, self.is_ascii, self.has_control)


def prepare(path: Path, wanted: Format, scratch: Path, limits: Limits, digest: str) -> Prepared:
    """Unpack, decode and count one file; see Prepared. digest: its SHA-256.

    Raises:
        FileRefusedError: it cannot be trusted whole; the message says why and what to do.
        OSError: reading failed.
    """
    _refuse_odd_names(path)
    kind = _kind(path, wanted)
    size = path.stat().st_size
    if size == 0:
        raise FileRefusedError("is empty (0 bytes) — deliver the file again; earlier data is kept", is_empty=True)
    if kind == "parquet":
        return Prepared(path, _plain_path(path, scratch, digest, ".parquet"), kind, digest, size)
    try:
        return _prepare_text(path, kind, wanted, scratch, limits, size, digest)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileRefusedError(f"is a cut or corrupt gzip ({error}) — deliver the file again") from None


def _prepare_text(
    path: Path, kind: str, wanted: Format, scratch: Path, limits: Limits, size: int, digest: str
) -> Prepared:
    if kind == "xlsx":
        blocks: Iterator[bytes] = workbook_as_csv(path, wanted.sheet, limits)
        encoding = "utf-8"
    else:
        blocks = archives.unpacked(path, limits, READ_BYTES)
        blocks, encoding = _with_encoding(blocks, wanted.encoding)
    is_packed = kind == "xlsx" or path.name.lower().endswith((".gz", ".zip"))
    is_copied = is_packed or encoding not in ("utf-8", "utf-8-sig")
    copy = scratch / f"{digest}.csv" if is_copied else None
    delimiter, quote = ("," if kind == "xlsx" else wanted.delimiter), ('"' if kind == "xlsx" else wanted.quote)
    facts = _scan(_decoded(blocks, encoding, path), delimiter, quote, copy)
    readable = copy or _plain_path(path, scratch, digest, ".csv")
    trailer = _trailer(readable, wanted.trailer) if wanted.trailer else None
    if facts.is_mixed or trailer:
        readable = _rewritten(readable, scratch / f"{digest}.lf.csv", facts.is_mixed, trailer[0] if trailer else None)
    header = _header(readable, delimiter, quote)
    records = facts.lines - 1 - (1 if trailer else 0)
    if trailer and trailer[1] != records:
        # empty lines and lone carriage returns are no line feeds between records
        records, _ = count_precisely(readable, delimiter, quote)
    if trailer and trailer[1] != records:
        raise FileRefusedError(
            f"has {records:,} records, but its last line counts {trailer[1]:,} — it was cut; deliver it again"
        )
    return Prepared(
        path,
        readable,
        "csv",
        digest,
        size,
        header,
        records,
        facts.is_ascii,
        facts.has_control,
        facts.has_quotes,
        facts.ends_whole or bool(trailer),
    )


def _refuse_odd_names(path: Path) -> None:
    if path.is_symlink():
        raise FileRefusedError("is a link — only files that lie in landing/ are read; deliver the file itself")
    try:
        path.name.encode()
    except UnicodeEncodeError:
        raise FileRefusedError("has a name that is not UTF-8 — deliver it under another name") from None
    if not path.name.isprintable():
        raise FileRefusedError("has control characters in its name — deliver it under another name")


def _kind(path: Path, wanted: Format) -> str:
    name = path.name.lower()
    inner = name.removesuffix(".gz").removesuffix(".zip")
    for kind in ("csv", "parquet", "xlsx"):
        if name.endswith(f".{kind}") or (kind == "csv" and inner != name and inner.endswith((".csv", ".txt", ".tsv"))):
            return kind
    if name.endswith((".zip", ".csv.gz")):
        return "csv"
    if wanted.type is not None:
        return wanted.type
    statement = _STATEMENT.search(path.read_bytes()[:HEADER_BYTES])
    if name.endswith(".sql") or (statement and not name.endswith((".txt", ".tsv", ".dat"))):
        line = path.read_bytes()[: statement.start(1)].count(b"\n") + 1 if statement else 1
        shown = statement[0].strip()[:80].decode("utf-8", "replace") if statement else ""
        raise FileRefusedError(
            f"holds SQL statements (line {line}: {shown!r}) — statements are never run; deliver rows as CSV or Parquet"
        )
    raise FileRefusedError(
        "neither CSV nor Parquet nor XLSX by its name — deliver .csv (also .gz, .zip), .parquet or .xlsx, or declare "
        "format.type"
    )


def _plain_path(path: Path, scratch: Path, digest: str, suffix: str) -> Path:
    """Return a path that DuckDB takes for one file: a name with `*` or `[` would be a pattern."""
    if not _GLOB.search(str(path)):
        return path
    link = scratch / f"{digest}{suffix}"
    link.unlink(missing_ok=True)
    link.symlink_to(path.resolve())
    return link


def _with_encoding(blocks: Iterator[bytes], declared: str | None) -> tuple[Iterator[bytes], str]:
    """Return the blocks and their encoding: as declared, else by the byte order mark, else UTF-8."""
    first = next(blocks, b"")
    if first[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) and declared in (None, "utf-16"):
        encoding = "utf-16"
    elif first.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    else:
        encoding = declared or "utf-8"

    def all_blocks() -> Iterator[bytes]:
        yield first
        yield from blocks

    return all_blocks(), encoding


def _decoded(blocks: Iterator[bytes], encoding: str, path: Path) -> Iterator[bytes]:
    """Yield the blocks as UTF-8; a byte that the encoding does not have refuses the file with its place."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    is_utf8 = encoding in ("utf-8", "utf-8-sig")
    offset, pending = 0, 0
    for block in blocks:
        try:
            # most files are ASCII: nothing to decode, and nothing of a character left over from the block before
            if is_utf8 and not pending and block.isascii():
                yield block
            else:
                text = decoder.decode(block)
                pending = len(decoder.getstate()[0])
                yield text.encode()
        except UnicodeError as error:
            # UTF-16 without its mark has no place
            raise _not_decodable(encoding, offset - pending + getattr(error, "start", 0)) from None
        offset += len(block)
    try:
        yield decoder.decode(b"", True).encode()
    except UnicodeError:
        raise _not_decodable(encoding, offset - pending) from None


def _not_decodable(encoding: str, offset: int) -> FileRefusedError:
    name = "UTF-8" if encoding.startswith("utf-8") else encoding
    return FileRefusedError(
        f"is not {name} (byte {offset}) — declare its encoding (format: {{encoding: gb18030}} in home/sources/), or "
        "export it as UTF-8"
    )


@dataclass
class _Facts:
    lines: int = 0
    is_ascii: bool = True
    has_control: bool = False
    has_quotes: bool = False
    is_mixed: bool = False
    ends_whole: bool = True


def _scan(blocks: Iterator[bytes], delimiter: str, quote: str, copy: Path | None) -> _Facts:
    """Count lines outside quotes, and see what kinds of bytes there are; writes the blocks to `copy` on the way."""
    facts = _Facts()
    feeds_seen = returns = pairs = 0
    inside = 0  # parity of quotes so far
    last = b""
    mark = quote.encode()
    output = copy.open("wb") if copy else None
    try:
        for block in blocks:
            if not block:
                continue
            if output:
                output.write(block)
            array = np.frombuffer(block, dtype=np.uint8)
            feeds, low = block.count(b"\n"), int(np.count_nonzero(array < 32))
            feeds_seen += feeds
            facts.is_ascii = facts.is_ascii and block.isascii()
            if low != feeds:
                carriage = block.count(b"\r")
                returns += carriage
                # one byte of the block before, for a pair that the border cuts
                pairs += (last + block).count(b"\r\n") if carriage or last == b"\r" else 0
                usual = feeds + carriage + (block.count(b"\t") if delimiter == "\t" else 0)
                facts.has_control = facts.has_control or low > usual
            if inside or mark in block:
                facts.has_quotes = True
                feeds, inside = _outside_quotes(array, mark[0], inside)
            facts.lines += feeds
            last = block[-1:]
    finally:
        if output:
            output.close()
    if returns and not feeds_seen:
        facts.lines, facts.is_mixed = returns, True
    elif returns != pairs or 0 < pairs < feeds_seen:
        facts.is_mixed = True
    facts.ends_whole = last in (b"\n", b"\r")
    facts.lines += 0 if facts.ends_whole or not last else 1
    return facts


def _outside_quotes(array: np.ndarray, quote: int, inside: int) -> tuple[int, int]:
    """Return (line feeds outside quotes, whether the block ends inside); a doubled quote cancels itself out."""
    parity = np.bitwise_xor.accumulate((array == quote).view(np.uint8))
    if inside:
        parity ^= 1
    return int(np.count_nonzero((array == 10) & (parity == 0))), int(parity[-1])


def _trailer(path: Path, pattern: str) -> tuple[int, int]:
    """Return (byte position of the last line, the records that it counts)."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        start = max(0, file.tell() - 65_536)
        file.seek(start)
        tail = file.read().rstrip(b"\r\n")
    position = max(tail.rfind(b"\n"), tail.rfind(b"\r")) + 1
    found = re.search(pattern, tail[position:].decode("utf-8", "replace"))
    if not found or not found.groups() or not found[1].strip().isdigit():
        raise FileRefusedError(
            f"lacks its last line with the count of records ({pattern}) — it was cut; deliver it again"
        )
    return start + position, int(found[1])


def _rewritten(path: Path, target: Path, is_mixed: bool, end: int | None) -> Path:
    """Copy a file with line feeds only and without its trailer."""
    left, held = (end if end is not None else path.stat().st_size), b""
    with path.open("rb") as source, target.open("wb") as output:
        while left > 0 and (block := source.read(min(READ_BYTES, left))):
            left -= len(block)
            block, held = held + block, b""
            if is_mixed:
                if block.endswith(b"\r") and left > 0:
                    block, held = block[:-1], b"\r"
                block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            output.write(block)
        output.write(held)
    return target


def count_precisely(path: Path, delimiter: str, quote: str) -> tuple[int, list[int]]:
    """Return a readable CSV's records, counted by Python's own parser one by one, and which of its lines are empty.

    Asked where the byte count differs. A line end within quotes is none.

    Raises:
        FileRefusedError: a quote is opened and never closed.
    """
    csv.field_size_limit(1 << 30)
    with path.open(encoding="utf-8-sig", newline="") as text:
        rows = csv.reader(text, delimiter=delimiter, quotechar=quote, strict=True)
        count, line = 0, 0
        empty: list[int] = []
        try:
            for number, row in enumerate(rows, 1):
                count += 1 if row else 0
                empty += [] if row else [number]
                line = rows.line_num
        except csv.Error as error:
            raise FileRefusedError(
                f"has a quote that is never closed, or text after one (from line {line + 1}: {error}) — nothing of it "
                "was loaded; deliver the file again"
            ) from None
    return count - 1, empty


def _header(path: Path, delimiter: str, quote: str) -> tuple[str, ...]:
    """Return the names of the first record, trimmed and NFKC."""
    with path.open("rb") as file:
        text = file.read(HEADER_BYTES).decode("utf-8-sig", "ignore")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote)
    try:
        names = tuple(header_name(name) for name in next(rows, []))
    except csv.Error as error:
        raise FileRefusedError(f"has no readable header ({error}) — deliver the file again") from None
    if any(names):
        return names
    if text.strip():
        raise FileRefusedError("starts with an empty line instead of its header — deliver the header as the first line")
    raise FileRefusedError("is empty, without a header — deliver the file again; earlier data is kept", is_empty=True)
