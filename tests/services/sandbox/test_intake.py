"""What the sandbox reads from a mail: any mail, without failing (services/sandbox/intake.py)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sandbox.intake import part_bytes, raw_text, summarise
from services.sandbox.records import Delivery
from services.sandbox.store import Store

CORPORA = Path(os.environ.get("MAIL_CORPORA") or Path(__file__).parents[4] / "shared" / "corpora")


def read(raw, *, verified=False):
    return summarise(raw, "r@agents.example.com", verified=verified, size_of=lambda _: None)


@pytest.mark.parametrize(
    ("raw", "field", "value"),
    [
        (b"Subject: =?utf-8?b?SMOpbGxv?=\r\n\r\n", "subject", "Héllo"),
        (b"Subject: a\r\n folded\r\n\tline\r\n\r\n", "subject", "a folded line"),
        ("Subject: é raw\r\n\r\n".encode(), "subject", "é raw"),
        (b"Subject: \xe9 raw\r\n\r\n", "subject", "\ufffd raw"),
        (b"Subject: =?x-none?q?a?=\r\n\r\n", "subject", "=?x-none?q?a?="),
        (b"From: =?utf-8?q?Ad=C3=A9?= <a@b.example>\r\n\r\n", "sender", "Adé <a@b.example>"),
        (b"To: other@c.example\r\n\r\n", "recipient", "other@c.example"),
        (b"\r\n", "recipient", "r@agents.example.com"),
        (b"X-AgentMail-Encrypted: Body\r\n\r\n", "encrypted", True),
        (b"X-AgentMail-Encrypted: true\r\n\r\n", "encrypted", False),
        (b"X-AgentMail-Correlation-Id: c-1\r\n\r\n", "correlation_id", "c-1"),
        (b"\r\n" + b"word " * 100, "preview", ("word " * 100)[:200]),
        (b"Content-Type: text/html\r\n\r\n<style>p{}</style><p>Hi <b>you</b></p>", "preview", "Hi you"),
        (b"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=", "preview", "hello"),
        (b"Content-Type: text/plain; charset=bogus\r\n\r\nh\xc3\xa9", "preview", "hé"),
        (b"", "preview", ""),
    ],
)  # fmt: skip
def test_fields_are_read_decoded_on_one_line(raw, field, value):
    assert getattr(read(raw), field) == value


def test_an_attached_mail_is_one_file_with_its_bytes():
    raw = (
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\ntext\r\n--x\r\n"
        b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nin\r\n--x\r\n"
        b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--x--\r\n"
    )
    summary = read(raw)
    assert [file.content_type for file in summary.files] == ["message/rfc822", "image/png"]
    assert part_bytes(raw, 0).startswith(b"Subject: inner")
    assert part_bytes(raw, 1) == b"\x00\x01\x02"
    assert part_bytes(raw, 2) == b""


@given(st.binary(max_size=300))
def test_any_bytes_are_a_mail(raw):
    header = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    for mail in (raw, header + raw):
        assert read(mail, verified=True).recipient
        assert isinstance(raw_text(mail), str)
        part_bytes(mail, 0)


def test_deep_nesting_and_hostile_html_are_survived():
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(3000)
    )
    assert read(deep).recipient
    assert read(b"Content-Type: text/html\r\n\r\n" + b"<style" * 100_000).recipient
    assert read(b"Subject: " + b"=?utf-8?q?" * 50_000 + b"\r\n\r\n").recipient


def test_every_mail_of_the_corpora_is_delivered_and_comes_back_byte_for_byte(tmp_path):
    if not CORPORA.is_dir():
        pytest.skip(f"no corpora at {CORPORA}")
    mails = [
        p.read_bytes() for p in sorted(CORPORA.rglob("*")) if p.suffix in (".eml", ".msg", ".txt")
    ]
    store = Store(tmp_path, durable=False)
    agent = store.add_agent("a")
    ids = store.deliver_many("a", [Delivery(raw) for raw in mails])
    assert len(ids) == len(mails) > 100
    for message_id, raw in zip(ids, mails, strict=True):
        assert store.raw(store.message(agent, message_id)) == raw
    store.close()
