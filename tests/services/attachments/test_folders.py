"""Folders as people type them."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.attachments.folders import complete


@pytest.fixture
def tree(isolation: Path) -> Path:
    for name in ("Documents", "Downloads", "Drafts/old", ".config", "bad\x1b[31m"):
        (isolation / name).mkdir(parents=True)
    (isolation / "Download.txt").write_text("x")
    return isolation


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("~/Dow", "~/Downloads/"),
        ("~/Do", "~/Do"),
        ("~/D", "~/D"),
        ("~/Drafts/", "~/Drafts/old/"),
        ("~/.c", "~/.config/"),
        ("~/ba", "~/ba"),
        ("~/nothing/", "~/nothing/"),
        ("~", "~/"),
        ("word", "word"),
        ("~nobody-here/x", "~nobody-here/x"),
        ("/\0", "/\0"),
        ("", ""),
    ],
)
def test_a_folder_is_completed_as_far_as_there_is_one_choice(
    tree: Path, typed: str, completed: str
) -> None:
    assert complete(typed) == completed
