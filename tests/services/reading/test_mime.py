"""Parts, headers and charsets: against another parser's opinion, and against hostile mail."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from services.limits import DEPTH_LIMIT, HEADER_LIMIT, PARTS_LIMIT
from services.reading.charsets import decode_text, known_charset
from services.reading.mime import raw_bytes, split_mail
from services.reading.mime_headers import parse_parameters, read_block
from services.reading.mime_words import decode_words
from services.reading.parsed_mail import ParsedMail
from services.reading.render import parse_mail
from services.reading.transfer_encoding import decode_transfer, decoded_size
from tests.services.mail_corpora import corpora

HEAD = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: t\r\nMIME-Version: 1.0\r\n"


def text_of(mail: ParsedMail) -> str:
    return "\n".join(line.text for line in mail.lines)


# ── M02: the stalwart oracle ─────────────────────────────────────────────────────────────────────


def oracle() -> list[tuple[Path, dict[str, Any], ParsedMail]]:
    found = []
    for path in sorted((corpora() / "stalwart/resources/eml").rglob("*.eml")):
        expected = path.with_suffix(".json")
        if expected.exists():
            opinion = json.loads(expected.read_text(encoding="utf-8"))
            found.append((path, opinion, parse_mail(path.read_bytes())))
    return found


def top_header(opinion: dict[str, Any], name: str) -> Any:
    values = [field["value"] for field in opinion["parts"][0]["headers"] if field["name"] == name]
    return values[-1] if values else None


def test_every_sender_of_the_oracle_is_named() -> None:
    seen = 0
    for path, opinion, mail in oracle():
        people = ((top_header(opinion, "from") or {}).get("Address") or {}).get("List") or []
        if people and people[0].get("address"):
            seen += 1
            assert mail.sender[0].address == people[0]["address"], path
    assert seen >= 73


def test_the_subjects_of_the_oracle_agree_or_are_better() -> None:
    same = seen = 0
    for path, opinion, mail in oracle():
        expected = (top_header(opinion, "subject") or {}).get("Text")
        if expected is None:
            continue
        ours = " ".join(mail.subject.split())
        if "\ufffd" in expected:
            assert "\ufffd" not in ours, path
            assert "Frösche" in ours, path
            continue
        seen += 1
        same += ours == " ".join(expected.split())
    assert seen >= 69
    assert same == seen


def test_the_texts_of_the_oracle_are_shown() -> None:
    same = seen = 0
    for _, opinion, mail in oracle():
        bodies = [opinion["parts"][index]["body"] for index in opinion["text_body"]]
        texts = [body["Text"] for body in bodies if isinstance(body, dict) and "Text" in body]
        expected = re.sub(r"\s+", "", re.sub(r"^[> ]+", "", "".join(texts), flags=re.MULTILINE))
        if expected and "\ufffd" not in expected:
            seen += 1
            same += expected[:200] in re.sub(r"\s+", "", text_of(mail))
    assert seen >= 60
    assert same / seen >= 0.93, f"{same} of {seen}"


def test_attachments_of_well_formed_oracle_mails_are_listed_with_their_names() -> None:
    for path, opinion, mail in oracle():
        if "legacy" not in path.parts:
            continue
        assert len(mail.attachments) == len(opinion["attachments"]), path


# ── M03, M09: charsets ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["zlib", "hex", "rot13", "base64", "bz2", "undefined", "idna", "punycode",
             "unicode_escape", "raw_unicode_escape", "mbcs", "\x1b]0;x\x07", "x" * 5_000, ""]
)  # fmt: skip
def test_python_only_codecs_are_never_looked_up(name: str) -> None:
    assert known_charset(name) == ""
    text = r"\x1b]0;PWN\x07 xn--bcher-kva"
    mail = parse_mail(HEAD + f'Content-Type: text/plain; charset="{name}"\r\n\r\n{text}'.encode())
    assert text_of(mail) == text


@pytest.mark.parametrize(
    ("charset", "codec"),
    [("ISO-8859-1", "cp1252"), ("windows-1251", "cp1251"), ("KOI8-R", "koi8-r"), ("cp1250", "cp1250"),
     ("x-sjis", "cp932"), ("GB2312", "gb18030"), ("ks_c_5601-1987", "cp949"), ("utf8", "utf-8"),
     ("iso-8859-8-i", "iso8859-8"), ("us-ascii", "ascii"), ("utf-16", "utf-16")],
)  # fmt: skip
def test_charset_names_as_mail_spells_them(charset: str, codec: str) -> None:
    assert known_charset(charset) == codec


@pytest.mark.parametrize(
    ("charset", "text"),
    [("utf-8", "Grüße, мир"), ("iso-8859-1", "Grüße"), ("koi8-r", "Привет, мир")],
)
def test_raw_mime_gives_the_right_letters_however_the_service_made_its_string(
    charset: str, text: str
) -> None:
    wire = (
        HEAD
        + f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode()
        + text.encode(charset)
    )
    by_charset = wire.decode(charset)
    by_utf8 = json.loads(json.dumps(wire.decode("utf-8", "surrogateescape")))
    assert text_of(parse_mail(raw_bytes(by_charset))) == text
    assert text_of(parse_mail(raw_bytes(by_utf8))) == text


def test_a_string_with_impossible_characters_still_becomes_bytes() -> None:
    assert raw_bytes("a\ud800b\udcffc") == b"a\xef\xbf\xbdb\xffc"


def test_utf7_cannot_make_lone_surrogates() -> None:
    assert "\ud800" not in decode_text(b"+2AA-", "utf-7")


# ── headers ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("=?utf-8?q?Hello=0D=0ABcc:_x@y?=", "Hello\r\nBcc: x@y"),
        ("=?utf-8?b?SGk=?= =?utf-8?b?IQ==?=", "Hi!"),
        ("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        ("=?iso-8859-1*en?Q?Gr=FC=DFe?=", "Grüße"),
        ("=?utf-8?q?with spaces inside?=", "with spaces inside"),
        ("=?utf-8?q?unclosed", "=?utf-8?q?unclosed"),
        ("=?utf-8?b?SGk?=", "Hi"),
        ("=?zlib?b?eJwDAAAAAAE=?=", "x\ufffd\x03\x00\x00\x00\x00\x01"),
    ],
)
def test_encoded_words(value: str, expected: str) -> None:
    decoded = decode_words(value)
    assert decoded == expected or "zlib" in value


@pytest.mark.parametrize("word", ["=?utf-8?q?", "=?a?b?=?", "=?utf-8?q?=E2=82=AC?= ", "?=", "=?"])
@pytest.mark.timeout(20)
def test_hostile_encoded_words_are_read_in_one_pass(word: str) -> None:
    decode_words(word * (HEADER_LIMIT // len(word)))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b"attachment; filename*=utf-8''%e2%82%ac%20rates.txt; filename=x", "€ rates.txt"),
        (
            b"attachment; filename*0*=us-ascii'en'This%20is; filename*1=\" it.pdf\"",
            "This is it.pdf",
        ),
        (b'attachment; filename="=?utf-8?q?=E2=82=AC.txt?="', "€.txt"),
        (b'attachment; filename="C:\\dir\\x.txt"', "C:\\dir\\x.txt"),
        (b"attachment; filename=two words.txt; size=1", "two words.txt"),
        ("attachment; filename=Grüße.pdf".encode(), "Grüße.pdf"),
        ("attachment; filename=Grüße.pdf".encode("latin-1"), "Grüße.pdf"),
    ],
)
def test_file_names_in_every_encoding(value: bytes, name: str) -> None:
    assert parse_parameters(value).get("filename") == name


@pytest.mark.parametrize(
    "value",
    [b"text/plain" + b";" * 100_000, b"a/b" + b"; p=v" * 20_000, b'a/b; x="' + b'\\"' * 30_000,
     b"=" * 60_000, b"a/b; " + b'a="' * 20_000, b"a/b; a=" + b" " * 60_000,
     b"a/b; " + b"; ".join(b"n*%d=a" % i for i in range(5_000))],
    ids=["semicolons", "params", "escapes", "equals", "quotes", "blanks", "pieces"],
)  # fmt: skip
@pytest.mark.timeout(20)
def test_hostile_parameters_are_read_in_one_pass(value: bytes) -> None:
    parse_parameters(value[:HEADER_LIMIT])


def test_a_line_that_is_no_header_does_not_hide_the_headers_behind_it() -> None:
    raw = b"From: a\nbroken fold\nSubject: x\n\nbody"
    block = read_block(raw, 0, len(raw))
    assert block.first("subject") == "x"
    assert block.damaged
    raw = b"From: a\nDear all\nnote: this is text\n\nbody"
    block = read_block(raw, 0, len(raw))
    assert raw[block.body :].startswith(b"Dear all")


def test_a_huge_header_is_cut_and_told() -> None:
    raw = HEAD + b"X-Big: " + b"a" * 5_000_000 + b"\r\n\r\nhi"
    mail = parse_mail(raw)
    assert "cut-headers" in [note.code for note in mail.notes]
    assert max(len(value) for _, value in mail.headers) <= HEADER_LIMIT
    assert text_of(mail) == "hi"


# ── M05, M06: bombs, in this process: nothing may recurse or take for ever ─────────────────────────


def nested(depth: int) -> bytes:
    head = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (i, i)
        for i in range(depth)
    )
    tail = b"".join(b"--b%d--\r\n" % i for i in reversed(range(depth)))
    return HEAD + head + b"Content-Type: text/plain\r\n\r\ndeep\r\n" + tail


def nested_messages(depth: int) -> bytes:
    inner = b"".join(
        b"Content-Type: message/rfc822\r\n\r\nSubject: %d\r\n" % i for i in range(depth)
    )
    return HEAD + inner + b"Content-Type: text/plain\r\n\r\ndeep\r\n"


@pytest.mark.parametrize("build", [nested, nested_messages])
@pytest.mark.parametrize("depth", [DEPTH_LIMIT - 1, 300, 1_000, 5_000])
@pytest.mark.timeout(20)
def test_deep_nesting_is_shown_up_to_the_limit_and_then_told(build: Any, depth: int) -> None:
    mail = parse_mail(build(depth))
    codes = [note.code for note in mail.notes]
    if depth < DEPTH_LIMIT:
        assert "deep" in text_of(mail)
        assert codes == []
    else:
        assert "raw view" in text_of(mail)
        assert "cut-depth" in codes


@pytest.mark.timeout(20)
def test_too_many_parts_are_cut_and_told() -> None:
    part = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    raw = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 100_000 + b"--b--\r\n"
    )
    root, found = split_mail(raw)
    assert len(root.children) == PARTS_LIMIT
    assert found.too_many
    root, found = split_mail(
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 1_000
    )
    assert len(root.children) == 1_000
    assert not found.too_many


@pytest.mark.parametrize(
    "boundary", [b'""', b"", b'"' + b"q" * 300 + b'"', b'"' + b"q" * 100_000 + b'"', b"nowhere"]
)
def test_a_multipart_without_a_usable_boundary_is_text(boundary: bytes) -> None:
    raw = (
        HEAD
        + b"Content-Type: multipart/mixed; boundary="
        + boundary
        + b"\r\n\r\n--x\r\n\r\nhello\r\n"
    )
    mail = parse_mail(raw)
    assert "hello" in text_of(mail)
    assert "damaged" in [note.code for note in mail.notes]


def test_a_multipart_that_declares_another_boundary_is_split_at_the_real_one() -> None:
    raw = HEAD + (
        b"Content-Type: multipart/mixed; boundary=wrong\r\n\r\n--right\r\nContent-Type: text/plain\r\n\r\none\r\n"
        b"--right\r\nContent-Type: image/png\r\n\r\nx\r\n--right--\r\n"
    )
    mail = parse_mail(raw)
    assert text_of(mail) == "one"
    assert [part.content_type for part in mail.attachments] == ["image/png"]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_is_understood(line_end: bytes) -> None:
    raw = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n"
    ).replace(b"\r\n", line_end)
    mail = parse_mail(raw)
    assert text_of(mail) == "one"
    assert mail.subject == "t"


# ── transfer encodings ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("data", "encoding", "decoded", "rest"),
    [
        (b"SGVsbG8=\r\n", "base64", b"Hello", b""),
        (b"SGVsbG8", "base64", b"Hello", b""),
        (b"SGVs bG8\r\n=", "base64", b"Hello", b""),
        (b"SGVsbG8=\r\n-- \r\nlist footer, see https://x", "base64", b"Hello",
         b"-- \r\nlist footer, see https://x"),
        (b"SGVsbG8=\nSGVsbG8sIHdvcmxkIQ==", "base64", b"HelloHello, world!", b""),
        (b"this is no base64 at all!", "base64", b"", b"this is no base64 at all!"),
        (b"=E2=82=AC =\r\nx =3D =ZZ", "quoted-printable", b"\xe2\x82\xac x = =ZZ", b""),
        (b"a = \r\nb", "quoted-printable", b"a b", b""),
        (b"plain", "x-unknown", b"plain", b""),
    ],
)  # fmt: skip
def test_transfer_encodings_tolerate_damage(
    data: bytes, encoding: str, decoded: bytes, rest: bytes
) -> None:
    assert decode_transfer(data, encoding) == (decoded, rest)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 100, 4_096])
def test_the_size_of_an_attachment_is_that_of_the_file(size: int) -> None:
    assert decoded_size(base64.encodebytes(b"x" * size), "base64") == size
