"""Following a conversation by key: what is asked, what the list says, and the way back."""

from __future__ import annotations

from dataclasses import replace

from services import events, requests
from services.draft import DraftKind
from services.models import RowFlag
from services.outbound_events import BeginDraft
from services.safe_text import ui
from tests.fakes.fake_engine import rendered
from tests.fakes.rows import sample_rows
from tests.tui.app_stage import Stage, press, rows_of, text_of, until

SMALL = (80, 24)


def asked(stage: Stage) -> list[object]:
    return [one for one in stage.engine.requests if isinstance(one, requests.FindConversation)]


async def test_a_conversation_is_listed_and_left_again() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "j", "O")
        assert asked(stage) == [requests.FindConversation("m1")]
        assert stage.mail.panes.messages.count == 8
        stage.engine.emit(
            events.SearchAnswered(len(stage.engine.requests), "", ("m1", "m3", "gone"))
        )
        await press(pilot)
        assert stage.mail.panes.messages.count == 2
        assert "conversation of “" in rows_of(stage.app)[1]
        assert "2 found" in rows_of(stage.app)[1]
        await press(pilot, "escape")
        assert stage.mail.panes.messages.count == 8


async def test_an_answer_that_comes_after_another_view_was_chosen_is_dropped() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "O")
        number = len(stage.engine.requests)
        await press(pilot, "g", "e")
        before = stage.mail.panes.messages.count
        stage.engine.emit(events.SearchAnswered(number, "", ("m1",)))
        await press(pilot)
        assert stage.mail.panes.messages.count == before


async def test_where_there_is_no_conversation_a_sentence_says_so() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "O")
        sentence = ui("The mail service does not say which messages belong to this one.")
        stage.engine.emit(events.RequestFailed(len(stage.engine.requests), sentence))
        await press(pilot)
        assert "does not say which messages" in text_of(stage.app)
        assert stage.mail.panes.messages.count == 8


async def test_what_was_sent_in_it_is_read_and_answered_but_not_changed() -> None:
    own = replace(
        sample_rows().rows[0],
        message_id="s1",
        sender=ui("to Ann"),
        received_at=9,
        flags=RowFlag.VERIFIED,
    )
    stage = Stage(messages={"s1": rendered(own)})
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "j", "O")
        number = len(stage.engine.requests)
        stage.engine.emit(events.SearchAnswered(number, "", ("m1",), sent=(own,)))
        await until(pilot, lambda: stage.mail.panes.messages.count == 2)
        await press(pilot, "G")
        assert "to Ann" in text_of(stage.app)
        before = list(stage.engine.requests)
        for key in ("e", "l", "d", "u"):
            await press(pilot, key)
            assert "This was sent from here" in text_of(stage.app)
        await press(pilot, "x", "e")
        assert "This was sent from here" in text_of(stage.app)
        await press(pilot, "*", "a", "e")
        assert stage.engine.requests[len(before) :] == [requests.Archive(("m1",), archived=True)]
        await press(pilot, "G", "O")
        assert "is on screen" in text_of(stage.app)
        assert stage.engine.requests[len(before) + 1 :] == []
        assert stage.app.screen is stage.mail
        await press(pilot, "enter")
        await until(pilot, lambda: requests.OpenMessage("s1") in stage.engine.requests)
        await until(pilot, lambda: "this is the text" in text_of(stage.app))
        assert "sent from this inbox" in text_of(stage.app)
        assert "unverified" not in text_of(stage.app)
        await press(pilot, "r")
        await until(pilot, lambda: BeginDraft(DraftKind.REPLY, "s1") in stage.engine.requests)
        await press(pilot, "escape")
        await until(pilot, lambda: stage.app.screen is stage.mail)
        await press(pilot, "q", "escape")
        await until(pilot, lambda: stage.mail.panes.messages.count == 7)
        assert not [one for one in stage.engine.requests if isinstance(one, requests.MarkRead)]
