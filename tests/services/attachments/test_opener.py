"""Saved files handed to the desktop: what is refused, and what the opener gets to see."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from services.attachments.opener import open_with_system, runs
from services.errors import MailError, NotFound, UsageError


@pytest.fixture
def desktop(tmp_path: Path) -> dict[str, str]:
    """A desktop whose opener writes down its arguments and its environment."""
    folder = tmp_path / "bin"
    folder.mkdir()
    opener = folder / "xdg-open"
    opener.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/arguments\nenv > {tmp_path}/env\n'
    )
    opener.chmod(0o700)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "DISPLAY": ":1", "HOME": str(tmp_path),
            "AGENTMAIL_TOKEN": "canary", "LD_PRELOAD": "canary"}  # fmt: skip


def hand_over(path: Path, desktop: dict[str, str]) -> None:
    asyncio.run(open_with_system(path, desktop))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "$(touch x) -rf.pdf"
    path.write_bytes(b"%PDF")
    path.chmod(0o600)
    return path


def test_the_opener_gets_one_path_and_nothing_of_ours(
    desktop: dict[str, str], saved: Path, tmp_path: Path
) -> None:
    hand_over(saved, desktop)
    assert (tmp_path / "arguments").read_text() == f"{saved}\n"
    assert "canary" not in (tmp_path / "env").read_text()


@pytest.mark.parametrize(
    "name", ["a.exe", "a.desktop", "a.pdf.sh", "A.JAR", "a.lnk", "a.hta. ", "a.command", "a.url"]
)
def test_what_may_run_is_not_opened(desktop: dict[str, str], tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"x")
    with pytest.raises(UsageError, match="may run as a program"):
        hand_over(path, desktop)
    assert not (tmp_path / "arguments").exists()


@pytest.mark.parametrize("name", ["a.pdf", "a.txt", "a", "a.exe.pdf", "photo.JPG"])
def test_documents_and_pictures_do_not_count_as_programs(name: str) -> None:
    assert not runs(name)


def test_what_was_made_executable_is_not_opened(desktop: dict[str, str], saved: Path) -> None:
    saved.chmod(0o700)
    with pytest.raises(UsageError, match="may run"):
        hand_over(saved, desktop)


def test_a_file_that_was_replaced_by_a_link_or_is_gone_is_not_opened(
    desktop: dict[str, str], saved: Path, tmp_path: Path
) -> None:
    saved.unlink()
    with pytest.raises(NotFound):
        hand_over(saved, desktop)
    saved.symlink_to(tmp_path / "bin" / "xdg-open")
    with pytest.raises(UsageError, match="not the file"):
        hand_over(saved, desktop)


def test_without_a_desktop_nothing_is_started(desktop: dict[str, str], saved: Path) -> None:
    del desktop["DISPLAY"]
    with pytest.raises(UsageError, match="no desktop"):
        hand_over(saved, desktop)


def test_an_opener_that_cannot_is_told(
    desktop: dict[str, str], saved: Path, tmp_path: Path
) -> None:
    (tmp_path / "bin" / "xdg-open").write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(MailError, match="No program was found"):
        hand_over(saved, desktop)
