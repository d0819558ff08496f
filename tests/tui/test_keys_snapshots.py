"""The Keys screen, its dialogs and encrypted mail as plain rows at three sizes (see test_snapshots)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.key_models import DirectoryStatus, DirectoryView, KeysView, LockState
from services.safe_text import ui
from services.seal_models import SealFacts, SealState
from tests.fakes.fake_keys import NO_KEYS, FakeKeys, fingerprint, sample_keys
from tests.fakes.rows import NOON
from tests.tui.app_stage import Stage, press, rows_of, text_of, until
from tests.tui.test_sealed_mail_screen import sealed_stage
from tests.tui.test_snapshots import SIZES, compare

LOCKED = replace(sample_keys(), lock=LockState.LOCKED, locks_at=0)
FOREIGN = replace(
    sample_keys(),
    directory=DirectoryView(
        DirectoryStatus.FOREIGN, 3, fingerprint("theirs"), NOON,
        ui("The directory has a key that is none of yours."),
    ),
)  # fmt: skip
SCREENS: dict[str, tuple[KeysView, tuple[str, ...]]] = {
    "keys": (sample_keys(), ()),
    "keys-empty": (NO_KEYS, ()),
    "keys-foreign": (FOREIGN, ("j", "j")),
    "keys-compare": (sample_keys(), ("enter",)),
    "keys-change": (sample_keys(), ("j", "j", "enter")),
    "keys-generate": (NO_KEYS, ("g", *"monkey")),
    "keys-import": (NO_KEYS, ("i",)),
    "keys-passphrase": (LOCKED, ("u", *"abc", "enter")),
    "keys-revoke": (sample_keys(), ("R",)),
    "keys-export": (sample_keys(), ("x",)),
    "keys-conflict": (FOREIGN, ("p", "y")),
    "keys-words": (sample_keys(), ("w",)),
    "keys-calendar": (sample_keys(), ("c",)),
    "keys-help": (sample_keys(), ("?",)),
}
# A dialog looks the same on a large screen; on a small one the tall ones are what may not fit.
SMALL_ONES = ("keys", "keys-empty", "keys-foreign", "keys-compare", "keys-change", "keys-generate",
              "keys-passphrase", "keys-conflict")  # fmt: skip
LARGE_ONES = ("keys", "keys-empty", "keys-foreign", "keys-change")
SHOWN = {(60, 20): SMALL_ONES, (80, 24): tuple(SCREENS), (140, 40): LARGE_ONES}
IDS = ["60x20", "80x24", "140x40"]


@pytest.mark.parametrize("size", SIZES, ids=IDS)
async def test_every_screen_about_keys_looks_as_agreed(size: tuple[int, int]) -> None:
    for name in SHOWN[size]:
        view, typed = SCREENS[name]
        keys = FakeKeys(view)
        keys.found = DirectoryView(DirectoryStatus.FOREIGN, 4, fingerprint("others"), NOON)
        stage = Stage(keys=keys)
        async with stage.app.run_test(size=size) as pilot:
            await press(pilot, "g", "k")
            await until(pilot, lambda app=stage.app: "Directory" in text_of(app))
            for key in typed:
                await press(pilot, key)
                stage.clock.now += 1
            await press(pilot)
            compare(name, size, rows_of(stage.app))


@pytest.mark.parametrize("size", SIZES, ids=IDS)
async def test_encrypted_mail_looks_as_agreed(size: tuple[int, int]) -> None:
    not_mine = SealFacts(
        SealState.NOT_FOR_ME,
        ui("The message is not encrypted to your key."),
        ui("It may be meant for a former key: import it to read the message."),
        own_keys=(fingerprint("mine").groups,),
    )
    for name, stage in {
        "sealed-locked": sealed_stage(LOCKED),
        "sealed-open": sealed_stage(sample_keys()),
        "sealed-not-mine": sealed_stage(LOCKED, not_mine),
    }.items():
        async with stage.app.run_test(size=size) as pilot:
            await press(pilot, "enter")
            await until(pilot, lambda app=stage.app: "Subject number 0" in text_of(app))
            if name == "sealed-locked":
                await until(pilot, lambda app=stage.app: "Unlock your key" in text_of(app))
                await press(pilot, "escape")
            await until(pilot, lambda stage=stage: "locked" in rows_of(stage.app)[0])
            await press(pilot)
            compare(name, size, rows_of(stage.app))
