"""A mail as it is shown: safe text, honest notes, parts apart."""

from __future__ import annotations

import base64
import json
import socket
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reading.parsed_mail import from_wire, to_wire
from services.reading.render import parse_mail, present
from services.seal_models import SealState
from services.shown_mail import BodyLine, LineKind
from tests.services.mail_corpora import all_mails, corpora
from tests.services.reading.rendering import HEAD, alternative, assert_safe, body_of, render

# ── everything is safe ───────────────────────────────────────────────────────────────────────────


def hostile_strings() -> list[tuple[str, str]]:
    return json.loads((corpora() / "generated" / "strings.json").read_text())["strings"]


def hostile_mail(text: str) -> bytes:
    word = "=?utf-8?b?" + base64.b64encode(text.encode("utf-8", "surrogatepass")).decode() + "?="
    html = f'<p>{text}</p><a href="https://x.example/{text}">{text}</a>'
    return (
        f"From: {word} <a@example.org>\r\nReply-To: {word} <r@x.example>\r\nSubject: {word}\r\nX-Odd: {word}\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n"
        f"--bb\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        f"--bb\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n"
        f'--bb\r\nContent-Type: application/x; name="{word}"\r\n\r\nx\r\n--bb--\r\n'
    ).encode("utf-8", "surrogatepass")


def test_every_hostile_string_is_safe_in_every_place_of_a_mail() -> None:
    for _, text in hostile_strings():
        assert_safe(render(hostile_mail(text)))
        assert_safe(render(hostile_mail(text), reveal=True))


def test_markup_is_shown_as_it_is() -> None:
    message = render(
        HEAD.replace(b"Subject: t", b"Subject: sale [/50% off] [URGENT] :warning:")
        + b"\r\n[@click=app.quit]x[/]"
    )
    assert message.subject == "sale [/50% off] [URGENT] :warning:"
    assert body_of(message) == "[@click=app.quit]x[/]"


def test_a_line_break_in_an_encoded_subject_makes_no_second_header() -> None:
    message = render(
        HEAD.replace(b"Subject: t", b"Subject: =?utf-8?q?Hi=0D=0ABcc:_v@x.example?=") + b"\r\nx"
    )
    assert message.subject == "Hi Bcc: v@x.example"
    assert [header.name for header in message.headers].count("Bcc") == 0


@settings(deadline=None, max_examples=200)
@given(
    st.binary(max_size=400),
    st.sampled_from(
        [
            b"",
            HEAD,
            HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
            HEAD + b"Content-Type: text/html\r\n\r\n<a href='",
        ]
    ),
)
def test_no_bytes_at_all_raise_or_come_out_unsafe(tail: bytes, head: bytes) -> None:
    message = render(head + tail)
    assert_safe(message)
    assert message.body


def test_nothing_in_the_corpora_asks_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda *arguments: calls.append(arguments))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **_: calls.append(arguments))
    for path in all_mails():
        render(path.read_bytes())
    assert calls == []


# ── which text is shown ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        ("The plain text.", "The plain text."),
        ("", "The page says a great deal more than that, in many words, one after another."),
        ("Your mail program does not support HTML.", "The page says a great deal more than that, in many words, one after another."),
        ("View this email in your browser: https://x.example/1", "The page says a great deal more than that, in many words, one after another."),
    ],
)  # fmt: skip
def test_plain_text_is_shown_unless_it_only_points_at_the_page(plain: str, shown: str) -> None:
    html = "<p>The page says a great deal more than that, in many words, one after another.</p>"
    assert body_of(render(alternative(plain, html))) == shown


def test_parts_are_rendered_apart_so_an_open_tag_cannot_swallow_the_next_part() -> None:
    raw = HEAD + (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<img src='http://evil.example/\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nthe secret\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n'>end\r\n--b--\r\n"
    )
    message = render(raw)
    assert "the secret" in body_of(message, LineKind.TEXT).split("\n")
    assert all("secret" not in link.url for link in message.links)
    assert [line.kind for line in message.body].count(LineKind.RULE) >= 1


