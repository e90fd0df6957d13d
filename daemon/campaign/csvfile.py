"""Reading lists of people as spreadsheets write them. Pure: bytes in, records out.

One broken line costs that line only: neither a wrong byte nor a forgotten quotation
mark may swallow the rest of the file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from daemon.errors import LeadError
from daemon.store.rows import RejectedLine

_LONGEST_RECORD_LINES = 10  # a quoted cell may hold line breaks, but not the rest of the file
_BOMS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True)
class Record:
    """One row: the line it starts on (the first line is 1), its text, its cells."""

    line: int
    raw: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A file as read: header, records and broken lines in order, encoding used."""

    header: tuple[str, ...]
    records: tuple[Record | RejectedLine, ...]
    encoding: str


@dataclass(frozen=True)
class _Line:
    text: str
    broken: str  # "" or why it could not be decoded


def read_table(data: bytes) -> Table:
    """Read a CSV file: UTF-8 (with or without BOM), UTF-16 with BOM, or GB18030.

    The separator is the comma, semicolon or tab that the header uses.

    Raises:
        LeadError: it is empty or not text.
    """
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise LeadError("is a spreadsheet file, not text; save it as CSV (UTF-8)")
    lines, encoding = _decode(data)
    start = next((i for i, line in enumerate(lines) if line.text.strip()), None)
    if start is None:
        raise LeadError("is empty; the first line must name the columns")
    if any("\0" in line.text for line in lines[:50]):
        raise LeadError("is not a text file; save it as CSV (UTF-8)")
    separator = max(",;\t", key=lines[start].text.count)
    header = _parse(lines[start].text, separator)
    if lines[start].broken or header is None:
        raise LeadError("has a first line that cannot be read; it must name the columns")
    records = tuple(_records(lines, start + 1, separator, len(header)))
    return Table(tuple(cell.strip() for cell in header), records, encoding)


def _decode(data: bytes) -> tuple[list[_Line], str]:
    bom = next((mark for mark in _BOMS if data.startswith(mark)), b"")
    if bom and _BOMS[bom] == "utf-16":
        text = data.decode("utf-16", errors="replace")
        return [_Line(line, "") for line in text.split("\n")], "utf-16"
    # No byte of a UTF-8 or GB18030 character is a line feed, so lines can be cut first.
    chunks = data.removeprefix(bom).split(b"\n")
    encoding = "utf-8" if bom else _likely_encoding(chunks)
    lines: list[_Line] = []
    for chunk in chunks:
        try:
            lines.append(_Line(chunk.decode(encoding), ""))
        except UnicodeDecodeError as error:
            why = f"byte {error.start + 1} of the line is not {encoding.upper()}"
            lines.append(_Line(chunk.decode(encoding, errors="replace"), why))
    return lines, encoding


def _likely_encoding(chunks: list[bytes]) -> str:
    foreign = [chunk for chunk in chunks if not chunk.isascii()]
    readable = sum(_decodes(chunk, "utf-8") for chunk in foreign)
    if 2 * readable >= len(foreign):
        return "utf-8"
    return "gb18030" if sum(_decodes(c, "gb18030") for c in foreign) > readable else "utf-8"


def _decodes(chunk: bytes, encoding: str) -> bool:
    try:
        chunk.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _parse(text: str, separator: str) -> list[str] | None:
    """The cells of one record; None if its quotation marks do not match."""
    try:
        rows = list(csv.reader([text.rstrip("\r\n")], delimiter=separator, strict=True))
    except csv.Error:
        return None
    return rows[0] if rows else []


def _records(
    lines: list[_Line], start: int, separator: str, columns: int
) -> Iterator[Record | RejectedLine]:
    index = start
    while index < len(lines):
        first = lines[index]
        number, raw = index + 1, first.text.rstrip("\r")
        if first.broken:
            yield RejectedLine(number, raw, first.broken)
        elif raw.strip():
            cells, used = _parse_record(lines, index, separator, columns)
            if cells is None:
                yield RejectedLine(number, raw, "a quotation mark is not closed")
            elif len(cells) > columns:
                reason = f"{len(cells)} cells where the header names {columns} columns"
                yield RejectedLine(number, raw, reason)
            elif any(cell.strip() for cell in cells):
                yield Record(number, raw, tuple(cells) + ("",) * (columns - len(cells)))
            index += used - 1
        index += 1


def _parse_record(
    lines: list[_Line], index: int, separator: str, columns: int
) -> tuple[list[str] | None, int]:
    """Cells of the record that starts here and how many lines it takes."""
    cells = _parse(lines[index].text, separator)
    if cells is not None:
        return cells, 1
    text = lines[index].text.rstrip("\r")
    for used, line in enumerate(lines[index + 1 : index + _LONGEST_RECORD_LINES], start=2):
        if line.broken:
            break
        text += "\n" + line.text.rstrip("\r")
        cells = _parse_joined(text, separator)
        if cells is not None and len(cells) == columns:
            return cells, used
    return None, 1


def _parse_joined(text: str, separator: str) -> list[str] | None:
    try:
        rows = list(csv.reader(text.splitlines(keepends=True), delimiter=separator, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None
