"""What a killed program left in the editor's folder: taken into its draft, and then taken away."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.crypto.own import OwnKey
from services.draft import Draft, DraftState, Encryption
from services.keys.keychain import Keychain
from services.outbound.drafts.draft_store import Drafts
from services.outbound.drafts.outside_texts import (
    PREFIX,
    LeftTexts,
    OutsideText,
    Whose,
    memory_folder,
    usual_folders,
)
from services.outbound.log.sealed_documents import KeychainSealer
from services.outbound.log.store import OutboundStore
from services.redact import Secret
from tests.fakes.openpgp_keys import person
from tests.fakes.operators import own_key

PHRASE = Secret("grüße an alle 7")


@pytest.fixture(scope="module")
def key() -> OwnKey:
    return own_key(person("Ada <ada@agents.example.com>"), "grüße an alle 7")


class Room:
    """The drafts of an account, and a place where editors' files lie."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "memory"
        self.place.mkdir()
        self.chain = Keychain(
            key_folder=folder / "keys",
            account_folder=folder / "account",
            address="ada@agents.example.com",
        )
        self.store = OutboundStore.open(folder / "account")
        self.drafts = Drafts(self.store, KeychainSealer(self.chain))
        self.left = LeftTexts(self.drafts, lambda: (self.place, folder / "not there"))

    def write(self, body: str = "old", **fields: object) -> Draft:
        draft = replace(Draft.begin(), to=("bob@agents.example.com",), body=body, **fields)  # type: ignore[arg-type]
        return self.drafts.save(draft)

    def leave(
        self, draft: Draft, saved: str | None, *told: str, is_sealed: bool = False
    ) -> OutsideText:
        """Hand a draft's text to an editor that saves others, of which some were told, and die."""
        laid = OutsideText.lay(draft.body, self.place, Whose(draft.draft_id, is_sealed))
        for text in told:
            laid.note(text)
        if saved is not None:
            laid.file.write_text(saved)
        os.close(laid.lock)
        return laid

    def bodies(self) -> list[str]:
        rows = self.drafts.rows()
        return sorted(self.drafts.get(row.draft_id).body for row in rows)

    def folders(self) -> list[str]:
        return sorted(path.name for path in self.place.iterdir())


@pytest.fixture
def room(disk: Path) -> Iterator[Room]:
    made = Room(disk)
    yield made
    made.chain.close()
    made.store.close()


@pytest.mark.parametrize("saved", [None, "old", "old\n", "", " \n"])
def test_a_text_that_the_draft_has_already_is_only_taken_away(
    room: Room, saved: str | None
) -> None:
    draft = room.write()
    room.leave(draft, saved)
    room.left.take_in()
    assert (room.bodies(), room.folders()) == (["old"], [])
    assert room.drafts.get(draft.draft_id).revision == draft.revision


def test_a_text_that_was_not_told_any_more_is_in_the_draft(room: Room) -> None:
    draft = room.write(subject="Numbers")
    room.leave(draft, "new, grüße")
    room.left.take_in()
    kept = room.drafts.get(draft.draft_id)
    assert (kept.body, kept.subject, room.folders()) == ("new, grüße", "Numbers", [])


@pytest.mark.parametrize("reached", ["old", "first", "second"])
def test_a_text_of_which_an_earlier_state_was_told_takes_its_place(
    room: Room, reached: str
) -> None:
    """What was told may not have reached the disk."""
    draft = room.write()
    room.drafts.save(replace(draft, body=reached))
    room.leave(draft, "second", "first", "second")
    room.left.take_in()
    assert (room.bodies(), room.folders()) == (["second"], [])


def test_a_text_that_was_told_and_written_on_is_not_taken_in_again(room: Room) -> None:
    draft = room.write()
    room.leave(draft, "new", "new")
    told = room.drafts.save(replace(draft, body="new"))
    room.drafts.save(replace(told, body="newer still"))
    room.left.take_in()
    assert (room.bodies(), room.folders()) == (["newer still"], [])


def test_a_text_that_the_draft_has_gone_past_becomes_a_draft_of_its_own(room: Room) -> None:
    draft = room.write(subject="Numbers")
    room.leave(draft, "from an editor that lived on")
    room.drafts.save(replace(draft, body="written meanwhile"))
    room.left.take_in()
    assert room.bodies() == ["from an editor that lived on", "written meanwhile"]
    assert {row.subject for row in room.drafts.rows()} == {"Numbers"}
    assert room.folders() == []


@pytest.mark.parametrize("state", [DraftState.WAITING, DraftState.QUEUED])
def test_nothing_that_waits_for_a_decision_or_leaves_is_changed(
    room: Room, state: DraftState
) -> None:
    draft = room.write()
    room.drafts.put_state(draft.draft_id, state)
    room.leave(draft, "new")
    room.left.take_in()
    assert room.drafts.get(draft.draft_id).body == "old"
    assert (room.bodies(), room.folders()) == (["new"], [])


