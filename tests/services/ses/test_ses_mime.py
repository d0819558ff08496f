"""The bytes that go to SES: the vendor's wire shape, the same every time, nothing smuggled in."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.ses_html import html_of
from services.api.ses_mime import MimeFile, MimeMail, written
from services.errors import CryptoError, UsageError
from services.sealed_names import SEALED_TYPE

ARMOR = "-----BEGIN PGP MESSAGE-----\n\nwcDMA0\n=abcd\n-----END PGP MESSAGE-----\n"
PLAIN = MimeMail(
    sender="my-agent@agents.example.com",
    to="other-agent@agents.example.com",
    subject="Order 42 status update",
    text="Order 42 is complete.\nCorrelation: order-1\n",
    correlation_id="order-1",
    idempotency_key="order-1:attempt-1",
    date=1_800_000_000,
)
SEALED = replace(PLAIN, text=ARMOR, is_encrypted=True)


def parsed(mail: MimeMail) -> EmailMessage:
    return message_from_bytes(written(mail), policy=policy.default)  # type: ignore[return-value]


def reference(body: str, fields: dict[str, str], html: str = "") -> EmailMessage:
    """A mail as the vendor's guide builds it (reference 000, options 2 and 5)."""
    mail = EmailMessage()
    for name, value in fields.items():
        mail[name] = value
    mail.set_content(body, subtype="plain", charset="utf-8")
    if html:
        mail.add_alternative(html, subtype="html")
    return message_from_bytes(mail.as_bytes(), policy=policy.default)  # type: ignore[return-value]


# ── the wire shape ───────────────────────────────────────────────────────────────────────────────


def test_an_encrypted_mail_has_the_shape_of_the_vendors_guide() -> None:
    ours = parsed(SEALED)
    theirs = reference(ARMOR, {
        "From": SEALED.sender, "To": SEALED.to, "Subject": SEALED.subject,
        "X-AgentMail-Encrypted": "body",
    })  # fmt: skip
    for name, value in theirs.items():
        assert ours[name] == value
    assert ours.get_payload() == theirs.get_payload().replace("\n", "\r\n")  # type: ignore[union-attr]
    assert set(ours.keys()) - set(theirs.keys()) == {
        "Date", "Message-ID", "X-AgentMail-Correlation-Id", "X-AgentMail-Idempotency-Key",
    }  # fmt: skip


def test_text_and_html_with_own_headers_have_the_shape_of_the_vendors_guide() -> None:
    own = {"X-Workflow-Name": "order-status", "X-Environment": "prod", "X-Priority": "high"}
    html = html_of("## Order 42 complete\n\nIt finished **well**.\n")
    ours = parsed(replace(PLAIN, html=html, headers=tuple(own.items())))
    tracking = {"X-AgentMail-Correlation-Id": "order-1"}
    tracking["X-AgentMail-Idempotency-Key"] = "order-1:attempt-1"
    theirs = reference(PLAIN.text, {**tracking, **own}, html)
    for name in (*tracking, *own):
        assert ours[name] == theirs[name]
    both = [[part.get_content_type() for part in mail.walk()] for mail in (ours, theirs)]
    assert both[0] == both[1] == ["multipart/alternative", "text/plain", "text/html"]
    assert ours.get_body(("html",)).get_content().replace("\r\n", "\n") == html  # type: ignore[union-attr]


def test_the_same_mail_is_the_same_bytes() -> None:
    mail = replace(
        PLAIN, html="<p>ü</p>", files=(MimeFile("a.bin", "image/png", bytes(range(256))),)
    )
    assert written(mail) == written(mail)
    assert written(mail) != written(replace(mail, text="other"))


def test_a_long_value_stays_in_one_piece_and_reads_as_it_was_written() -> None:
    # The standard library's own way is an encoded word, which raw readers do not understand.
    key = "draft-" + "0123456789abcdef" * 12
    raw = written(replace(PLAIN, idempotency_key=key))
    unfolded = raw.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ")
    assert re.search(rb"X-AgentMail-Idempotency-Key: +" + key.encode(), unfolded)
    assert b"=?" not in unfolded


def test_files_go_along_whole(tmp_path: object) -> None:
    data = bytes(range(256)) * 300
    files = (
        MimeFile("Zahlen für März.csv", "text/csv", data),
        MimeFile("x" * 200 + ".pdf", "application/pdf", data[::-1]),
        MimeFile("mail.eml", "message/rfc822", b"Subject: inside\r\n\r\ntext"),
        MimeFile("odd.bin", 'text/plain; evil="\r\nX: y"', b""),
    )
    mail = parsed(replace(PLAIN, html="<p>hello</p>", files=files))
    found = list(mail.iter_attachments())
    assert [part.get_filename() for part in found] == [file.name for file in files]
    assert [part.get_payload(decode=True) for part in found] == [file.data for file in files]
    assert found[2].get_content_type() == "application/octet-stream"
    assert mail.get_body(("plain",)).get_content().startswith("Order 42")  # type: ignore[union-attr]


# ── what is refused ──────────────────────────────────────────────────────────────────────────────

SEALED_FILE = MimeFile("a.pdf.asc", SEALED_TYPE, ARMOR.encode())


