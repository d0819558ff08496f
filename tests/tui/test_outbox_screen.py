"""The Outbox, Sent and audit screens, and the bar of what can be taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services import outbound_events as ev
from services.audit_events import AuditListed, ListAudit
from services.outbound_models import OutboxState
from services.safe_text import ui
from tests.fakes.fake_decisions import AUDIT, OUTBOX, SENT, audit_row, outbox_row
from tests.fakes.rows import NOON
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.decision_stage import SMALL, DecisionStage
from tui.screens.mail import MailScreen
from tui.screens.outbox import OutboxScreen
from tui.screens.sent_mail import SentMailScreen


async def test_every_mail_of_the_outbox_tells_where_it_stands() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "o")
        await until(pilot, lambda: "Quarterly numbers" in text_of(stage.app))
        rows = rows_of(stage.app)
        assert rows[1].startswith("▌… ▣ research@agents")
        assert "leaves in 10 s" in rows[1]
        assert "uploading 12 %" in rows[2]
        assert rows[3].startswith(" ?   maria@shop.de")
        assert "MAY HAVE LEFT: u decides" in rows[3]
        assert "leaves Fri 20 Nov 12:00" in rows[4]
        assert "REFUSED: The service knows" in rows[5]


async def test_mail_that_waits_is_taken_back_and_nothing_else_is() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "o")
        await until(pilot, lambda: "Quarterly numbers" in text_of(stage.app))
        await press(pilot, "z")
        assert stage.asked(ev.CancelSend) == [ev.CancelSend(("e1",))]
        for refused in ("It is leaving right now.", "Only mail that has not left"):
            await press(pilot, "j", "z")
            assert refused in rows_of(stage.app)[0]
        await press(pilot, "G", "z", "x")
        assert len(stage.asked(ev.CancelSend)) == 1


async def test_mail_that_may_have_left_is_never_sent_again_without_the_question() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "o")
        await until(pilot, lambda: "Invoice 4821" in text_of(stage.app))
        await press(pilot, "j", "j", "enter", "enter")
        text = text_of(stage.app)
        assert "This mail may have left" in text
        assert "Ask the recipient before it is sent again" in text
        assert stage.asked(ev.SettleUncertain) == []
        await press(pilot, "escape", "r")
        assert stage.asked(ev.SettleUncertain) == []
        await press(pilot, "u")
        stage.wait()
        await press(pilot, "down", "enter")
        assert stage.asked(ev.SettleUncertain) == [ev.SettleUncertain("e3", resend=True)]


async def test_the_safe_answer_about_mail_that_may_have_left_comes_first() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "o")
        await until(pilot, lambda: "Invoice 4821" in text_of(stage.app))
        await press(pilot, "j", "j", "enter")
        stage.wait()
        await press(pilot, "enter")
        assert stage.asked(ev.SettleUncertain) == [ev.SettleUncertain("e3", resend=False)]


async def test_a_mail_that_moves_changes_its_own_row() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "o")
        await until(pilot, lambda: "uploading 12 %" in text_of(stage.app))
        asked = len(stage.asked(ev.ListOutbox))
        stage.engine.emit(ev.OutboxMoved(replace(OUTBOX[1], progress=ui("uploading 57 %"))))
        await until(pilot, lambda: "uploading 57 %" in rows_of(stage.app)[2])
        assert len(stage.asked(ev.ListOutbox)) == asked
        stage.desk.outbox = (OUTBOX[0], *OUTBOX[2:])
        stage.engine.emit(ev.OutboxMoved(replace(OUTBOX[1], state=OutboxState.SENT)))
        await until(pilot, lambda: "Video of the line" not in text_of(stage.app))


async def test_progress_of_the_outbox_does_not_read_the_sent_list_again() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "S")
        await until(pilot, lambda: "Contract wording" in text_of(stage.app))
        stage.engine.emit(ev.OutboxMoved(OUTBOX[1]))
        await press(pilot)
        assert stage.asked(ev.ListOutbox) == [ev.ListOutbox(sent=True)]
        stage.desk.sent = (replace(OUTBOX[1], state=OutboxState.SENT), *SENT)
        stage.engine.emit(ev.OutboxMoved(replace(OUTBOX[1], state=OutboxState.SENT)))
        await until(pilot, lambda: "Video of the line" in text_of(stage.app))


async def test_the_sent_list_has_copies_ids_and_the_text_as_it_left() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "S")
        await until(pilot, lambda: "Contract wording" in text_of(stage.app))
        assert "copy: sent" in rows_of(stage.app)[2]
        assert "id msg_7Qd2" in text_of(stage.app)
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(stage.app.screen, SentMailScreen))
        await until(pilot, lambda: "this is what left." in text_of(stage.app))
        assert rows_of(stage.app)[-1].startswith(" Space page  q back")
        assert stage.asked(ev.ReadSent) == [ev.ReadSent("s1")]
        stage.wait()
        await press(pilot, "y", "ctrl+x", "A", "X", "e")
        assert (
            "copy of mail that was handed over" in rows_of(stage.app)[0]
            or "decided" in rows_of(stage.app)[0]
        )
        assert stage.asked(ev.SendDraft) == []
        await press(pilot, "q")
        await until(pilot, lambda: isinstance(stage.app.screen, OutboxScreen))


async def test_tab_goes_from_the_outbox_to_what_was_sent_and_back() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "o")
        await until(pilot, lambda: "Quarterly numbers" in text_of(stage.app))
        await press(pilot, "tab")
        await until(pilot, lambda: "Contract wording" in text_of(stage.app))
        assert "Sent" in rows_of(stage.app)[0]
        await press(pilot, "tab")
        await until(pilot, lambda: "Quarterly numbers" in text_of(stage.app))
        assert "Outbox" in rows_of(stage.app)[0]


@pytest.mark.parametrize(("key", "words"), [("o", "Nothing waits to leave."), ("S", "Nothing was")])
async def test_empty_lists_name_the_next_key(key: str, words: str) -> None:
    stage = DecisionStage()
    stage.desk.outbox = stage.desk.sent = ()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", key)
        await until(pilot, lambda: words in text_of(stage.app))
        assert "Tab shows" in text_of(stage.app)
        await press(pilot, "enter", "z", "r", "u")
        await until(pilot, lambda: isinstance(stage.app.screen, OutboxScreen))


async def test_a_list_that_cannot_be_read_says_why() -> None:
    stage = DecisionStage()
    stage.desk.fails[ev.ListOutbox] = "The outbox is held by another program."
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "o")
        await until(pilot, lambda: "held by another program" in text_of(stage.app))


async def test_ten_thousand_sent_mails_are_walked_through() -> None:
    stage = DecisionStage()
    stage.desk.sent = tuple(
        outbox_row(f"s{n}", OutboxState.SENT, "a@b.example", f"Mail {n}") for n in range(10_000)
    )
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "S")
        await until(pilot, lambda: "Mail 0" in text_of(stage.app))
        await press(pilot, "G")
        assert "Mail 9999" in text_of(stage.app)


# ── the bar ──────────────────────────────────────────────────────────────────────────────────────


async def test_the_bar_counts_on_the_mail_screen_and_its_key_takes_the_mail_back() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot)
        stage.wait()
        await press(pilot, "y")
        await until(pilot, lambda: isinstance(stage.app.screen, MailScreen))
        assert "Leaves in 10 s   z takes it back" in rows_of(stage.app)[-2]
        await press(pilot, "z")
        assert stage.asked(ev.CancelSend) == [ev.CancelSend(("e1",), "")]
        assert "takes it back" not in text_of(stage.app)


@pytest.mark.parametrize("until_", [NOON + 300, NOON + 300 + 86_400], ids=["now", "tomorrow"])
async def test_what_has_left_or_leaves_another_day_has_no_bar(until_: int) -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: stage.mail.panes.messages.count)
        stage.engine.emit(ev.SendQueued(7, "d3", ("e1",), until_, ui("It is in the outbox.")))
        await until(pilot, lambda: "It is in the outbox." in text_of(stage.app))
        assert "takes it back" not in text_of(stage.app)


# ── the audit log ────────────────────────────────────────────────────────────────────────────────


async def test_the_log_tells_who_did_what_and_what_was_answered() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "A")
        await until(pilot, lambda: "the chain holds" in text_of(stage.app))
        text = text_of(stage.app)
        assert "5 lines" in text
        assert "operator      sent          maria@shop.de “Contract wording”" in text
        assert "digest 7e21c0fa88d1 · answer: 202 msg_7Qd2" in text
        await press(pilot, "j", "j")
        assert "reason: wrong amount" in text_of(stage.app)


async def test_a_changed_log_says_so_above_everything() -> None:
    stage = DecisionStage()
    stage.desk.trouble = ui("line 3 is not what was written.")
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "A")
        await until(pilot, lambda: "This log was changed" in text_of(stage.app))
        assert "line 3 is not what was written." in rows_of(stage.app)[1]
        assert "the chain holds" not in text_of(stage.app)


async def test_the_log_is_narrowed_as_it_is_typed_and_letters_are_no_commands() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "A")
        await until(pilot, lambda: "the chain holds" in text_of(stage.app))
        await press(pilot, "/", *"paused")
        await until(pilot, lambda: "1 listed" in text_of(stage.app))
        assert stage.asked(ListAudit)[-1] == ListAudit("paused")
        await press(pilot, "enter", "q")
        await until(pilot, lambda: "1 listed" not in text_of(stage.app))
        await press(pilot, "q")
        await until(pilot, lambda: isinstance(stage.app.screen, MailScreen))


async def test_an_old_answer_does_not_replace_a_newer_one() -> None:
    stage = DecisionStage()
    stage.desk.silent.add(ListAudit)
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "A", "/", "x", "y")
        await until(pilot, lambda: len(stage.asked(ListAudit)) == 3)
        number = len(stage.engine.requests)
        stage.engine.emit(AuditListed(number, (audit_row(9, "me", "newest"),), 5))
        stage.engine.emit(AuditListed(number - 1, AUDIT, 5))
        await until(pilot, lambda: "newest" in text_of(stage.app))
        await press(pilot)
        assert "approved" not in text_of(stage.app)


async def test_an_empty_log_says_what_will_stand_there() -> None:
    stage = DecisionStage()
    stage.desk.audit = ()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "A")
        await until(pilot, lambda: "Nothing was sent or decided yet" in text_of(stage.app))
        await press(pilot, "/", *"words")
        await until(pilot, lambda: "No line of the log holds “words”." in text_of(stage.app))
