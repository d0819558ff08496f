"""Encrypted mail on the mail screen: asked once, opened by itself, hidden again, told in the panel."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from services import key_events as ev
from services import requests
from services.key_models import KeysView, LockState, PeerStatus
from services.models import RowFlag
from services.safe_text import SafeText, ui
from services.seal_models import SealFacts, SealState, SignatureVerdict
from services.shown_mail import BodyLine, RenderedMessage
from tests.fakes.fake_engine import rendered
from tests.fakes.fake_keys import FakeKeys, own_key, peer, sample_keys
from tests.fakes.rows import NOON, make_row
from tests.tui.app_stage import Stage, press, rows_of, text_of, until
from widgets.glyphs import ASCII, UNICODE
from widgets.trust_panel import trust_lines

from tests.fakes.fake_engine import TrustFacts  # isort: skip

SMALL = (80, 24)
SEALED = RowFlag.ENCRYPTED | RowFlag.VERIFIED | RowFlag.UNREAD
ROWS = [make_row(number, flags=SEALED) for number in range(12)]
CLOSED = SealFacts(SealState.LOCKED, ui("The message is encrypted and your key is locked."))
OPEN = SealFacts(SealState.OPENED, verdict=SignatureVerdict.NONE)
LOCKED = replace(sample_keys(), lock=LockState.LOCKED, locks_at=0)


def message(number: int, seal: SealFacts, text: SafeText) -> RenderedMessage:
    return replace(rendered(ROWS[number]), body=(BodyLine(text),), seal=seal, encrypted=True)


def sealed_stage(view: KeysView = LOCKED, seal: SealFacts = CLOSED) -> Stage:
    shut = {f"m{at}": message(at, seal, ui("The text is closed.")) for at in range(12)}
    opened = {f"m{at}": message(at, OPEN, ui("The secret is out.")) for at in range(12)}
    return Stage(ROWS, keys=FakeKeys(view), messages=shut, unsealed=opened)


async def unlock(pilot: Pilot[int], stage: Stage) -> None:
    await until(pilot, lambda: "Unlock your key" in text_of(stage.app))
    stage.clock.now += 1
    await press(pilot, *"correct", "space", *"horse", "enter")
    await until(pilot, lambda: "The secret is out." in text_of(stage.app))


async def test_enter_on_a_locked_message_asks_and_then_opens_it_by_itself() -> None:
    stage = sealed_stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        await until(pilot, lambda: "Unlock your key" in text_of(stage.app))
        assert stage.asked(requests.MarkRead) == [], "nobody has read it yet"
        await unlock(pilot, stage)
        await until(pilot, lambda: stage.asked(requests.MarkRead))
        assert "▣ encrypted · not signed" in text_of(stage.app)
        assert "◇ unlocked" in rows_of(stage.app)[0]


async def test_the_passphrase_is_asked_once_per_session() -> None:
    stage = sealed_stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        await unlock(pilot, stage)
        await press(pilot, "q", "j", "enter")
        await until(pilot, lambda: "Subject number 1" in rows_of(stage.app)[1])
        await until(pilot, lambda: "The secret is out." in text_of(stage.app))
        assert len(stage.asked(ev.UnlockKeys)) == 1


async def test_passing_over_locked_mail_asks_for_nothing() -> None:
    stage = sealed_stage()
    async with stage.app.run_test(size=(140, 40)) as pilot:
        await press(pilot, "j", "j")
        await until(pilot, lambda: "encrypted, locked" in text_of(stage.app))
        assert "Unlock your key" not in text_of(stage.app)
        await press(pilot, "enter")
        await unlock(pilot, stage)


async def test_leaving_the_dialog_leaves_the_message_and_enter_asks_again() -> None:
    stage = sealed_stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        await until(pilot, lambda: "Unlock your key" in text_of(stage.app))
        await press(pilot, "escape")
        await until(pilot, lambda: "The text is closed." in text_of(stage.app))
        assert "Enter asks for the" in text_of(stage.app)
        assert "Enter unlock" in rows_of(stage.app)[-1]
        assert stage.asked(ev.UnlockKeys) == []
        await press(pilot, "J")
        await until(pilot, lambda: "Subject number 1" in rows_of(stage.app)[1])
        assert "Unlock your key" not in text_of(stage.app)
        await press(pilot, "enter")
        await unlock(pilot, stage)


async def test_locking_takes_decrypted_text_off_the_screen() -> None:
    stage = sealed_stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        await unlock(pilot, stage)
        await press(pilot, "g", "L")
        await until(pilot, lambda: "The text is closed." in text_of(stage.app))
        assert "The secret is out." not in text_of(stage.app)
        assert "◆ locked" in text_of(stage.app)
        assert "Unlock your key" not in text_of(stage.app)


async def test_unlocking_on_the_keys_screen_opens_the_message_that_waits() -> None:
    stage = sealed_stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        await until(pilot, lambda: "Unlock your key" in text_of(stage.app))
        await press(pilot, "escape", "g", "k", "u")
        stage.clock.now += 1
        await press(pilot, *"correct", "space", *"horse", "enter")
        await until(pilot, lambda: "unlocked, locks in" in text_of(stage.app))
        await press(pilot, "q")
        await until(pilot, lambda: "The secret is out." in text_of(stage.app))


async def test_messages_near_the_resting_cursor_are_opened_in_advance_while_unlocked() -> None:
    stage = sealed_stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        await unlock(pilot, stage)
        await press(pilot, "q", "j", "j", "j")
        await until(pilot, lambda: stage.asked(ev.ReadAhead))
        assert stage.asked(ev.ReadAhead)[-1] == ev.ReadAhead(
            ("m3", "m4", "m5", "m6", "m7", "m2", "m1")
        )


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (SealState.NOT_FOR_ME, "▢ encrypted, not to your key"),
        (SealState.DAMAGED, "▢ encrypted, damaged"),
        (SealState.UNSUPPORTED, "▢ encrypted, not supported"),
    ],
)
async def test_what_cannot_be_opened_says_so_and_keeps_its_mark_in_the_list(
    state: SealState, said: str
) -> None:
    facts = SealFacts(state, ui("Here is why."), ui("Here is what to do."))
    stage = sealed_stage(LOCKED, facts)
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        await until(pilot, lambda: said in text_of(stage.app))
        assert "Here is why. Here is what to do." in text_of(stage.app)
        assert "Unlock your key" not in text_of(stage.app)
        await press(pilot, "q")
        await until(pilot, lambda: "✓ ▢" in rows_of(stage.app)[1] or "✓▢" in rows_of(stage.app)[1])
        assert "▣" in rows_of(stage.app)[2]


async def test_the_sender_s_key_is_told_beside_the_seal_and_its_change_alarms() -> None:
    changed = peer("x", PeerStatus.CHANGED)
    changed = replace(changed, address="sender0@mail.example", shown=ui("sender0@mail.example"))
    stage = sealed_stage(replace(LOCKED, own=(own_key(),), peers=(changed,)))
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        await unlock(pilot, stage)
        assert "! KEY CHANGED" in text_of(stage.app)


def panel(seal: SealFacts, **more: object) -> str:
    trust = TrustFacts(True, False, True, seal=seal)
    lines = trust_lines(trust, 80, UNICODE, ui("H"), **more)  # type: ignore[arg-type]
    return "\n".join("".join(text for text, _role in line) for line in lines)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (SignatureVerdict.NONE, "not signed"),
        (SignatureVerdict.GOOD, "✓ signed by the sender's pinned key on 18 Nov 2026"),
        (SignatureVerdict.UNKNOWN, "! signed by a key you do not know"),
        (SignatureVerdict.BAD, "! BAD SIGNATURE"),
        (SignatureVerdict.UNUSABLE, "! the signature proves nothing"),
    ],
)
def test_each_verdict_stands_in_the_panel(verdict: SignatureVerdict, said: str) -> None:
    seal = SealFacts(SealState.OPENED, verdict=verdict, signed_at=NOON, outside=True)
    assert said in panel(seal)
    assert "! some of the text is NOT encrypted" in panel(seal)


def test_how_far_the_sender_s_key_is_known_stands_in_the_panel() -> None:
    assert "◦ key pinned since 12 Oct 2026" in panel(OPEN, peer=peer("a"))
    verified = peer("a", PeerStatus.VERIFIED, verified_how=ui("by voice"))
    assert "◦ key verified by voice" in panel(OPEN, peer=verified)
    signed = replace(OPEN, verdict=SignatureVerdict.GOOD)
    assert "✓ key verified by voice" in panel(signed, peer=verified)
    assert "key" not in panel(OPEN, peer=None).replace("by key", "")


def test_every_state_has_a_mark_in_ascii_as_well() -> None:
    for state in SealState:
        lines = trust_lines(
            TrustFacts(True, False, True, seal=SealFacts(state)), 80, ASCII, ui("H")
        )
        assert "".join(text for line in lines for text, _ in line).isascii()
