"""Bodies: what was kept comes back or nothing does, below the limit, whatever the id says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.cache.bodies import BodyStore
from services.errors import DiskFull
from tests.fakes.fake_file_ops import FakeFileOps

IDS = ["<a@b>", "../../etc/passwd", "", "a/b", "\0", "x" * 5_000, "\ud800", ".", "con"]


@pytest.mark.parametrize("message_id", IDS, ids=range(len(IDS)))
@pytest.mark.parametrize("raw", [b"", b"\xff\x00raw\r\n", b"x" * 100_000], ids=[0, 5, 100_000])
def test_a_body_comes_back_as_it_was(tmp_path: Path, message_id: str, raw: bytes) -> None:
    bodies = BodyStore(tmp_path / "bodies")
    assert bodies.get(message_id) is None
    bodies.put(message_id, b"before")
    bodies.put(message_id, raw)
    assert BodyStore(tmp_path / "bodies").get(message_id) == raw
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert path.resolve().is_relative_to(tmp_path.resolve())
    assert path.stem.isalnum()
    assert bodies.size == path.stat().st_size
    bodies.remove([message_id, "<never seen>"])
    assert bodies.get(message_id) is None
    assert bodies.size == 0


def _file(folder: Path) -> Path:
    (path,) = folder.glob("bodies/*/*")
    return path


def test_a_damaged_body_is_no_body(tmp_path: Path) -> None:
    bodies = BodyStore(tmp_path / "bodies")
    bodies.put("<a@b>", b"some mail" * 100)
    path = _file(tmp_path)
    content = path.read_bytes()
    for spoilt in (content[:-1], content[:20], b"", content + b"x", content.replace(b"m", b"n", 9)):
        path.write_bytes(spoilt)
        assert bodies.get("<a@b>") is None
    path.unlink()
    path.mkdir()
    assert bodies.get("<a@b>") is None


def test_those_read_longest_ago_make_room(tmp_path: Path) -> None:
    bodies = BodyStore(tmp_path / "bodies", limit=10_000)
    for number in range(9):
        bodies.put(str(number), b"x" * 1_000)
        (path,) = [path for path in tmp_path.glob("bodies/*/*") if path.stat().st_mtime > 2_000_000]
        os.utime(path, (1_000_000 + number, 1_000_000 + number))
    assert bodies.get("0") == b"x" * 1_000
    bodies.put("9", b"x" * 1_000)
    kept = [str(n) for n in range(10) if bodies.get(str(n)) is not None]
    assert kept == ["0", "3", "4", "5", "6", "7", "8", "9"]
    assert bodies.size <= 9_000
    assert BodyStore(tmp_path / "bodies").size == bodies.size


@pytest.mark.parametrize("stop_at", range(2))
def test_a_full_disk_leaves_the_body_before(tmp_path: Path, stop_at: int) -> None:
    BodyStore(tmp_path / "bodies").put("<a@b>", b"before")
    bodies = BodyStore(tmp_path / "bodies", ops=FakeFileOps(stop_at, torn=True))
    with pytest.raises(DiskFull, match="keeping a message"):
        bodies.put("<a@b>", b"after" * 100)
    assert bodies.get("<a@b>") == b"before"
    assert len(list(tmp_path.glob("bodies/*/*"))) == 1


def test_what_a_crash_left_half_written_is_swept_up(tmp_path: Path) -> None:
    bodies = BodyStore(tmp_path / "bodies")
    bodies.put("<a@b>", b"raw")
    rest = _file(tmp_path).with_suffix(".mail.new")
    rest.write_bytes(b"half")
    BodyStore(tmp_path / "bodies").put("<c@d>", b"raw")
    assert not rest.exists()