def test_flowed_text_is_joined_and_quotes_keep_their_depth() -> None:
    raw = HEAD + (
        b"Content-Type: text/plain; format=flowed\r\n\r\n"
        b"One long \r\nparagraph.\r\n>> deep \r\n>> quote\r\n> less\r\n>From here\r\n-- \r\nsig\r\n"
    )
    shown = [(line.text, line.quote) for line in render(raw).body]
    assert shown == [
        ("One long paragraph.", 0),
        ("deep quote", 2),
        ("less", 1),
        ("From here", 0),
        ("--", 0),
        ("sig", 0),
    ]


@pytest.mark.parametrize("name", ["android", "aol", "apple_mail", "comcast", "gmail", "hotmail", "iphone", "outlook", "thunderbird", "yahoo"])  # fmt: skip
def test_replies_of_ten_clients_show_own_text_first(name: str) -> None:
    raw = (corpora() / f"talon/tests/fixtures/standard_replies/{name}.eml").read_bytes()
    message = render(raw)
    own = [line.text.strip() for line in message.body if line.kind is LineKind.TEXT]
    assert "Hello" in own
    assert own[0] == "Hello" or name == "thunderbird", "only this one answers below the quote"
    assert any(line.kind is LineKind.QUOTE for line in message.body)


def test_an_attached_message_is_listed_and_its_text_stands_behind_a_boundary() -> None:
    raw = HEAD + (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee it\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: c@x.example\r\nSubject: inner\r\n\r\ninner text\r\n--b--\r\n"
    )
    message = render(raw)
    assert [part.file_name for part in message.attachments] == ["inner.eml"]
    assert "Subject: inner" in body_of(message)
    assert body_of(message).index("see it") < body_of(message).index("inner text")


def test_a_delivery_report_is_readable_and_listed() -> None:
    raw = next((corpora() / "mikel-mail").rglob("report_422.eml")).read_bytes()
    message = render(raw)
    assert "message/delivery-status" in [part.content_type for part in message.attachments]
    assert "Final-Recipient" in body_of(message)


# ── encrypted mail ───────────────────────────────────────────────────────────────────────────────


ARMOR = "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA1234\r\n=abcd\r\n-----END PGP MESSAGE-----\r\n"
FOOTER = "Attachments (valid 7 days):\r\nhttps://files.example/x?X-Amz-Signature=s\r\n"


@pytest.mark.parametrize("encoding", ["7bit", "quoted-printable", "base64"])
def test_armor_is_found_after_transfer_decoding_and_other_text_stands_apart(encoding: str) -> None:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = "a@example.org"
    mail.set_content(ARMOR + FOOTER, cte=encoding)
    message = render(mail.as_bytes())
    assert message.encrypted
    assert message.body[0].kind is LineKind.NOTICE
    assert message.body[0].text.startswith("Encrypted message;")
    assert "hQEMA" not in body_of(message)
    outside = [line for line in message.body if "X-Amz-Signature" in line.text]
    assert len(outside) == 1
    assert outside[0].outside
    rule = message.body[message.body.index(outside[0]) - 2]
    assert rule.kind is LineKind.RULE
    assert rule.text.startswith("Not encrypted")
    assert any("outside the encrypted block" in note for note in message.notes)


def test_the_header_alone_makes_no_encrypted_message_and_its_claim_is_told() -> None:
    claimed = render(HEAD + b"X-AgentMail-Encrypted: body\r\n\r\nx")
    assert not claimed.encrypted
    assert any("holds no encrypted block" in note for note in claimed.notes)
    assert not render(HEAD + b"X-AgentMail-Encrypted: none\r\n\r\nx").notes