@pytest.mark.parametrize(
    "mail",
    [
        replace(SEALED, text="readable"),
        replace(SEALED, text=f"readable\n{ARMOR}"),
        replace(SEALED, text=f"{ARMOR}{ARMOR}"),
        replace(SEALED, html="<p>readable</p>"),
        replace(SEALED, files=(SEALED_FILE, MimeFile("a.pdf", "application/pdf", b"%PDF"))),
        replace(SEALED, files=(MimeFile("a.pdf.asc", SEALED_TYPE, b"%PDF"),)),
    ],
    ids=["no armor", "text before it", "two blocks", "html", "a plain file", "only named so"],
)
def test_nothing_readable_goes_with_an_encrypted_mail(mail: MimeMail) -> None:
    with pytest.raises(CryptoError, match="not encrypted"):
        written(mail)


def test_an_encrypted_mail_with_sealed_files_is_written() -> None:
    mail = parsed(replace(SEALED, files=(SEALED_FILE,)))
    (file,) = mail.iter_attachments()
    assert file.get_content_type() == SEALED_TYPE
    assert file.get_payload(decode=True) == ARMOR.encode()


@pytest.mark.parametrize(
    "header",
    [
        ("Bcc", "eve@evil.example"),
        ("FROM", "eve@evil.example"),
        ("Resent-To", "eve@evil.example"),
        ("X-SES-CONFIGURATION-SET", "other"),
        ("x-ses-source-arn", "arn:aws:ses:us-east-1:1:identity/evil.example"),
        ("Content-Type", "text/html"),
        ("X-AgentMail-Attachments", "[]"),
        ("X-AgentMail-Encrypted", "body"),
        ("X-AgentMail-Idempotency-Key", "another"),
        ("X-Note", "a\r\nBcc: eve@evil.example"),
        ("X-Note", "a\nb"),
        ("X-Note", "a\x00b"),
        ("X-Note", "a\u2028b"),
        ("X-Note", "x" * 2_000),
        ("X Note", "blank in the name"),
        ("X-Note:", "colon in the name"),
        ("", "no name"),
        ("Ärger", "not ASCII"),
    ],
)
def test_a_header_that_is_not_the_writers_is_refused(header: tuple[str, str]) -> None:
    with pytest.raises(UsageError):
        written(replace(PLAIN, headers=(header,)))


@pytest.mark.parametrize(
    "change",
    [
        {"to": "a@b.example, eve@evil.example"},
        {"to": "Eve <eve@evil.example>"},
        {"to": "a@b.example\r\nBcc: eve@evil.example"},
        {"to": "grün@b.example"},
        {"sender": "nobody"},
        {"subject": "a\r\nBcc: eve@evil.example"},
        {"correlation_id": "a\nb"},
        {"text": "lone \ud800 surrogate"},
        {"files": (MimeFile("a\r\nX: y.txt", "text/plain", b""),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_no_mail_can_carry_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        written(replace(PLAIN, **change))  # type: ignore[arg-type]


def test_a_mail_that_ses_does_not_take_is_refused_before_it_is_sent() -> None:
    large = MimeFile("a.bin", "application/octet-stream", bytes(31 * 2**20))
    with pytest.raises(UsageError, match=r"4\d\.\d MB as it is sent; Amazon SES takes 40 MB"):
        written(replace(PLAIN, files=(large,)))


LINES = st.characters(exclude_categories=("Cs",), exclude_characters="\r")


def test_a_subject_that_looks_encoded_arrives_as_it_was_written() -> None:
    subject = "=?utf-8?q?Eve?= and =?utf-8?b?RXZl?="
    assert parsed(replace(PLAIN, subject=subject))["Subject"] == subject


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(LINES, max_size=300),
    subject=st.text(st.characters(exclude_categories=("Cs",)), max_size=150),
    value=st.text(st.characters(exclude_categories=("Cs",)), max_size=150),
)
def test_any_text_is_refused_or_arrives_as_it_was_written(
    text: str, subject: str, value: str
) -> None:
    try:
        raw = written(replace(PLAIN, text=text, subject=subject, headers=(("X-Note", value),)))
    except UsageError:
        assert re.search("[\x00-\x1f\x7f\x85\u2028\u2029]", subject + value)
        return
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    mail = message_from_bytes(raw, policy=policy.default)
    assert list(mail.keys()).count("X-Note") == 1
    assert mail["To"] == PLAIN.to
    assert mail.get("Bcc") is None
    for name, meant in (("Subject", subject), ("X-Note", value)):
        assert "".join(str(mail[name]).split()) == "".join(meant.split())
    arrived = mail.get_content().replace("\r\n", "\n")  # type: ignore[attr-defined]
    assert arrived.removesuffix("\n") == text.removesuffix("\n")


# ── Markdown ─────────────────────────────────────────────────────────────────────────────────────


def test_markdown_becomes_html() -> None:
    html = html_of("# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[link](https://example.com/42)\n")
    assert html.startswith("<!doctype html>")
    assert "<h1>Title</h1>" in html
    assert "<td>1</td>" in html
    assert '<a href="https://example.com/42">link</a>' in html


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](file:///etc/passwd)",
        "![x](https://tracker.example/pixel.gif)",
        '<https://example.com/"onmouseover=alert(1)>',
        "[x]: javascript:alert(1)\n\n[x]",
        "```\n</code><script>\n```",
    ],
)
def test_html_of_markdown_runs_nothing_and_loads_nothing(markdown: str) -> None:
    html = html_of(markdown)
    tags = set(re.findall(r"<([a-z!/]+)", html.lower()))
    known = {"!doctype", "html", "head", "meta", "body", "p", "a", "pre", "code"}
    assert tags <= known | {f"/{name}" for name in known}
    assert not re.search(r'href="(?!https?:|mailto:)', html)
    assert not re.search(r"<[^>]*\son\w+=", html)
