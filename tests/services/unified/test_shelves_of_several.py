"""What the agents of several accounts sent and what is held from them, as one list and in conversations."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from agentmail import SendAttachment

from services.carried_events import CarriedState, CarriedTold
from services.draft import DraftKind
from services.events import MessageOpened, RequestFailed, SearchAnswered
from services.models import Mailbox
from services.outbound_events import BeginDraft, DraftOpened
from services.requests import FindConversation, ForAccount, OpenMessage
from services.shelf_events import ListShelf, ReadShelved, ShelfListed, ShelvedRead, ShelvesCounted
from services.shelves import Shelf
from services.unified.addressing import addressed
from services.unified.ids import join_id, split_id
from tests.services.sandbox.agentmail_to.v0_control import V0Control, client_of
from tests.services.unified.household import Household

_COPIED = (DraftKind.REPLY_ALL, DraftKind.EDIT_AS_NEW)
_CARRYING = (DraftKind.FORWARD, DraftKind.EDIT_AS_NEW)


def answered(v0: V0Control, one: Household, qualified: str, text: str) -> str:
    """As the agent's own program answers: by the vendor's SDK."""
    name, message_id = split_id(qualified)
    member = one[name]
    messages = client_of(v0, member.token).inboxes.messages
    sent = messages.reply(member.account.address, message_id, text=text)
    return join_id(name, str(sent.message_id))


def test_what_agents_sent_is_one_list_and_a_part_of_their_conversations(both, v0) -> None:
    ids = [both["t1"].receive("first"), both["t2"].receive("second"), both["a1"].receive("third")]
    both.counted(3)
    sent = [answered(v0, both, one, f"Answer to {one[:2]}") for one in ids[:2]]
    listed = both.answer(ListShelf(Shelf.SENT), ShelfListed)
    assert {(row.message_id, row.account) for row in listed.rows} == {
        (sent[0], "t1"), (sent[1], "t2"),
    }  # fmt: skip
    assert str(listed.remark) == "a1 is not in it: its service does not list what was sent."
    read = both.answer(ReadShelved(Shelf.SENT, sent[1]), ShelvedRead)
    assert read.message_id == sent[1]
    assert read.trust.sent
    assert "Answer to t2" in [str(line.text) for line in read.message.body]

    found = both.answer(FindConversation(ids[1]), SearchAnswered)
    assert found.message_ids == (ids[1],)
    assert [(row.message_id, row.account) for row in found.sent] == [(sent[1], "t2")]
    opened = both.answer(OpenMessage(sent[1]), MessageOpened)
    assert opened.message_id == sent[1]
    assert opened.trust.sent
    assert both.engine.snapshot.row_of(sent[1]) is None
    assert both.engine.snapshot.counts.total == 3
    assert set(both.ids(Mailbox.ALL)) == set(ids)


@pytest.mark.parametrize(
    ("kind", "to", "subject"),
    [
        (DraftKind.REPLY, ("bo@big.example",), "Re: The plan"),
        (DraftKind.REPLY_ALL, ("bo@big.example",), "Re: The plan"),
        (DraftKind.FORWARD, (), "Fwd: The plan"),
        (DraftKind.EDIT_AS_NEW, ("bo@big.example",), "The plan"),
    ],
    ids=["reply", "reply-to-all", "forward", "edit-as-new"],
)
def test_what_an_agent_sent_is_answered_by_its_own_account(
    both, v0, kind: DraftKind, to: tuple[str, ...], subject: str
) -> None:
    member = both["t2"]
    messages = client_of(v0, member.token).inboxes.messages
    sent = messages.send(
        member.account.address,
        to="bo@big.example",
        cc="cy@big.example",
        subject="The plan",
        text="Words of the agent.",
        attachments=[SendAttachment(filename="a.txt", content="aGVsbG8=")],
    )
    message_id = str(sent.message_id)
    begun = both.answer(BeginDraft(kind, join_id("t2", message_id)), DraftOpened)
    assert begun.account == "t2"
    draft = begun.draft
    assert (draft.to, draft.subject) == (to, subject)
    assert draft.cc == (("cy@big.example",) if kind in _COPIED else ())
    assert "Words of the agent." in draft.body
    assert draft.answers == ("" if kind is DraftKind.EDIT_AS_NEW else message_id)
    assert [file.name for file in draft.files] == (["a.txt"] if kind in _CARRYING else [])
    assert "not verified" not in begun.remark
    if kind in _CARRYING:
        told = both.wait(CarriedTold, lambda event: _is_here(event, draft.draft_id))
        assert [one.path.read_bytes() for one in told.files] == [b"hello"]


def _is_here(told: CarriedTold, draft_id: str) -> bool:
    assert all(one.state is not CarriedState.FAILED for one in told.files)
    is_whole = all(one.state is CarriedState.HERE for one in told.files)
    return told.draft_id == draft_id and is_whole


def test_what_is_counted_is_told_to_be_of_its_account() -> None:
    assert addressed("t2", ShelvesCounted(held=1)) == ShelvesCounted(held=1, account="t2")


def test_held_mail_of_several_is_one_list(both) -> None:
    both["t1"].receive("win", labels=["received", "unread", "spam"])
    both["t2"].receive("barred", labels=["received", "unread", "blocked"])
    both.synced()
    rows = both.answer(ListShelf(Shelf.HELD), ShelfListed).rows
    assert {(str(row.subject), row.account) for row in rows} == {("win", "t1"), ("barred", "t2")}
    own = both.answer(ForAccount("t1", ListShelf(Shelf.HELD)), ShelfListed)
    assert [(str(row.subject), row.account) for row in own.rows] == [("win", "t1")]
    failed = both.answer(ForAccount("a1", ListShelf(Shelf.HELD)), RequestFailed)
    assert str(failed.sentence).endswith("holds no mail back.")
    assert both.engine.snapshot.counts.total == 0


@pytest.mark.parametrize("shelf", [Shelf.SENT, Shelf.HELD], ids=lambda shelf: shelf.value)
def test_where_nobody_has_such_a_list_it_is_said_once(
    household: Callable[..., Household], shelf: Shelf
) -> None:
    one = household("work", "home")
    one.synced()
    assert str(one.answer(ListShelf(shelf), RequestFailed).sentence).startswith("No account here")
