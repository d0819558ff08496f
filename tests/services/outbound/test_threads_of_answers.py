"""Answers stand in their thread (RFC 5322 §3.6.4) and echo the ids of workflows and transactions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.draft import DraftKind, Metering
from services.errors import UsageError
from services.outbound.writing.answered import (
    REFERENCES_LIMIT,
    forward_subject,
    message_ids,
    read_answered,
    references_of,
    reply_subject,
)
from services.outbound.writing.replying import again, begin_blank
from tests.services.outbound.answering_stage import DESKTOP, begin, original

# ── the thread (RFC 5322 §3.6.4) ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("head", "in_reply_to", "references"),
    [
        ((), "<1@x.example>", ("<1@x.example>",)),
        (("References: <a@x> <b@x>",), "<1@x.example>", ("<a@x>", "<b@x>", "<1@x.example>")),
        (
            ("References: <a@x>\r\n <b@x>\r\n\t<c@x>",),
            "<1@x.example>",
            ("<a@x>", "<b@x>", "<c@x>", "<1@x.example>"),
        ),
        (("In-Reply-To: <a@x>",), "<1@x.example>", ("<a@x>", "<1@x.example>")),
        (("In-Reply-To: <a@x> <b@x>",), "<1@x.example>", ("<1@x.example>",)),
        (
            ("In-Reply-To: <z@x>", "References: <a@x>"),
            "<1@x.example>",
            ("<a@x>", "<1@x.example>"),
        ),
        (("Message-ID: none", "References: <a@x>"), "", ("<a@x>",)),
        (("Message-ID: none",), "", ()),
        (("References: <a@x> <1@x.example> <a@x>",), "<1@x.example>", ("<a@x>", "<1@x.example>")),
    ],
    ids=["first", "chain", "folded", "no-references", "two-parents", "both", "no-id", "nothing",
         "repeated"],
)  # fmt: skip
def test_thread_headers_follow_the_standard(
    head: tuple[str, ...], in_reply_to: str, references: tuple[str, ...]
) -> None:
    draft = begin(DraftKind.REPLY, original(*head)).draft
    assert (draft.in_reply_to, draft.references) == (in_reply_to, references)


def test_a_forward_and_another_edition_begin_a_thread_of_their_own() -> None:
    for kind in (DraftKind.FORWARD, DraftKind.EDIT_AS_NEW):
        draft = begin(kind, original("References: <a@x>")).draft
        assert (draft.in_reply_to, draft.references) == ("", ())


def test_a_chain_that_is_too_long_keeps_its_beginning_and_its_end() -> None:
    chain = tuple(f"<{number}@x>" for number in range(100))
    kept = references_of(chain, (), "<new@x>")
    assert (len(kept), kept[0], kept[-1], kept[-2]) == (
        REFERENCES_LIMIT,
        "<0@x>",
        "<new@x>",
        "<99@x>",
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=300), max_size=30), st.text(max_size=300))
def test_no_id_of_a_stranger_can_break_a_header(ids: list[str], own: str) -> None:
    found = references_of(
        message_ids(" ".join(ids)), message_ids(own), next(iter(message_ids(own)), "")
    )
    assert len(found) <= REFERENCES_LIMIT
    assert all(re.fullmatch(r"<[!-;=?-~]{1,250}>", entry) for entry in found)


@pytest.mark.parametrize(
    ("subject", "reply", "forward"),
    [
        ("plans", "Re: plans", "Fwd: plans"),
        ("Re: plans", "Re: plans", "Fwd: Re: plans"),
        ("RE: Re[4]: AW: plans", "Re: plans", "Fwd: RE: Re[4]: AW: plans"),
        ("Fwd: FW: plans", "Re: Fwd: FW: plans", "Fwd: plans"),
        ("Re：计划", "Re: 计划", "Fwd: Re：计划"),
        ("Report: done", "Re: Report: done", "Fwd: Report: done"),
        ("", "Re:", "Fwd:"),
    ],
    ids=["plain", "re", "many", "fwd", "wide", "report", "empty"],
)
def test_subjects_get_one_prefix(subject: str, reply: str, forward: str) -> None:
    assert (reply_subject(subject), forward_subject(subject)) == (reply, forward)


@pytest.mark.parametrize(
    "subject",
    [
        "=?utf-8?q?a=0D=0ABcc:_eve@evil.example?=",
        "a\x1b]0;owned\x07b",
        "invoice\u202egpj.exe",
        "=?utf-8?q?" + "=E2=80=8B" * 400 + "?=",
        "Re: " * 5_000,
        "x" * 100_000,
    ],
    ids=["header", "escape", "bidi", "zero-width", "prefixes", "long"],
)
def test_hostile_subjects_become_one_honest_line(subject: str) -> None:
    draft = begin(DraftKind.REPLY, original(f"Subject: {subject}")).draft
    assert len(draft.subject) <= 910
    assert draft.subject.isprintable()
    assert not {"\u202e", "\u200b", "\n", "\r", "\x1b"} & set(draft.subject)


# ── marketplace and workflow ids ─────────────────────────────────────────────────────────────────


def test_ids_of_a_workflow_and_of_a_transaction_are_echoed() -> None:
    mail = original("X-AgentMail-Correlation-Id: wf-7", "X-AgentMail-Marketplace-Request-Id: mkt-1")
    reply = begin(DraftKind.REPLY, mail).draft
    assert (reply.correlation_id, reply.marketplace_request_id, reply.usage) == (
        "wf-7", "mkt-1", None,
    )  # fmt: skip
    response = begin(DraftKind.MARKET_RESPONSE, mail).draft
    assert (response.marketplace_request_id, response.usage) == ("mkt-1", Metering())
    assert response.to == ("Ann <ann@x.example>",)
    assert begin(DraftKind.FORWARD, mail).draft.marketplace_request_id == ""


def test_what_the_service_says_of_a_transaction_goes_before_the_header() -> None:
    mail = original("X-AgentMail-Marketplace-Request-Id: forged", marketplace_request_id="mkt-2")
    assert read_answered(mail).marketplace_request_id == "mkt-2"


def test_an_id_that_is_no_plain_word_is_not_taken_over() -> None:
    mail = original("X-AgentMail-Correlation-Id: =?utf-8?q?a=0D=0AX:_y?=", correlation_id="a b")
    assert read_answered(mail).correlation_id == ""


def test_only_a_request_can_get_a_response() -> None:
    with pytest.raises(UsageError, match="no marketplace request"):
        begin(DraftKind.MARKET_RESPONSE, original())
    with pytest.raises(UsageError, match="answers nothing"):
        begin(DraftKind.NEW, original())


def test_a_request_gets_an_id_of_its_own() -> None:
    first, second = (begin_blank(DraftKind.MARKET_REQUEST, DESKTOP).draft for _ in range(2))
    assert first.marketplace_request_id.startswith("mkt-")
    assert first.marketplace_request_id != second.marketplace_request_id


# ── the text ─────────────────────────────────────────────────────────────────────────────────────


def test_a_mail_is_sent_again_under_ids_of_its_own() -> None:
    first = begin(DraftKind.REPLY, original()).draft
    second = again(first, now=7)
    assert second.draft_id != first.draft_id
    assert second.idempotency_key != first.idempotency_key
    assert (second.to, second.body, second.revision, second.kind) == (
        first.to, first.body, 0, DraftKind.EDIT_AS_NEW,
    )  # fmt: skip
