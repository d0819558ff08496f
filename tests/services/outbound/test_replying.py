"""How drafts begin: to whom an answer goes, what it quotes, and when it has to be encrypted."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.addresses import parse_mailbox
from services.draft import DraftKind, DraftState, Encryption
from services.outbound.gate.addressing import recipients_of
from services.outbound.log.lending import Original
from services.outbound.writing.quoting import FORWARD_RULE, quote_reply
from services.outbound.writing.replying import Desktop, begin_blank
from services.outbound.writing.templates import Template
from services.reading.render import parse_mail, present
from services.seal_models import SealState
from services.wire_values import InboxItem
from tests.services.mail_corpora import all_mails, generate_hostile_mails
from tests.services.outbound.answering_stage import DESKTOP, OWN, begin, original, sealed

# ── to whom ──────────────────────────────────────────────────────────────────────────────────────


def test_a_reply_goes_to_the_sender_with_a_quote_of_what_was_said() -> None:
    begun = begin(DraftKind.REPLY, original())
    draft = begun.draft
    assert (draft.to, draft.cc, draft.bcc) == (("Ann <ann@x.example>",), (), ())
    assert draft.subject == "Re: plans"
    assert draft.body == (
        "\n\nOn Mon, 12 Oct 2026 at 14:03 UTC, Ann <ann@x.example> wrote:\n"
        "> First line.\n>\n> Second.\n"
    )
    assert (draft.kind, draft.state, draft.answers) == (DraftKind.REPLY, DraftState.EDITING, "m1")
    assert (draft.encryption, draft.answers_encrypted) == (Encryption.NONE, False)
    assert (begun.remark, begun.quoted) == ("", "")
    assert draft.made_at == draft.changed_at == DESKTOP.now


def test_a_reply_to_elsewhere_is_followed_and_told() -> None:
    begun = begin(DraftKind.REPLY, original("Reply-To: Desk <desk@y.example>"))
    assert begun.draft.to == ("Desk <desk@y.example>",)
    assert begun.remark == (
        "The answer goes to desk@y.example, as the message asks (Reply-To), not to its sender "
        "ann@x.example."
    )


def test_an_unverified_sender_is_told_with_the_reply() -> None:
    begun = begin(DraftKind.REPLY, original(sender_verified=False))
    assert begun.remark == "The sender of the message is not verified."


def test_a_reply_to_all_leaves_out_the_own_address_and_names_nobody_twice() -> None:
    mail = original(
        "To: Me <ME@agents.example.com>, Bob <bob@x.example>, ann@X.example",
        "Cc: carl@x.example, BOB@x.example, me@agents.example.com, undisclosed:;",
    )
    draft = begin(DraftKind.REPLY_ALL, mail).draft
    assert draft.to == ("Ann <ann@x.example>",)
    assert draft.cc == ("Bob <bob@x.example>", "carl@x.example")
    assert begin(DraftKind.REPLY, mail).draft.cc == ()


def test_an_answer_to_own_mail_goes_to_whom_it_went() -> None:
    mail = original(f"From: {OWN}", "To: bob@x.example, carl@x.example", sender=OWN)
    assert begin(DraftKind.REPLY, mail).draft.to == ("bob@x.example", "carl@x.example")
    note_to_self = original(f"From: {OWN}", f"To: {OWN}", sender=OWN)
    assert begin(DraftKind.REPLY, note_to_self).draft.to == (OWN,)
    copied = original(f"From: {OWN}", f"To: {OWN}", "Cc: bob@x.example", sender=OWN)
    assert begin(DraftKind.REPLY, copied).draft.to == ("bob@x.example",)


def test_an_answer_to_mail_that_was_sent_from_here_goes_to_the_people_it_was_sent_to() -> None:
    head = ("To: Bob <bob@x.example>, dora@x.example", "Cc: carl@x.example, me@agents.example.com")
    asks = "Reply-To: desk@x.example"
    # By another sender of the same account, which the header alone does not show.
    mail = replace(original("From: alias@x.example", asks, *head), is_sent=True)
    begun = begin(DraftKind.REPLY, mail)
    assert begun.draft.to == ("Bob <bob@x.example>", "dora@x.example")
    assert (begun.draft.cc, begun.remark) == ((), "")
    assert begun.draft.in_reply_to == "<1@x.example>"
    assert begin(DraftKind.REPLY_ALL, mail).draft.cc == ("carl@x.example",)
    unverified = replace(original(*head, sender_verified=False), is_sent=True)
    assert begin(DraftKind.REPLY, unverified).remark == ""
    blind = replace(original(f"From: {OWN}", "To: undisclosed:;", recipient=""), is_sent=True)
    begun = begin(DraftKind.REPLY, blind)
    assert begun.draft.to == ()
    assert "write the recipient yourself" in begun.remark


def test_mail_in_the_own_name_that_asks_for_answers_elsewhere_is_told() -> None:
    form = original(f"From: {OWN}", "Reply-To: customer@x.example", sender=OWN)
    begun = begin(DraftKind.REPLY, form)
    assert begun.draft.to == ("customer@x.example",)
    assert "(Reply-To), not to its sender" in begun.remark


def test_without_a_raw_mail_the_inbox_entry_says_whom_to_answer() -> None:
    whole = original()
    mail = Original(whole.item, b"", whole.message)
    assert begin(DraftKind.REPLY, mail).draft.to == ("Ann <ann@x.example>",)


def test_a_mail_that_names_nobody_begins_an_answer_to_nobody() -> None:
    mail = original("From: undisclosed", "To: nobody", sender="", recipient="")
    begun = begin(DraftKind.REPLY, mail)
    assert begun.draft.to == ()
    assert "write the recipient yourself" in begun.remark


def test_a_crowd_is_taken_over_up_to_a_limit_and_the_rest_is_told() -> None:
    crowd = ", ".join(f"p{number}@x.example" for number in range(300))
    begun = begin(DraftKind.REPLY_ALL, original(f"Cc: {crowd}"))
    assert len(begun.draft.recipients) == 100
    assert begun.remark == "201 more recipients of the message are left out: too many."


@pytest.mark.parametrize(
    "sender",
    [
        '"bank@bank.example" <eve@evil.example>',
        '"service@bank.example", <eve@evil.example>',
        "=?utf-8?q?bank=40bank=2Eexample?= <eve@evil.example>",
        '"Eve\x1b[31m" <eve@evil.example>',
        "Eve <eve@evil.example>\t",
    ],
    ids=["name-is-address", "phishing-list", "encoded", "escape", "tab"],
)
def test_the_address_that_is_answered_is_the_one_that_sent(sender: str) -> None:
    draft = begin(DraftKind.REPLY, original(f"From: {sender}", sender=sender)).draft
    (recipient,) = recipients_of(draft)
    assert recipient.address == "eve@evil.example"
    assert "bank" not in draft.to[0]
    assert draft.to[0].isprintable()


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_the_gate_reads_every_recipient_of_an_answer_as_it_was_meant(name: str, to: str) -> None:
    head = (f"From: {name} <eve@evil.example>", f"To: {to}, Bob <bob@x.example>")
    lines = [line.replace("\r", " ").replace("\n", " ") for line in head]
    mail = original(*lines, sender="eve@evil.example")
    draft = begin(DraftKind.REPLY_ALL, mail).draft
    for recipient in recipients_of(draft):
        assert recipient.address
        assert recipient.typed.isprintable()
        assert not recipient.misnamed
        assert parse_mailbox(recipient.typed).address == recipient.address


# ── encrypted ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [DraftKind.REPLY, DraftKind.REPLY_ALL, DraftKind.FORWARD])
@pytest.mark.parametrize("state", list(SealState))
def test_what_comes_of_an_encrypted_mail_leaves_encrypted(
    kind: DraftKind, state: SealState
) -> None:
    begun = begin(kind, sealed(state))
    assert begun.draft.encryption is Encryption.REQUIRED
    assert begun.draft.answers_encrypted
    assert "Our words" not in begun.draft.body
    assert "from outside" not in begun.draft.body
    assert ("inside" in begun.draft.body) == (state is SealState.OPENED)
    assert bool(begun.quoted) == (state is not SealState.OPENED)


def test_a_locked_message_says_that_unlocking_lets_it_be_quoted() -> None:
    assert "unlock it" in begin(DraftKind.REPLY, sealed(SealState.LOCKED)).quoted


def test_the_flag_of_the_service_alone_makes_an_answer_encrypted() -> None:
    draft = begin(DraftKind.EDIT_AS_NEW, original(encrypted=True)).draft
    assert draft.encryption is Encryption.REQUIRED


# ── marketplace and workflow ids ─────────────────────────────────────────────────────────────────


def test_no_mail_of_the_corpora_begins_an_answer_that_cannot_leave(tmp_path: Path) -> None:
    for file in (*all_mails()[::4], *generate_hostile_mails(tmp_path)[::4]):
        raw = file.read_bytes()[:1_000_000]
        mail = Original(InboxItem("m1"), raw, present(parse_mail(raw)))
        for kind in (DraftKind.REPLY_ALL, DraftKind.FORWARD, DraftKind.EDIT_AS_NEW):
            draft = begin(kind, mail).draft
            assert all(one.address and not one.misnamed for one in recipients_of(draft)), file
            assert not re.search(r"[\x00-\x1f\x7f-\x9f]", draft.subject), file
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", draft.body), file
            assert all(re.fullmatch(r"<[!-;=?-~]+>", one) for one in draft.references), file
            f"{draft.subject}{draft.body}".encode()


# ── the text ─────────────────────────────────────────────────────────────────────────────────────


def test_a_forward_holds_the_message_and_says_which_files_do_not_go_along() -> None:
    parts = (
        "--b\r\nContent-Type: text/plain\r\n\r\nLook.\r\n--b\r\n"
        'Content-Disposition: attachment; filename="a.pdf"\r\n\r\nxx\r\n--b--'
    )
    mail = original('Content-Type: multipart/mixed; boundary="b"', "Cc: carl@x.example", body=parts)
    begun = begin(DraftKind.FORWARD, mail)
    assert begun.draft.to == ()
    assert begun.draft.subject == "Fwd: plans"
    assert begun.draft.body == (
        f"\n\n{FORWARD_RULE}\nFrom: Ann <ann@x.example>\nDate: Mon, 12 Oct 2026 at 14:03 UTC\n"
        f"Subject: plans\nTo: {OWN}\nCc: carl@x.example\n\nLook.\n"
    )
    assert "a.pdf" in begun.remark
    assert "not attached" in begun.remark


def test_another_edition_has_the_text_and_the_people_of_the_message() -> None:
    mail = original(f"To: {OWN}, bob@x.example", body="One.\n> quoted\nTwo.")
    draft = begin(DraftKind.EDIT_AS_NEW, mail).draft
    assert (draft.to, draft.subject, draft.answers) == (("bob@x.example",), "plans", "")
    sent = replace(original(f"To: {OWN}, bob@x.example"), is_sent=True)
    assert begin(DraftKind.EDIT_AS_NEW, sent).draft.to == (OWN, "bob@x.example")
    assert draft.body == "One.\n> quoted\nTwo."


def test_template_and_signature_stand_above_the_quote() -> None:
    desktop = Desktop(OWN, signature="Me\nOps", template=Template(body="Hello,\n"))
    body = begin(DraftKind.REPLY, original(body="Hi."), desktop).draft.body
    assert body.startswith("Hello,\n\n-- \nMe\nOps\n\nOn Mon, 12 Oct")


def test_a_blank_mail_takes_people_and_subject_from_its_template() -> None:
    template = Template("Text", "Weekly", ("a@x.example",), ("b@x.example",))
    draft = begin_blank(DraftKind.NEW, Desktop(OWN, template=template)).draft
    assert (draft.to, draft.cc, draft.subject, draft.body) == (
        ("a@x.example",), ("b@x.example",), "Weekly", "Text\n",
    )  # fmt: skip
    named = begin_blank(DraftKind.NEW, Desktop(OWN, template=template), to=("c@x.example",)).draft
    assert named.to == ("c@x.example",)
    assert begin_blank(DraftKind.NEW, DESKTOP).draft.is_blank


def test_quotes_are_nested_folded_and_without_the_signature() -> None:
    long = "word " * 40
    mail = original(body=f"> earlier\n{long}\n{'x' * 200}\n-- \nAnn\nx.example")
    lines = quote_reply(mail.message, who="Ann", at=0).text.split("\n")
    assert lines[:2] == ["Ann wrote:", ">> earlier"]
    assert all(len(line) <= 76 for line in lines[2:-1])
    assert " ".join(line[2:] for line in lines[2:-1]) == long.strip()
    assert lines[-1] == "> " + "x" * 200


def test_an_answer_does_not_pass_on_links_that_open_files() -> None:
    signed = "https://s3.example/b/k?X-Amz-Algorithm=A&X-Amz-Credential=c&X-Amz-Signature=abc"
    body = f"See https://x.example/page and\nreport.pdf: {signed}\n"
    quoted = begin(DraftKind.REPLY_ALL, original(body=body)).draft.body
    assert "X-Amz" not in quoted
    assert "> report.pdf: [download link left out]" in quoted
    assert "https://x.example/page" in quoted
    forwarded = begin(DraftKind.FORWARD, original(body=body)).draft.body
    assert signed in forwarded


@pytest.mark.parametrize(
    "body", ["line\n" * 50_000, "y" * 3_000_000, "a b " * 500_000], ids=["lines", "word", "words"]
)
def test_a_mail_of_megabytes_is_quoted_up_to_a_limit(body: str) -> None:
    draft = begin(DraftKind.REPLY, original(body=body)).draft
    assert len(draft.body) < 210_000
    assert "[The rest of the message is not quoted.]" in draft.body