@pytest.mark.parametrize("told", [(), ("new",)], ids=["not told", "told"])
def test_a_text_of_a_draft_that_has_left_is_kept_when_it_was_not_told(
    room: Room, told: tuple[str, ...]
) -> None:
    draft = room.write()
    room.drafts.put_state(draft.draft_id, DraftState.QUEUED)
    room.drafts.settle(draft.draft_id)
    room.leave(draft, "new", *told, is_sealed=True)
    room.left.take_in()
    kept = [room.drafts.get(row.draft_id) for row in room.drafts.rows()]
    found = [(one.body, one.encryption) for one in kept]
    assert found == ([] if told else [("new", Encryption.REQUIRED)])
    assert room.folders() == []


async def test_an_encrypted_draft_waits_until_its_key_is_unlocked(room: Room, key: OwnKey) -> None:
    room.chain.own_keys.keep(key)
    draft = room.write(encryption=Encryption.REQUIRED)
    assert room.drafts.head(draft.draft_id).is_sealed
    room.leave(draft, "new", is_sealed=True)
    room.left.take_in()
    assert (room.left.waits, len(room.folders())) == (True, 1)
    await room.chain.unlock(PHRASE)
    room.left.take_in()
    assert (room.left.waits, room.bodies(), room.folders()) == (False, ["new"], [])


def test_a_text_whose_draft_is_another_accounts_is_left_to_that(room: Room) -> None:
    room.leave(Draft.begin(), "somebody's")
    room.left.take_in()
    assert (room.bodies(), len(room.folders())) == ([], 1)


def test_a_program_or_an_editor_that_lives_keeps_its_file(room: Room) -> None:
    draft = room.write()
    laid = OutsideText.lay("old", room.place, Whose(draft.draft_id))
    laid.file.write_text("new")
    room.left.take_in()
    assert (room.bodies(), laid.file.read_text()) == (["old"], "new")
    reads = [sys.executable, "-c", "input()"]
    with subprocess.Popen(reads, stdin=subprocess.PIPE, pass_fds=(laid.lock,)) as editor:
        os.close(laid.lock)
        room.left.take_in()
        assert room.bodies() == ["old"]
        editor.communicate(b"\n")
    room.left.take_in()
    assert (room.bodies(), room.folders()) == (["new"], [])


def linked(laid: OutsideText, elsewhere: Path) -> None:
    """Somebody else's link where the folder was."""
    laid.file.parent.rename(elsewhere)
    laid.file.parent.symlink_to(elsewhere)


def loose(laid: OutsideText, _: Path) -> None:
    laid.file.parent.chmod(0o770)


def foreign(laid: OutsideText, _: Path) -> None:
    os.chown(laid.file.parent, 12_345, -1)


def leading_out(laid: OutsideText, elsewhere: Path) -> None:
    elsewhere.write_text("another file")
    laid.file.unlink()
    laid.file.symlink_to(elsewhere)


def without_a_note(laid: OutsideText, _: Path) -> None:
    laid.file.with_name("about.json").unlink()


def with_a_wild_note(laid: OutsideText, _: Path) -> None:
    laid.file.with_name("about.json").write_bytes(b'{"draft_id": 7}')


@pytest.mark.parametrize(
    "spoilt", [linked, loose, foreign, leading_out, without_a_note, with_a_wild_note]
)
def test_what_is_not_surely_ours_is_neither_read_nor_removed(
    room: Room, spoilt: Callable[[OutsideText, Path], None]
) -> None:
    if spoilt is foreign and os.geteuid():
        pytest.skip("only root gives files away")
    laid = room.leave(room.write(), "new")
    elsewhere = room.place.parent / "elsewhere"
    spoilt(laid, elsewhere)
    room.left.take_in()
    assert room.bodies() == ["old"]
    assert len(room.folders()) == 1
    assert elsewhere.exists() == (spoilt in (linked, leading_out))


def test_a_pipe_in_the_place_of_a_text_holds_nothing_up(room: Room) -> None:
    laid = room.leave(room.write(), None)
    laid.file.unlink()
    os.mkfifo(laid.file)
    room.left.take_in()
    assert (room.bodies(), room.folders()) == (["old"], [])


def test_it_is_looked_for_wherever_it_may_have_been_laid(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert memory_folder(environ) in usual_folders(environ)
    assert memory_folder({}) is None or memory_folder({}) in usual_folders({})
    with_none = OutsideText.lay("text", None)
    assert with_none.file.parent.parent in usual_folders({})
    assert with_none.file.parent.name.startswith(PREFIX)
    with_none.remove()
    assert not with_none.file.parent.exists()