def test_armor_without_an_end_is_told() -> None:
    message = render(HEAD + b"\r\n-----BEGIN PGP MESSAGE-----\r\nhQEM" + b"A" * 100_000)
    assert message.encrypted
    assert message.seal is not None
    assert message.seal.state is SealState.DAMAGED
    assert "hQEM" not in body_of(message)


def test_a_signed_text_made_to_hang_patterns_is_plain_text() -> None:
    message = render(HEAD + b"\r\n-----BEGIN PGP SIGNED MESSAGE-----" + b"\r\n\r\n" * 5_000 + b"x")
    assert not message.encrypted


# ── links ────────────────────────────────────────────────────────────────────────────────────────


def test_a_comma_in_a_name_does_not_read_as_another_recipient() -> None:
    message = render(
        b'From: a@x.example\r\nTo: "Doe, eve@evil.example" <j@x.example>, k@x.example\r\n\r\nhi'
    )
    assert message.to == '"Doe, eve@evil.example" <j@x.example>, k@x.example'


# ── notes ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("head", "note"),
    [
        (b"From: a@x.example, b@y.example", "does not name exactly one address"),
        (b"Subject: none", "names no address"),
        (b"From: a@x.example\r\nFrom: b@y.example", "2 From fields"),
        (b'From: "boss@corp.example" <eve@evil.example>', "contains another address: boss@corp.example"),
        (b"From: a@x.example\r\nReply-To: b@evil.example", "another domain: b@evil.example"),
        ("From: Pаypal <a@x.example>".encode(), "reads like Paypal"),
        ("From: a@аррӏе.com".encode(), "reads like a@apple.com"),
        ("From: a\u202eb <a@x.example>".encode(), "invisible characters"),
        (b"From: a@x.example\r\nX: " + b"a" * 70_000, "Header fields were too many or too long"),
    ],
)  # fmt: skip
def test_the_trust_panel_is_told(head: bytes, note: str) -> None:
    message = render(head + b"\r\n\r\nhi")
    assert any(note in told for told in message.notes), message.notes


@pytest.mark.parametrize(
    "head",
    [b"From: Ann <ann@x.example>\r\nReply-To: ann@mail.x.example", "From: Иван <i@x.example>".encode(),
     "From: 東京Tokyo <t@x.example>".encode(), b'From: "ann@x.example" <ann@x.example>'],
)  # fmt: skip
def test_ordinary_senders_raise_no_note(head: bytes) -> None:
    assert render(head + b"\r\n\r\nhi").notes == ()


def test_hidden_text_is_counted_and_kept_out_of_the_body() -> None:
    message = render(
        HEAD + b"Content-Type: text/html\r\n\r\n<p>Hi</p><p style='display:none'>obey me</p>"
    )
    assert body_of(message) == "Hi"
    assert message.hidden_characters == 6
    assert any("hides 6 characters" in note for note in message.notes)


def test_revealing_shows_what_the_page_hides_in_double_brackets() -> None:
    raw = HEAD + b"Content-Type: text/html\r\n\r\n<p>Hi</p><p style='display:none'>obey me</p>"
    message = present(from_wire(to_wire(parse_mail(raw, reveal=True))), reveal=True)
    assert "⟦obey me⟧" in body_of(message)
    assert message.hidden_characters == 6


def test_revealing_shows_a_mark_for_each_invisible_character() -> None:
    raw = HEAD + "Content-Type: text/plain; charset=utf-8\r\n\r\npay\u200bpal".encode()
    assert body_of(render(raw)) == "paypal"
    assert body_of(render(raw, reveal=True)) == "pay<ZWSP>pal"


def test_long_bodies_are_cut_with_a_notice() -> None:
    for body in (b"a\r\n" * 200_000, b"A" * 3_000_000):
        message = render(HEAD + b"\r\n" + body)
        assert message.body[-1].kind is LineKind.NOTICE
        assert isinstance(message.body[0], BodyLine)
        assert len(message.body) <= 20_001
