"""The objects of the sandbox's S3 bucket: files by opaque name, an index in the database.

Closes two traps: an object key is written by clients and must never become a path, and a broken
upload must not be seen as an object (written aside, renamed, then indexed).
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from services.sandbox.database import Database


class Blobs:
    """Objects by key, written whole or not at all; `open`, `size`, `content_type` raise KeyError."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._database = database
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def put_stream(
        self, key: str, chunks: AsyncIterator[bytes], content_type: str = ""
    ) -> int:
        """Store an object as it comes in; returns its size in bytes. A failure leaves nothing."""
        name, aside = self._new_file()
        size = 0
        try:
            with aside.open("wb") as out:
                async for chunk in chunks:
                    size += out.write(chunk)
            self._index(key, name, aside, size, content_type)
        finally:
            aside.unlink(missing_ok=True)
        return size

    def put_bytes(self, key: str, data: bytes, content_type: str = "") -> None:
        """Store an object at once."""
        name, aside = self._new_file()
        try:
            aside.write_bytes(data)
            self._index(key, name, aside, len(data), content_type)
        finally:
            aside.unlink(missing_ok=True)

    def open(self, key: str) -> BinaryIO:
        """Open an object for reading."""
        return (self._folder / self._row(key)[0]).open("rb")

    def size(self, key: str) -> int:
        """Bytes of an object."""
        return self._row(key)[1]

    def content_type(self, key: str) -> str:
        """The type that the object was uploaded with."""
        return self._row(key)[2]

    def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        try:
            self._row(key)
        except KeyError:
            return False
        return True

    def _new_file(self) -> tuple[str, Path]:
        name = secrets.token_hex(16)
        return name, self._folder / f"{name}.part"

    def _index(self, key: str, name: str, aside: Path, size: int, content_type: str) -> None:
        aside.chmod(0o600)
        aside.rename(self._folder / name)
        with self._database.transaction() as db:
            before = db.execute("SELECT file FROM objects WHERE key = ?", (key,)).fetchone()
            db.execute(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)",
                (key, name, size, content_type),
            )
        if before:
            (self._folder / before[0]).unlink(missing_ok=True)

    def _row(self, key: str) -> tuple[str, int, str]:
        row: tuple[str, int, str] | None = self._database.connection.execute(
            "SELECT file, size, content_type FROM objects WHERE key = ?", (key,)
        ).fetchone()
        if row is None:
            raise KeyError(key)
        return row
