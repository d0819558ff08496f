"""Small real files for sample mail: PDF, CSV, calendar entries, logs, JSON, ZIP, PNG.

Closes the trap of attachments that only look like files: each opens in the program it is for.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from services.sandbox.samples.draft import File
from services.sandbox.samples.phrases import Words

_ESCAPES: Final = str.maketrans({"\\": r"\\", "(": r"\(", ")": r"\)"})


def pdf(name: str, lines: Sequence[str]) -> File:
    """One page of plain lines in Helvetica, with a correct cross-reference table."""
    shown = " ".join(f"({line.translate(_ESCAPES)}) Tj T*" for line in lines)
    content = f"BT /F1 11 Tf 15 TL 60 780 Td {shown} ET".encode("cp1252", "replace")
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources 6 0 R>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Font<</F1 5 0 R>>>>",
    )
    out = bytearray(b"%PDF-1.4\n")
    table = [b"0000000000 65535 f \n"]
    for number, body in enumerate(objects, 1):
        table.append(b"%010d 00000 n \n" % len(out))
        out += b"%d 0 obj%b endobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n%b" % (len(table), b"".join(table))
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(table), start)
    return File(name, "application/pdf", bytes(out))


def csv(name: str, words: Words, rows: int) -> File:
    """A table of orders."""
    rng = words.rng
    lines = ["id,sku,quantity,net_total,currency,country"]
    for number in range(rows):
        seed = rng.getrandbits(32)
        lines.append(
            f"{10_000 + number},SKU-{seed & 0xFFFF:05d},{1 + (seed >> 16) % 40},"
            f"{(seed >> 8) % 90_000 / 100:.2f},EUR,{('DE', 'PT', 'KE', 'JP')[seed % 4]}"
        )
    return File(name, "text/csv", "\r\n".join((*lines, "")).encode())


def log(name: str, lines: Sequence[str]) -> File:
    """A plain log."""
    return File(name, "text/plain", "\n".join((*lines, "")).encode())


def document(name: str, value: object) -> File:
    """A JSON document."""
    return File(name, "application/json", json.dumps(value, ensure_ascii=False, indent=1).encode())


def invitation(uid: str, title: str, start: str, organiser: str) -> File:
    """A calendar entry of one hour; `start` as YYYYMMDDTHHMMSSZ."""
    lines = (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//sample//EN", "METHOD:REQUEST", "BEGIN:VEVENT",
        f"UID:{uid}", f"DTSTAMP:{start}", f"DTSTART:{start}", "DURATION:PT1H",
        f"SUMMARY:{title}", f"ORGANIZER:mailto:{organiser}", "END:VEVENT", "END:VCALENDAR", "",
    )  # fmt: skip
    return File("invite.ics", "text/calendar", "\r\n".join(lines).encode())


@lru_cache(maxsize=8)
def archive(name: str, inside: str, text: str) -> File:
    """A ZIP with one file; the same bytes each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(zipfile.ZipInfo(inside, (2026, 1, 1, 0, 0, 0)), text)
    return File(name, "application/zip", buffer.getvalue())


@lru_cache(maxsize=8)
def chart(name: str, heights: tuple[int, ...] = (3, 5, 4, 7, 6, 9, 8, 11)) -> File:
    """A small grey bar chart as PNG."""
    tall = max(heights) + 1
    rows = b"".join(
        b"\0" + bytes(90 if tall - row <= high else 240 for high in heights for _ in range(4))
        for row in range(tall)
    )
    head = struct.pack(">IIBBBBB", 4 * len(heights), tall, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return File(name, "image/png", data)
