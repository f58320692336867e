"""Compressed extracts, unpacked as a stream within limits: an archive may not fill the disk or name a path.

`.gz` and `.zip` with one member. Names inside an archive are never used. What the bytes mean: preparation.py.
"""

from __future__ import annotations

import gzip
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.ingestion.refusals import FileRefusedError

# below this nothing is a bomb: a short, repetitive extract may well compress 300 times
RATIO_FROM_BYTES = 100 << 20
# 100,000 members list themselves in about this; a workbook has dozens, and reading a list of 10^6 takes 10 s and 1 GB
MAX_DIRECTORY_BYTES = 8 << 20
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# all that the standard library raises when a zip's numbers, names or data are not what they should be
BROKEN_ZIP = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, OSError, ValueError, IndexError, OverflowError, RuntimeError, NotImplementedError),
)


@dataclass(frozen=True)
class Limits:
    """What an archive may unpack to: bytes, and times its own size."""

    unpacked_bytes: int = 50 << 30
    ratio: float = 200.0


def unpacked(path: Path, limits: Limits, block_bytes: int) -> Iterator[bytes]:
    """Yield a file's content in blocks, unpacked by its name (`.gz`, `.zip`); checksums are verified at the end.

    Raises:
        FileRefusedError: beyond the limits, or a zip that has not exactly one plain member.
        EOFError, gzip.BadGzipFile, zlib.error: a cut or corrupt gzip.
    """
    name = path.name.lower()
    if name.endswith(".zip"):
        yield from _from_zip(path, limits, block_bytes)
        return
    with gzip.open(path, "rb") if name.endswith(".gz") else path.open("rb") as file:
        total = 0
        while block := file.read(block_bytes):
            total += len(block)
            _within(limits, total, path)
            yield block


def require_harmless_zip(path: Path, limits: Limits, *, members: int | None = None) -> list[zipfile.ZipInfo]:
    """Return the members of a zip after checking their count, sizes and nesting; nothing is unpacked.

    Raises:
        FileRefusedError: corrupt, encrypted, too many members, nested archives, or larger than the limits.
    """
    _require_short_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except BROKEN_ZIP as error:
        raise _corrupt(error) from None
    if members is not None and len(entries) != members:
        raise FileRefusedError(f"holds {len(entries):,} files — a zip must hold one extract; deliver each by itself")
    for entry in entries:
        if entry.flag_bits & 1:
            raise FileRefusedError("is encrypted — deliver it without a password")
        if entry.filename.lower().endswith((".zip", ".gz", ".7z", ".rar", ".tar")):
            raise FileRefusedError("holds another archive — deliver the extract itself")
        if entry.compress_type not in METHODS:
            raise FileRefusedError("is packed by a method other than deflate — pack it as a plain zip")
    _within(limits, sum(entry.file_size for entry in entries), path)
    return entries


def _from_zip(path: Path, limits: Limits, block_bytes: int) -> Iterator[bytes]:
    (entry,) = require_harmless_zip(path, limits, members=1)
    yield from unpacked_member(path, entry, limits, block_bytes)


def unpacked_member(path: Path, entry: zipfile.ZipInfo, limits: Limits, block_bytes: int) -> Iterator[bytes]:
    """Yield one member's content in blocks; its checksum is verified at the end.

    Raises:
        FileRefusedError: corrupt, or beyond the limits.
    """
    total = 0
    try:
        with zipfile.ZipFile(path) as archive, archive.open(entry) as file:
            # the size that the zip states is not believed: bytes are counted as they come
            while block := file.read(block_bytes):
                total += len(block)
                _within(limits, total, path)
                yield block
    except BROKEN_ZIP as error:
        raise _corrupt(error) from None


def _require_short_directory(path: Path) -> None:
    """Refuse a zip whose list of members is a bomb by itself, before that list is read."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 66_000))
        tail = file.read()
    end, end64 = tail.rfind(b"PK\5\6"), tail.rfind(b"PK\6\6")
    listed = tail[end + 12 : end + 16] if end >= 0 else b""
    listed64 = tail[end64 + 40 : end64 + 48] if end64 >= 0 else b""
    sizes = [int.from_bytes(found, "little") for found in (listed, listed64)]
    # 2^32 - 1 says that the number stands in the other record
    if any(MAX_DIRECTORY_BYTES < stated < size for stated in sizes):
        raise FileRefusedError("holds far too many files — a zip must hold one extract; deliver each by itself")


def _corrupt(error: Exception) -> FileRefusedError:
    return FileRefusedError(f"is a cut or corrupt zip ({error}) — deliver the file again")


def _within(limits: Limits, total: int, path: Path) -> None:
    packed = path.stat().st_size
    is_bomb = total > RATIO_FROM_BYTES and total > limits.ratio * packed and path.suffix.lower() != ".csv"
    if total > limits.unpacked_bytes or is_bomb:
        raise FileRefusedError(
            f"unpacks to more than {total >> 20:,} MB from {packed >> 10:,} kB, over the limits "
            f"({limits.unpacked_bytes >> 30} GB, {limits.ratio:g} times) — deliver it in parts, or raise "
            "ingestion.max_unpacked_gb"
        )
