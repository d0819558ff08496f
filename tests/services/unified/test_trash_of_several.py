"""The trash over the sandbox's door: put there by another client, read, brought back, in the list again."""

from __future__ import annotations

from services.events import RequestFailed
from services.models import Mailbox, RowFlag
from services.requests import ForAccount
from services.shelf_events import (
    ListShelf,
    ReadShelved,
    RestoreTrashed,
    ShelfListed,
    ShelvedRead,
    TrashRestored,
)
from services.shelves import Shelf
from services.unified.ids import split_id
from tests.services.sandbox.agentmail_to.v0_control import V0Control, client_of
from tests.services.unified.household import Household

HOSTILE = "Pay \x1b]0;x\x07[/b] now \u202etxt"


def put_into_trash(v0: V0Control, one: Household, qualified: str) -> None:
    """As another client does it: by the vendor's SDK."""
    name, message_id = split_id(qualified)
    member = one[name]
    client_of(v0, member.token).inboxes.messages.update(
        member.account.address, message_id, add_labels=["trash"]
    )


def test_what_another_client_deleted_is_seen_read_and_brought_back(both, v0) -> None:
    ids = [both["t1"].receive("first"), both["t2"].receive("second"), both["a1"].receive("third")]
    both.counted(3)
    for one in ids[:2]:
        put_into_trash(v0, both, one)
    both.counted(1)
    listed = both.answer(ListShelf(Shelf.TRASH), ShelfListed)
    assert {(row.message_id, row.account, str(row.subject)) for row in listed.rows} == {
        (ids[0], "t1", "first"), (ids[1], "t2", "second"),
    }  # fmt: skip
    assert str(listed.remark) == "a1 has no trash: what is deleted there is gone for good."
    assert not listed.more

    read = both.answer(ReadShelved(Shelf.TRASH, ids[1]), ShelvedRead)
    assert read.message_id == ids[1]
    assert "Hello second" in [str(line.text) for line in read.message.body]
    assert both.engine.snapshot.row_of(ids[1]) is None
    assert both.engine.snapshot.counts.total == 1

    back = both.answer(RestoreTrashed(ids[1]), TrashRestored)
    assert back.message_id == ids[1]
    assert str(back.sentence) == "Brought back from the trash; it is in the inbox again."
    both.counted(2)
    assert set(both.ids(Mailbox.INBOX)) == {ids[1], ids[2]}
    assert RowFlag.UNREAD in both.engine.snapshot.row_of(ids[1]).flags
    assert [row.message_id for row in both.answer(ListShelf(Shelf.TRASH), ShelfListed).rows] == [
        ids[0]
    ]
    opened = both.answer(ForAccount("t2", ListShelf(Shelf.TRASH)), ShelfListed)
    assert opened.rows == ()


def test_one_account_without_a_trash_says_so(both) -> None:
    both.synced()
    failed = both.answer(ForAccount("a1", ListShelf(Shelf.TRASH)), RequestFailed)
    assert "has no trash" in str(failed.sentence)
    assert "gone for good" in str(failed.sentence)
    assert str(failed.sentence).startswith("a1: ")


def test_where_nobody_has_a_trash_it_is_said_once(household) -> None:
    one = household("work", "home")
    one.synced()
    failed = one.answer(ListShelf(Shelf.TRASH), RequestFailed)
    assert str(failed.sentence) == "No account here has a trash: their services delete for good."


def test_what_is_not_in_the_trash_any_more_is_neither_read_nor_lost(both, v0) -> None:
    inbox, gone = both["t1"].receive("stays"), "t1\x1f<nobody@x.example>"
    both.counted(1)
    for request in (
        ReadShelved(Shelf.TRASH, inbox),
        ReadShelved(Shelf.TRASH, gone),
        RestoreTrashed(gone),
    ):
        assert str(both.answer(request, RequestFailed).sentence).startswith("t1: ")
    assert both.ids() == [inbox]
    # Another client was faster: it is where it should be, and that is what is told.
    assert both.answer(RestoreTrashed(inbox), TrashRestored).message_id == inbox


def test_hostile_text_of_the_trash_is_safe_and_spam_and_sent_mail_stay_out(both, v0) -> None:
    raw = f"From: {HOSTILE} <ann@example.com>\r\nSubject: {HOSTILE}\r\n\r\n{HOSTILE}\r\n"
    both["t1"].put(raw, labels=["received", "unread", "trash"])
    both["t1"].put(raw, labels=["received", "spam", "trash"])
    both.synced()
    (row,) = both.answer(ListShelf(Shelf.TRASH), ShelfListed).rows
    for told in (row.subject, row.sender, row.preview):
        assert not {"\x1b", "\x07", "\u202e"} & set(told)
    read = both.answer(ReadShelved(Shelf.TRASH, row.message_id), ShelvedRead)
    assert not {"\x1b", "\u202e"} & set("".join(line.text for line in read.message.body))
