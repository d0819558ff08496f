"""Armor in text: what is a block, what stands around it, and what is never taken for one."""

from __future__ import annotations

import pytest

from services.reading.armored import block_of, block_of_part, find_blocks
from services.reading.body import gather
from services.reading.mime import split_mail
from services.reading.render import parse_mail
from services.sealed_names import guessed_type, looks_sealed, original_name
from tests.fakes.sealed_mail import mail, parts, pgp_mime

BEGIN, END = "-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----"
BLOCK = f"{BEGIN}\n\nhQEMA1234\n=abcd\n{END}\n"


def outside(text: str) -> list[list[str]]:
    lines = text.split("\n")
    return [lines[start:end] for start, end in find_blocks(lines).outside(len(lines))]


def test_what_stands_around_a_block_is_told_in_order() -> None:
    assert outside(f"before\n{BLOCK}after") == [["before"], ["after"]]


@pytest.mark.parametrize("blanks", [" ", "\t", "\r", "\xa0", "\ufeff"])
def test_blanks_around_the_lines_of_a_block_do_not_hide_it(blanks: str) -> None:
    lines = [blanks + line + blanks for line in BLOCK.strip().split("\n")]
    (span,) = find_blocks(lines).spans
    block = block_of(lines[span[0] : span[1]])
    assert block is not None
    assert block.data.decode() == BLOCK


@pytest.mark.parametrize(
    "text",
    [
        f"> {BEGIN}\n> hQEM\n> {END}",
        f"see {BEGIN} and\n{END}",
        f"{END}\n{BEGIN.lower()}",
        "-----BEGIN PGP MESSAGE, PART 1/2-----\nx\n-----END PGP MESSAGE, PART 1/2-----",
        "-----BEGIN PGP SIGNED MESSAGE-----\nx\n-----BEGIN PGP SIGNATURE-----",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n-----END PGP PUBLIC KEY BLOCK-----",
    ],
)
def test_quotes_words_and_other_armor_are_no_block(text: str) -> None:
    assert not find_blocks(text.split("\n"))


def test_text_between_two_first_lines_is_not_swallowed() -> None:
    assert outside(f"{BEGIN}\npay here\n{BLOCK}") == [[BEGIN, "pay here"], [""]]


def test_a_block_without_an_end_is_cut_and_what_follows_is_no_text() -> None:
    blocks = find_blocks(f"hello\n{BEGIN}\npay here".split("\n"))
    assert (blocks.spans, blocks.cut_at) == ((), 1)
    assert outside(f"hello\n{BEGIN}\npay here") == [["hello"]]


def test_a_million_first_lines_are_looked_at_once_each() -> None:
    blocks = find_blocks([BEGIN] * 1_000_000)
    assert blocks.cut_at == 999_999


@pytest.mark.parametrize("cte", ["7bit", "quoted-printable", "base64"])
def test_armor_is_found_after_the_transfer_encoding_is_undone(cte: str) -> None:
    parsed = parse_mail(mail(BLOCK, cte=cte))
    assert [block.data.decode() for block in parsed.sealed] == [BLOCK]
    assert not parsed.lines


@pytest.mark.parametrize("cte", ["7bit", "base64"])
def test_the_second_part_of_pgp_mime_is_handed_over_as_an_entity(cte: str) -> None:
    (block,) = parse_mail(pgp_mime(BLOCK, encoding=cte)).sealed
    assert block.data.decode() == BLOCK
    assert block.is_entity


def test_packets_without_armor_in_pgp_mime_are_handed_over_as_they_are() -> None:
    block = block_of_part(b"\x84\x8c\x03rest")
    assert block is not None
    assert block.data == b"\x84\x8c\x03rest"


def test_armor_is_found_in_the_text_of_html() -> None:
    page = f"<html><body><p>hi</p><pre>{BLOCK}</pre><p>bye</p></body></html>"
    parsed = parse_mail(parts(("html", page)))
    assert [block.data.decode() for block in parsed.sealed] == [BLOCK]
    assert [line.text for line in parsed.lines if line.text] == ["hi", "bye"]


def test_armor_that_html_hides_or_quotes_is_not_opened() -> None:
    for page in (
        f'<div style="display:none"><pre>{BLOCK}</pre></div>seen',
        f"<blockquote><pre>{BLOCK}</pre></blockquote>seen",
    ):
        assert not parse_mail(parts(("html", page))).sealed


def test_armor_in_an_attached_message_stays_closed() -> None:
    raw = (
        b"From: a@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: c@example.org\r\n\r\n"
        + BLOCK.encode() + b"\r\n--b--\r\n"
    )  # fmt: skip
    parsed = parse_mail(raw)
    assert not parsed.encrypted
    assert any("stays closed" in line.text for line in parsed.lines)


def test_the_alternative_that_is_not_shown_is_not_opened() -> None:
    parsed = parse_mail(
        parts(("plain", BLOCK), ("html", f"<pre>{BLOCK}</pre>"), subtype="alternative")
    )
    assert len(parsed.sealed) == 1


def test_a_block_beyond_the_limit_is_told_and_not_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.reading.armored.SEALED_LIMIT", 40)
    body = gather(split_mail(mail(BLOCK))[0])
    assert (body.sealed, body.flaw) == ([], "too-large")


# ── names of encrypted files ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "kind", "flagged", "sealed"),
    [
        ("report.pdf.asc", "application/pgp-encrypted", True, True),
        ("report.pdf.asc", "application/octet-stream", False, True),
        ("report.pdf.gpg", "", False, True),
        ("x", "application/pgp-encrypted; v=1", False, True),
        ("signature.asc", "application/pgp-signature", False, False),
        ("report.pdf.asc", "application/pgp-signature", False, False),
        ("key.asc", "application/pgp-keys", False, False),
        ("key.asc", "text/plain", False, False),
        ("notes.txt", "text/plain", False, False),
        ("notes.txt", "text/plain", True, True),
        (".asc", "", False, False),
    ],
)
def test_encrypted_files_are_told_from_other_armor(
    name: str, kind: str, flagged: bool, sealed: bool
) -> None:
    assert looks_sealed(name, kind, flagged=flagged) is sealed


@pytest.mark.parametrize(
    ("name", "original", "kind"),
    [
        ("report.pdf.asc", "report.pdf", "application/pdf"),
        ("DATA.CSV.ASC", "DATA.CSV", "text/csv"),
        ("отчёт.pdf.gpg", "отчёт.pdf", "application/pdf"),
        ("plain", "plain", "application/octet-stream"),
        (".asc", ".asc", "application/octet-stream"),
        ("a.asc.asc", "a.asc", "application/octet-stream"),
    ],
)
def test_an_encrypted_file_gets_its_name_and_type_back(name: str, original: str, kind: str) -> None:
    assert original_name(name) == original
    assert guessed_type(original_name(name)) == kind
