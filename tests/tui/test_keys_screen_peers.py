"""The keys of peers on the Keys screen: compared, accepted, required, looked up, trusted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from services import key_events as ev
from services.safe_text import clean_line
from tests.fakes.fake_keys import FakeKeys, fingerprint, sample_keys
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.keys_screen_stage import SMALL, show, stage_with, type_slowly


async def test_a_peer_is_verified_after_a_comparison_with_how_it_was_done() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "j", "enter")
        text = text_of(stage.app)
        view = fingerprint("billing")
        assert all(group in text for group in view.groups.split())
        assert all(word in text for word in view.words.split())
        await press(pilot, "enter")
        assert stage.asked(ev.VerifyPeer) == [], "the safe answer has the focus"
        await type_slowly(pilot, stage, "enter", "down", "down", "enter")
        await until(pilot, lambda: "verified in person" in text_of(stage.app))
        assert stage.asked(ev.VerifyPeer) == [
            ev.VerifyPeer("billing@agents.example.com", view.raw, "in person")
        ]


async def test_a_comparison_in_another_way_is_told_in_words() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "j", "enter", "up", "enter")
        await until(pilot, lambda: "How were they compared?" in text_of(stage.app))
        await type_slowly(pilot, stage, *"paper", "enter")
        assert stage.asked(ev.VerifyPeer)[0].how == "paper"


async def test_a_changed_key_is_shown_beside_the_old_one_and_not_accepted_by_default() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "j", "j", "enter")
        rows = rows_of(stage.app)
        old = next(at for at, row in enumerate(rows) if "old  0AB4" in row)
        new = fingerprint("csv-worker 2").groups
        assert new[:4] in rows[old + 1]
        assert "^^^^" in rows[old + 2]
        await type_slowly(pilot, stage, "enter", "enter", "y", "y", "enter", "n")
        assert stage.asked(ev.AcceptPeerKey) == []
        await type_slowly(pilot, stage, "enter", "A")
        await until(pilot, lambda: "How was the new key of" in text_of(stage.app))
        await type_slowly(pilot, stage, "enter")
        assert stage.asked(ev.AcceptPeerKey) == [
            ev.AcceptPeerKey("csv-worker@agents.example.com", fingerprint("csv-worker 2").raw, "")
        ]


async def test_a_name_alone_is_looked_up_in_the_own_domain_and_gets_the_cursor() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "a", *"Zoe", "enter")
        assert stage.asked(ev.LookUpPeer) == [ev.LookUpPeer("zoe@agents.example.com")]
        await until(
            pilot, lambda: any(row.startswith("▌◦   zoe@agents") for row in rows_of(stage.app))
        )


async def test_requirements_are_set_for_a_peer_and_for_a_domain() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "j", "e", "E", "k", "e")
        assert stage.asked(ev.RequireEncryption) == [
            ev.RequireEncryption("billing@agents.example.com", required=True),
            ev.RequireEncryption("agents.example.com", required=True),
            ev.RequireEncryption("research@agents.example.com", required=False),
        ]


async def test_pins_and_trusted_senders_are_edited_from_the_screen() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "X", "enter", "I", "enter", "T", "enter", *"30", "enter")
        assert len(stage.asked(ev.ExportPeers)) == len(stage.asked(ev.ImportPeers)) == 1
        assert stage.asked(ev.TrustSender) == [
            ev.TrustSender("research", enabled=True, rate_limit_per_minute=30)
        ]
        await type_slowly(pilot, stage, "I", "ctrl+u", *"/k.asc", "enter", "enter")
        await type_slowly(pilot, stage, "I", "ctrl+u", *"/k.asc", "enter", *"a@b.example", "enter")
        key = Path("/k.asc")
        assert stage.asked(ev.ImportPeers)[1:] == [
            ev.ImportPeers(key), ev.ImportPeers(key, "a@b.example"),
        ]  # fmt: skip
        await type_slowly(pilot, stage, "G", "d", "y")
        assert stage.asked(ev.DistrustSender) == [ev.DistrustSender("research")]


async def test_the_cursor_stays_on_its_peer_and_passes_headings() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, *("j",) * 5)
        assert any(row.startswith("▌") and "bank.example" in row for row in rows_of(stage.app))
        await press(pilot, "k", "k", "k")
        keys = stage.engine.keys
        assert keys is not None
        keys.view = replace(keys.view, peers=keys.view.peers[1:])
        stage.engine.emit(ev.KeysChanged(0, keys.view))
        await until(pilot, lambda: "Peers 4" in text_of(stage.app))
        assert any(row.startswith("▌!   csv-worker") for row in rows_of(stage.app))


async def test_hostile_user_ids_and_addresses_stay_literal() -> None:
    text = clean_line("[b]x[/] \x1b]0;t\x07 \u202e [@click=app.quit]y[/]")
    view = sample_keys()
    own = tuple(replace(key, user_id=text, warnings=(text,)) for key in view.own)
    peers = tuple(replace(one, shown=text, why=text) for one in view.peers)
    stage = stage_with(FakeKeys(replace(view, own=own, peers=peers)))
    seen = []
    async with stage.app.run_test(size=(110, 34)) as pilot:
        await show(pilot, stage)
        for keys in (("enter",), ("escape", "j", "j", "enter"), ("escape", "d"), ("escape", "w"),
                     ("escape", "G", "enter"), ("escape",)):  # fmt: skip
            await type_slowly(pilot, stage, *keys)
            seen.append(text_of(stage.app))
        assert stage.app._exception is None
        assert stage.app.return_value is None
    assert all("[@click=app.quit]y[/]" in screen for screen in seen)
    assert not any(ord(char) < 32 and char != "\n" for screen in seen for char in screen)


async def test_the_palette_finds_the_screen_and_the_mouse_works_on_it() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "ctrl+p", *"keys and", "enter")
        await until(pilot, lambda: "KEY CHANGED: blocked" in text_of(stage.app))
        row = next(at for at, line in enumerate(rows_of(stage.app)) if "csv-worker" in line)
        await pilot.click(offset=(10, row))
        assert any(line.startswith("▌!   csv-worker") for line in rows_of(stage.app))
        await pilot.click(offset=(10, row))
        await until(pilot, lambda: "HAS ANOTHER KEY" in text_of(stage.app))
        stage.clock.now += 1
        await pilot.click("#no")
        await until(pilot, lambda: "HAS ANOTHER KEY" not in text_of(stage.app))
        assert stage.asked(ev.AcceptPeerKey) == []


async def test_a_step_paints_two_bars_and_the_note_and_nothing_else() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage)
        before = rows_of(stage.app)
        await press(pilot, "j")
        after = rows_of(stage.app)
        changed = [at for at, (one, other) in enumerate(zip(before, after, strict=True))
                   if one != other]  # fmt: skip
        listed = [at for at in changed if at < 20]
        assert [
            (before[at][1:], after[at][1:]) for at in listed if before[at][1:] != after[at][1:]
        ] == []
        assert all(at >= 20 for at in changed if at not in listed[:2])
