"""Following a conversation by key: what is asked, what the list says, and the way back."""

from __future__ import annotations

from services import events, requests
from services.safe_text import ui
from tests.tui.app_stage import Stage, press, rows_of, text_of

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
        await pilot.pause()
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
        await pilot.pause()
        await press(pilot)
        assert stage.mail.panes.messages.count == before


async def test_where_there_is_no_conversation_a_sentence_says_so() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "O")
        sentence = ui("The mail service does not say which messages belong to this one.")
        stage.engine.emit(events.RequestFailed(len(stage.engine.requests), sentence))
        await pilot.pause()
        await press(pilot)
        assert "does not say which messages" in text_of(stage.app)
        assert stage.mail.panes.messages.count == 8
