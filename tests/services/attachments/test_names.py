"""Names that strangers chose become names that cannot hurt (research/reliability.md §6 A01)."""

from __future__ import annotations

import json
import unicodedata
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.attachments.names import BYTES_LIMIT, numbered, opened_name, safe_name
from tests.services.mail_corpora import corpora


def is_plain(name: str) -> bool:
    return (
        bool(name)
        and name not in (".", "..")
        and name[0] not in ".-~ "
        and name[-1] not in ". "
        and not any(c in '/\\:*?"<>|`$;&' for c in name)
        and all(unicodedata.category(c)[0] != "C" for c in name)
        and len(name.encode()) <= BYTES_LIMIT
    )


def test_the_hostile_names_of_the_corpus_become_plain_ones() -> None:
    names = json.loads((corpora() / "generated/strings.json").read_text())["filenames"]
    assert len(names) == 35
    for name in names:
        assert is_plain(safe_name(name)), ascii(name)


@given(st.text(max_size=300))
def test_whatever_the_name_it_becomes_a_plain_one(name: str) -> None:
    assert is_plain(safe_name(name))
    assert is_plain(opened_name(name, name[::-1]))


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("../../.ssh/authorized_keys", "authorized_keys"),
        ("C:\\Windows\\x.dll", "x.dll"),
        (".bashrc", "bashrc"),
        ("", "attachment"),
        ("..", "attachment"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("COM¹.txt", "_COM¹.txt"),
        ("-rf", "_rf"),
        ("a\x00b\n.txt", "a_b_.txt"),
        ("invoice_\u202efdp.exe", "invoice__fdp.exe"),
        ("a\u2060.pdf", "a_.pdf"),
        ("\ud800.txt", "_.txt"),
        ("report.pdf. ", "report.pdf"),
        ("Bericht für März.pdf", "Bericht für März.pdf"),
        ("日本語.txt", "日本語.txt"),
        ("e\u0301" + "\u0301" * 50 + ".txt", "é" + "\u0301" * 4 + ".txt"),
    ],
)
def test_a_name_keeps_what_can_stand(told: str, kept: str) -> None:
    assert safe_name(told) == kept


def test_a_long_name_keeps_its_ending() -> None:
    name = safe_name("é" * 300 + ".tar.gz")
    assert name.endswith("é.tar.gz")
    assert len(name.encode()) <= BYTES_LIMIT


@pytest.mark.parametrize(
    ("sealed", "inside", "opened"),
    [
        ("report.pdf.asc", "", "report.pdf"),
        ("report.pdf.asc", "other.exe", "report.pdf"),
        ("REPORT.PDF.GPG", "", "REPORT.PDF"),
        ("../x.txt.pgp", "", "x.txt"),
        (".asc", "inside.txt", "inside.txt"),
        ("message", "../../.profile", "profile"),
        ("message", "_CONSOLE", "message"),
        ("message", "", "message"),
        (".bashrc.asc", "", "bashrc"),
    ],
)
def test_an_opened_file_gets_its_own_name_back(sealed: str, inside: str, opened: str) -> None:
    assert opened_name(sealed, inside) == opened


def test_a_taken_name_is_numbered_before_its_ending() -> None:
    assert list(islice(numbered("report.pdf"), 3)) == [
        "report.pdf", "report (2).pdf", "report (3).pdf",
    ]  # fmt: skip
    assert list(islice(numbered("a.tar.gz"), 2))[1] == "a (2).tar.gz"
    assert list(islice(numbered("README"), 2))[1] == "README (2)"
