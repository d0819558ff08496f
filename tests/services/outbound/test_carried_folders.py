"""Where carried files lie: what is swept, what is held by a program that runs, what is chosen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.draft import Draft, DraftFile, FileOrigin
from services.errors import UsageError
from services.outbound.carrying_over import CarryingOver
from services.outbound.drafts.carried_folders import CarriedFolders, not_here
from services.outbound.drafts.draft_store import KEPT_SECONDS
from services.outbound.writing.enclosures import CARRIED_LIMIT, enclosures_of
from services.safe_text import ui
from services.shown_mail import INSIDE, AttachmentView, HeaderLine
from services.wire_values import InboundAttachment
from tests.services.outbound.answering_stage import original
from tests.services.outbound.office_stage import AT_ONCE, Clock, Stage

ROOT = Path(__file__).resolve().parents[3]
CHILD = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from services.outbound.drafts.carried_folders import CarriedFolders
folders = CarriedFolders(Path({outbound!r}))
folders.hold("d1")
place = folders.place("d1", 0, "a.txt")
place.parent.mkdir()
place.write_bytes(b"half")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def outbound(tmp_path: Path) -> Path:
    folder = tmp_path / "account" / "outbound"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def writing(outbound: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another program that has begun a draft and not saved it."""
    code = CHILD.format(root=str(ROOT), outbound=str(outbound))
    with subprocess.Popen(
        [sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        yield child
        child.kill()


def nobody() -> set[str]:
    return set()


def test_what_a_program_that_runs_has_begun_is_left_alone_and_swept_once_it_was_killed(
    outbound: Path, writing: subprocess.Popen[bytes]
) -> None:
    folders = CarriedFolders(outbound)
    file = folders.place("d1", 0, "a.txt")
    folders.sweep(nobody)
    assert file.exists()
    writing.kill()
    writing.wait()
    folders.sweep(lambda: {"d1"})
    assert file.exists()
    folders.sweep(nobody)
    assert list(file.parents[2].iterdir()) == []


def test_a_folder_that_was_swept_away_is_made_and_held_again(outbound: Path) -> None:
    folders = CarriedFolders(outbound)
    folders.hold("d1")
    CarriedFolders(outbound).remove("d1")
    folders.hold("d1")
    CarriedFolders(outbound).sweep(nobody)
    assert folders.of("d1").exists()
    folders.close()
    CarriedFolders(outbound).sweep(nobody)
    assert not folders.of("d1").exists()


def test_a_link_among_the_folders_is_removed_and_not_followed(
    outbound: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "dear.txt").write_text("x")
    (outbound / "carried").mkdir()
    (outbound / "carried" / "d1").symlink_to(mine)
    CarriedFolders(outbound).sweep(nobody)
    assert not (outbound / "carried" / "d1").is_symlink()
    assert (mine / "dear.txt").exists()


@pytest.mark.parametrize("draft_id", ["", "..", "a/b", "/etc", "a\0", "a\n"], ids=ascii)
def test_what_is_no_id_of_a_draft_names_no_folder(outbound: Path, draft_id: str) -> None:
    with pytest.raises(UsageError):
        CarriedFolders(outbound).of(draft_id)


def test_only_a_carried_file_that_is_missing_is_waited_for(tmp_path: Path) -> None:
    origin = FileOrigin("m1", 0)
    assert not_here(DraftFile(tmp_path / "own.txt", "own.txt")) is None
    error = not_here(DraftFile(tmp_path / "a.txt", "a\u202e.txt", origin=origin))
    assert error is not None
    assert error.sentence == "a_.txt of the original message has not been fetched yet."
    (tmp_path / "a.txt").write_text("x")
    assert not_here(DraftFile(tmp_path / "a.txt", "a.txt", origin=origin)) is None


# ── an office ────────────────────────────────────────────────────────────────────────────────────


async def test_an_office_sweeps_what_belongs_to_no_draft_and_keeps_what_does(alice: Any) -> None:
    stage = Stage(alice, AT_ONCE)
    office = await stage.open()
    draft = replace(Draft.begin(), subject="s")
    office.drafts.save(draft)
    for draft_id in (draft.draft_id, "gone"):
        office.carried.hold(draft_id)
    await stage.close()
    again = await Stage(alice, AT_ONCE).open()
    assert again.carried.of(draft.draft_id).exists()
    assert not again.carried.of("gone").exists()
    await again.close()


async def test_what_was_discarded_for_good_takes_its_files_along(alice: Any) -> None:
    stage = Stage(alice, AT_ONCE, clock=Clock())
    office = await stage.open()
    drafts = [replace(Draft.begin(), subject=subject) for subject in ("one", "two")]
    for draft in drafts:
        office.drafts.save(draft)
        office.carried.hold(draft.draft_id)
    office.drafts.discard(drafts[0].draft_id)
    assert office.carried.of(drafts[0].draft_id).exists()
    stage.clock.now += KEPT_SECONDS + 1
    office.drafts.discard(drafts[1].draft_id)
    assert not office.carried.of(drafts[0].draft_id).exists()
    assert office.carried.of(drafts[1].draft_id).exists()
    await stage.close()


async def test_a_copy_of_a_draft_gets_a_place_of_its_own_for_its_files(
    alice: Any, outbound: Path
) -> None:
    stage = Stage(alice, AT_ONCE)
    office = await stage.open()
    carrying = CarryingOver(office.carried, office.lender, lambda _: None)
    place = office.carried.place("other", 3, "a.txt")
    copy = replace(
        Draft.begin(),
        files=(
            DraftFile(place, "a.txt", origin=FileOrigin("m1", 3)),
            DraftFile(outbound / "own.txt", "own.txt"),
        ),
    )
    homed = carrying.homed(copy)
    assert homed.files[0].path == office.carried.place(copy.draft_id, 3, "a.txt")
    assert homed.files[1] == copy.files[1]
    assert carrying.homed(homed) == homed
    await stage.close()


async def test_without_a_connection_a_file_is_told_as_not_fetched(alice: Any) -> None:
    stage = Stage(alice, AT_ONCE)
    office = await stage.open()
    office.lender.client = None  # type: ignore[attr-defined]
    told: list[Any] = []
    carrying = CarryingOver(office.carried, office.lender, told.append)
    file = DraftFile(office.carried.place("d1", 0, "a.txt"), "a.txt", origin=FileOrigin("m1", 0))
    carrying.carry("d1", (file,))
    (failed,) = await carrying.wait("d1")
    assert (failed.state.value, failed.sentence) == ("failed", "There is no connection.")
    carrying.carry("d1", ())
    await carrying.wait("d1")
    assert not office.carried.of("d1").exists()
    await carrying.close()
    await stage.close()


# ── which files ──────────────────────────────────────────────────────────────────────────────────


def view(index: int, name: str, *, encrypted: bool = False) -> AttachmentView:
    return AttachmentView(index, ui(name), ui("text/plain"), 3, encrypted=encrypted)


def chosen(outbound: Path, *views: AttachmentView, **fields: Any) -> Any:
    mail = original()
    headers = fields.pop("headers", ())
    message = replace(mail.message, attachments=views, headers=headers)
    return enclosures_of(replace(mail, message=message, **fields), "d1", CarriedFolders(outbound))


def test_files_from_inside_of_an_encrypted_text_are_named_and_do_not_go_along(
    outbound: Path,
) -> None:
    found = chosen(outbound, view(INSIDE, "plan.png", encrypted=True), view(0, "a.txt"))
    assert [file.name for file in found.files] == ["a.txt"]
    assert "(plan.png): save them with S" in found.remark


def test_what_the_service_hands_out_is_asked_of_it_and_all_else_is_cut_out_of_the_mail(
    outbound: Path,
) -> None:
    views = (view(0, "a.txt"), view(1, "b.txt"))
    served = (InboundAttachment(0, "a.txt"), InboundAttachment(1, "b.txt"))
    handed_out = chosen(outbound, *views, served=served)
    assert [file.origin.is_part for file in handed_out.files] == [False, False]
    cut_out = chosen(outbound, *views)
    assert [file.origin.is_part for file in cut_out.files] == [True, True]


def test_files_that_only_a_header_speaks_of_are_said_to_be_left_out(outbound: Path) -> None:
    header = HeaderLine(ui("X-AgentMail-Attachments"), ui("[]"))
    found = chosen(outbound, view(0, "a.txt"), headers=(header,))
    assert found.files == ()
    assert found.remark.startswith("These files are not attached (a.txt)")


def test_a_hundred_files_go_along_and_the_rest_is_told(outbound: Path) -> None:
    views = tuple(view(index, f"{index}.txt") for index in range(CARRIED_LIMIT + 7))
    found = chosen(outbound, *views)
    assert len(found.files) == CARRIED_LIMIT
    assert "(100.txt, 101.txt, 102.txt, 103.txt, 104.txt and 2 more)" in found.remark


def test_equal_and_hostile_names_lie_apart_under_their_numbers(outbound: Path) -> None:
    found = chosen(outbound, view(0, "a/../x"), view(1, "x"), view(2, "x"))
    root = CarriedFolders(outbound).of("d1")
    assert [file.path for file in found.files] == [root / str(n) / "x" for n in range(3)]
