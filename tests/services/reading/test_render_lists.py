"""What is listed with a mail: its files, by the service's word and its own, and its links."""

from __future__ import annotations

import json
from email.message import EmailMessage
from typing import Any

import pytest

from services.reading.link_view import view_link
from services.reading.parsed_mail import ParsedLink
from services.wire_values import InboundAttachment
from tests.services.mail_corpora import corpora
from tests.services.reading.rendering import HEAD, alternative, assert_safe, body_of, render

# ── everything is safe ───────────────────────────────────────────────────────────────────────────


def test_every_hostile_file_name_of_the_service_is_one_safe_line() -> None:
    names = json.loads((corpora() / "generated" / "strings.json").read_text())["filenames"]
    manifest = tuple(InboundAttachment(n, name, name, 1, name) for n, name in enumerate(names))
    message = render(HEAD + b"\r\nx", attachments=manifest)
    assert_safe(message)
    assert [part.index for part in message.attachments] == list(range(len(names)))


# ── which text is shown ──────────────────────────────────────────────────────────────────────────


def test_links_of_the_page_are_listed_when_the_plain_text_is_shown() -> None:
    message = render(
        alternative("See below.", '<a href="https://evil.example/x">https://bank.example</a>')
    )
    assert body_of(message) == "See below."
    (link,) = message.links
    assert "bank.example" in link.warning
    assert "evil.example" in link.warning


# ── attachments ──────────────────────────────────────────────────────────────────────────────────


def test_the_manifest_of_the_service_wins_and_keeps_its_indexes() -> None:
    manifest = (InboundAttachment(3, "a\x1b.pdf", "application/pdf", 5, "pending", encrypted=True),)
    (part,) = render(HEAD + b"\r\nx", attachments=manifest).attachments
    assert (part.index, part.file_name, part.size, part.state, part.encrypted) == (
        3,
        "a␛.pdf",
        5,
        "pending",
        True,
    )


@pytest.mark.parametrize(
    "names",
    [["report.pdf"], ["отчёт за май.pdf", "a  b.csv"], [f"file {n}.txt" for n in range(12)]],
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_manifest_header_is_read_however_it_was_folded(
    names: list[str], separators: tuple[str, str], escaped: bool, wrapped: bool
) -> None:
    entries: Any = [
        {
            "object_key": f"uploads/a/{n}-{name}",
            "name": name,
            "content_type": "application/pdf",
            "size": n,
        }
        for n, name in enumerate(names)
    ]
    mail = EmailMessage()
    mail["From"] = "a@example.org"
    document = {"attachments": entries} if wrapped else entries
    mail["X-AgentMail-Attachments"] = json.dumps(
        document, separators=separators, ensure_ascii=escaped
    )
    mail.set_content("hi")
    message = render(mail.as_bytes())
    assert [(part.file_name, part.size) for part in message.attachments] == [
        (" ".join(name.split("  ")) if "  " in name else name, n) for n, name in enumerate(names)
    ] or [(part.file_name, part.size) for part in message.attachments] == list(
        zip(names, range(len(names)), strict=True)
    )


@pytest.mark.parametrize(
    "value", ["[", "{}", "[1, null, []]", '{"attachments": 7}', "[" * 60_000, "=?utf-8?q?" * 5_000]
)
def test_a_broken_manifest_lists_nothing_and_harms_nothing(value: str) -> None:
    message = render(HEAD + b"X-AgentMail-Attachments: " + value.encode() + b"\r\n\r\nhi")
    assert message.attachments == ()
    assert body_of(message) == "hi"


def test_files_in_the_mail_are_listed_behind_the_manifest_with_their_sizes() -> None:
    mail = EmailMessage()
    mail["X-AgentMail-Attachments"] = json.dumps([{"name": "first.pdf"}])
    mail.set_content("hi")
    mail.add_attachment(b"x" * 1_234, maintype="image", subtype="png", filename="zwei ü.png")
    mail.add_attachment(b"y", maintype="application", subtype="pdf")
    parts = render(mail.as_bytes()).attachments
    assert [(part.index, part.file_name, part.size) for part in parts] == [
        (0, "first.pdf", None),
        (1, "zwei ü.png", 1_234),
        (2, "part-2.pdf", 1),
    ]


# ── links ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "url", "host", "warns"),
    [
        ("https://bank.example/login", "https://evil.example/x", "evil.example", "bank.example"),
        ("www.bank.example", "http://bank.example.evil.test/", "bank.example.evil.test", "bank.example"),
        ("Click here for PayPal.com", "https://x.example", "x.example", "paypal.com"),
        ("bank.example", "https://www.bank.example/", "www.bank.example", ""),
        ("click", "https://bank.example@evil.example/", "evil.example", "user name"),
        ("click", "https://bank.example\\@evil.example/", "bank.example", ""),
        ("click", "javascript:alert(1)", "", "unusual"),
        ("click", "java\nscript:alert(1)", "", "unusual"),
        ("click", "https://p\u0430ypal.com/", "xn--pypal-4ve.com", "paypal.com"),
        ("click", "https://xn--pypal-4ve.com/", "xn--pypal-4ve.com", "paypal.com"),
        ("click", "http://127.0.0.1:22/", "127.0.0.1", "bare IP"),
        ("a@b.example", "mailto:a@b.example", "b.example", ""),
        ("report.pdf", "https://files.example/report.pdf", "files.example", ""),
        ("HTTPS://EXAMPLE.org/", "https://example.org:22/", "example.org", ""),
    ],
)  # fmt: skip
def test_a_link_tells_its_host_and_what_is_wrong_with_it(
    text: str, url: str, host: str, warns: str
) -> None:
    link = view_link(ParsedLink(1, text, url))
    assert link.host == host
    assert (warns in link.warning) if warns else not link.warning


def test_links_in_plain_text_are_listed_without_touching_the_text() -> None:
    message = render(HEAD + b"\r\nSee https://x.example/a(b), or <https://y.example/>.\r\n")
    assert [link.url for link in message.links] == ["https://x.example/a(b)", "https://y.example/"]
    assert body_of(message) == "See https://x.example/a(b), or <https://y.example/>."
