"""Attacks on the program as a whole: its words on stderr, hostile arguments, full devices, the crash report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ESCAPE = "\x1b]0;owned\x07\x9b31m"
START = "import sys; from tui.__main__ import main; sys.exit(main(sys.argv[1:]))"


def program(
    *arguments: str | bytes, stdout: int = subprocess.PIPE, **environ: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the program in a process of its own, as a shell does."""
    words = [os.fsencode(word) for word in (sys.executable, "-c", START, *arguments)]
    return subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, check=False,
        cwd=ROOT, env={**os.environ, **environ},
    )  # fmt: skip


def is_clean(said: bytes) -> bool:
    text = said.decode("utf-8", "strict")
    return all(char == "\n" or char.isprintable() for char in text)


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", ESCAPE],
        [ESCAPE],
        ["list", f"--bogus={ESCAPE}"],
        ["list", "--limit", ESCAPE],
        ["list", b"--bogus=\xff\xfe"],
        ["list", "--profile", ESCAPE],
        ["--profile", ESCAPE, "list"],
        ["render", ESCAPE],
        ["sandbox", "--data", f"/dev/null/{ESCAPE}"],
    ],
)
def test_what_was_typed_is_quoted_without_its_escapes(arguments: list[str | bytes]) -> None:
    done = program(*arguments)
    assert done.returncode in (1, 2, 4)
    assert done.stdout == b""
    assert is_clean(done.stderr), done.stderr
    assert done.stderr.count(b"\n") == 1
    assert b"error of its own" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--debug", "list", "--json"],
        ["--profile", "none", "list", "--json"],
        ["--profile=none", "--debug", "show", "--raw", "x"],
        ["--", "list"],
        ["--debu", "list"],
        ["--profile"],
        [""],
    ],
)
def test_options_may_stand_before_the_verb_and_no_order_of_words_is_a_crash(
    arguments: list[str], isolation: Path
) -> None:
    done = program(*arguments)
    assert done.returncode in (1, 2)
    assert b"unrecognized arguments: --json" not in done.stderr
    assert b"unrecognized arguments: --raw" not in done.stderr
    assert list(isolation.rglob("crash-*")) == []


def test_a_full_device_for_the_output_is_one_sentence(tmp_path: Path, isolation: Path) -> None:
    mail = tmp_path / "a.eml"
    mail.write_bytes(b"Subject: x\n\n" + b"text\n" * 10_000)
    with Path("/dev/full").open("wb") as full:
        done = program("render", "--json", str(mail), stdout=full.fileno())
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"could not be written" in done.stderr
    assert list(isolation.rglob("crash-*")) == []


def test_a_sandbox_on_a_folder_of_garbage_is_one_sentence(tmp_path: Path, isolation: Path) -> None:
    (tmp_path / "sandbox.db").write_bytes(b"garbage" * 1_000)
    done = program("sandbox", "--data", str(tmp_path))
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1
    assert (tmp_path / "sandbox.db").read_bytes() == b"garbage" * 1_000
    assert list(isolation.rglob("crash-*")) == []
