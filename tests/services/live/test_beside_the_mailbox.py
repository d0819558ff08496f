"""What the agent itself sent and what was held back, over the sandbox's door: listed, read, counted,
and a part of conversations; never a part of the mailbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from services.cache.store import MailStore
from services.errors import MailError, TimedOut, UsageError
from services.events import MessageOpened, Notice, RawRead, RequestFailed, SearchAnswered
from services.models import RowFlag
from services.requests import Delete, FindConversation, OpenMessage, ReadRaw
from services.shelf_events import (
    ListShelf,
    ReadShelved,
    ReadShelvedRaw,
    ShelfListed,
    ShelvedRaw,
    ShelvedRead,
    ShelvesCounted,
)
from services.shelves import Shelf
from services.transfer_events import FilesSaved, SaveAttachments
from services.wire_values import InboxPage
from tests.services.live.conftest import Run, no_pause
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, client_of, mail

Start = Callable[..., Run]
HOSTILE = "Pay \x1b]0;x\x07[/b] now \u202etxt"


def listed(made: Run, shelf: Shelf) -> ShelfListed:
    asked = made.engine.request(ListShelf(shelf))
    return made.wait(ShelfListed, lambda told: told.request_id == asked)


def sent_by_the_agent(v0: V0Control, org: Org, to: str, subject: str) -> str:
    """As the agent's own program does it: by the vendor's SDK, past this one."""
    messages = client_of(v0, org.key).inboxes.messages
    return str(messages.send(org.one, to=to, subject=subject, text="On my way.").message_id)


def answered_by_the_agent(v0: V0Control, org: Org, message_id: str) -> str:
    messages = client_of(v0, org.key).inboxes.messages
    return str(messages.reply(org.one, message_id, text="Done, as you asked.").message_id)


# ── what the agent sent ──────────────────────────────────────────────────────────────────────────


def test_what_the_agent_sent_is_listed_read_and_no_part_of_the_mailbox(
    v0: V0Control, org: Org, run: Start
) -> None:
    v0.receive(org.one, mail("Came in"))
    sent = sent_by_the_agent(v0, org, "Bo <bo@big.example>", HOSTILE)
    made = run()
    made.until(lambda: made.subjects == ["Came in"])
    (row,) = listed(made, Shelf.SENT).rows
    assert row.message_id == sent
    assert str(row.sender).startswith("to ")
    assert "bo@big.example" in row.sender
    assert RowFlag.UNREAD not in row.flags
    assert not {"\x1b", "\x07", "\u202e"} & set(row.subject)

    asked = made.engine.request(ReadShelved(Shelf.SENT, sent))
    read = made.wait(ShelvedRead, lambda told: told.request_id == asked)
    assert read.trust.sent
    asked = made.engine.request(ReadShelvedRaw(Shelf.SENT, sent))
    raw = made.wait(ShelvedRaw, lambda told: told.request_id == asked)
    assert "On my way." in [str(line) for line in raw.lines]

    snapshot = made.engine.snapshot
    assert snapshot is not None
    assert (snapshot.counts.total, snapshot.counts.unread) == (1, 1)
    assert snapshot.row_of(sent) is None
    assert listed(made, Shelf.HELD).rows == ()


def test_a_conversation_holds_what_the_agent_answered(v0: V0Control, org: Org, run: Start) -> None:
    first = v0.receive(org.one, mail("Plan"))["message_id"]
    sent_by_the_agent(v0, org, "bo@big.example", "Another matter")
    answer = answered_by_the_agent(v0, org, first)
    made = run()
    made.until(lambda: made.subjects == ["Plan"])
    asked = made.engine.request(FindConversation(first))
    found = made.wait(SearchAnswered, lambda told: told.request_id == asked)
    assert found.message_ids == (first,)
    assert [row.message_id for row in found.sent] == [answer]
    assert str(found.sent[0].sender).startswith("to ")

    asked = made.engine.request(OpenMessage(answer))
    opened = made.wait(MessageOpened, lambda told: told.request_id == asked)
    assert opened.trust.sent
    asked = made.engine.request(ReadRaw(answer))
    lines = made.wait(RawRead, lambda told: told.request_id == asked).lines
    assert "Done, as you asked." in [str(line) for line in lines]
    # Nothing can be done to it from here, and nothing of it was kept.
    made.engine.request(Delete((answer,)))
    made.stop()
    assert [row.message_id for row in made.rows] == [first]
    store = MailStore.open(made._folder)
    assert store.bodies.get(answer) is None
    store.close()
    assert answer in {one["message_id"] for one in v0.sent(org.one)}


LONG = "This conversation is long: what was sent in its older part is missing."


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (TimedOut("Too slow."), "What was sent in this conversation is missing: Too slow."),
        (UsageError("No id."), "What was sent in this conversation is missing: No id."),
        (InboxPage((), "more"), LONG),
    ],
    ids=["slow", "odd thread", "long"],
)
def test_without_what_was_sent_a_conversation_is_shown_and_told_to_be_short(
    v0: V0Control, org: Org, tmp_path: Path, answer: InboxPage | MailError, told: str
) -> None:
    first = v0.receive(org.one, mail("Plan"))["message_id"]
    made = Run(tmp_path / "account", lambda: Tongueless(v0, org, answer))
    made.until(lambda: made.subjects == ["Plan"])
    asked = made.engine.request(FindConversation(first))
    notice = made.wait(Notice, lambda told: told.request_id == asked)
    assert str(notice.sentence) == told
    found = made.wait(SearchAnswered, lambda told: told.request_id == asked)
    assert (found.message_ids, found.sent) == ((first,), ())
    made.stop()


class Tongueless(AgentMailToClient):
    """A service that has only this to say about threads."""

    def __init__(self, v0: V0Control, org: Org, answer: InboxPage | MailError) -> None:
        super().__init__(v0.base_url, org.key, org.one, sleep=no_pause)
        self.answer = answer

    async def list_sent_in(self, thread_id: str) -> InboxPage:
        if isinstance(self.answer, MailError):
            raise self.answer
        return self.answer


# ── what was held back ───────────────────────────────────────────────────────────────────────────


def held(v0: V0Control, org: Org) -> None:
    v0.receive(org.one, mail("Win"), labels=["received", "unread", "spam"])
    v0.receive(org.one, mail("Barred"), labels=["received", "unread", "blocked"])
    v0.receive(org.one, mail("No proof"), labels=["received", "unread", "unauthenticated"])
    v0.receive(org.one, mail("Win and gone"), labels=["received", "spam", "trash"])


def test_held_mail_is_counted_listed_and_read_and_unproved_mail_stays_in_the_mailbox(
    v0: V0Control, org: Org, run: Start
) -> None:
    held(v0, org)
    made = run()
    counted = made.wait(ShelvesCounted)
    assert (counted.held, counted.more_held, counted.sent, counted.trashed) == (
        2,
        False,
        False,
        False,
    )
    made.until(lambda: made.subjects == ["No proof"])
    assert RowFlag.VERIFIED not in made.rows[0].flags
    rows = listed(made, Shelf.HELD).rows
    assert {(str(row.subject), str(*row.labels)) for row in rows} == {
        ("Win", "spam"), ("Barred", "blocked"),
    }  # fmt: skip
    assert not any(RowFlag.VERIFIED in row.flags for row in rows)
    asked = made.engine.request(ReadShelved(Shelf.HELD, rows[0].message_id))
    read = made.wait(ShelvedRead, lambda told: told.request_id == asked)
    assert not read.trust.verified
    assert not read.trust.sent
    # Opened by its id alone, as a link or a script would, it stays closed.
    asked = made.engine.request(OpenMessage(rows[0].message_id))
    failed = made.wait(RequestFailed, lambda told: told.request_id == asked)
    assert "spam and blocked mail" in str(failed.sentence)


def test_a_key_that_may_not_see_held_mail_sees_none(v0: V0Control, org: Org, run: Start) -> None:
    held(v0, org)
    may = {"message_read": True, "inbox_read": True, "label_unauthenticated_read": True}
    made = run(key=v0.key(org, permissions=may))
    made.until(lambda: made.subjects == ["No proof"])
    assert listed(made, Shelf.HELD).rows == ()


async def test_much_spam_does_not_hide_blocked_mail(
    v0: V0Control, org: Org, client: AgentMailToClient
) -> None:
    for number in range(7):
        v0.receive(org.one, mail(f"Win {number}"), labels=["received", "spam"])
    v0.receive(org.one, mail("Barred"), labels=["received", "blocked"])
    v0.receive(org.one, mail("Both"), labels=["received", "blocked", "spam"])
    cursor, pages = None, []
    while not pages or cursor is not None:
        page = await client.list_shelf(Shelf.HELD, limit=3, cursor=cursor)
        pages.append([item.subject for item in page.items])
        cursor = page.next_cursor
    assert {"Barred", "Both"} <= set(pages[0])
    assert len(set().union(*pages)) == 9
    with pytest.raises(UsageError):
        await client.list_shelf(Shelf.HELD, cursor="no place")


# ── files and raw mail of what lies in the trash ─────────────────────────────────────────────────


def test_a_file_of_a_message_in_the_trash_is_saved_and_its_raw_mail_shown(
    v0: V0Control, org: Org, run: Start, tmp_path: Path
) -> None:
    raw = (
        "From: Ann <ann@x.example>\r\nSubject: With a file\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nSee below.\r\n--b\r\n'
        'Content-Type: text/plain\r\nContent-Disposition: attachment; filename="a.txt"\r\n\r\n'
        "in the bin\r\n--b--\r\n"
    )
    trashed = v0.receive(org.one, raw, labels=["received", "trash"])["message_id"]
    made = run()
    made.wait(ShelvesCounted, lambda told: told.trashed)
    asked = made.engine.request(ReadShelvedRaw(Shelf.TRASH, trashed))
    lines = made.wait(ShelvedRaw, lambda told: told.request_id == asked).lines
    assert "Subject: With a file" in [str(line) for line in lines]
    folder = tmp_path / "saved"
    folder.mkdir()
    asked = made.engine.request(SaveAttachments(trashed, (0,), folder))
    saved = made.wait(FilesSaved, lambda told: told.request_id == asked)
    assert [path.read_text().strip() for path in saved.paths] == ["in the bin"]
    assert listed(made, Shelf.TRASH).rows[0].message_id == trashed
    asked = made.engine.request(ReadShelvedRaw(Shelf.SENT, trashed))
    assert "trash" in str(made.wait(RequestFailed, lambda told: told.request_id == asked).sentence)
