"""Saving files as the screens ask for it: requests to the real engine, events in return."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from services import events
from services.api.assmbl import AssmblClient
from services.crypto.own import OwnKey
from services.key_events import KeysChanged, UnlockKeys
from services.keys.keychain import Keychain
from services.models import SyncPhase
from services.redact import Secret
from services.safe_text import ui
from services.sandbox.records import Agent
from services.sync.pace import Pace
from services.transfer_events import (
    CancelTransfers,
    FileMoved,
    FilesSaved,
    ForgetTransfers,
    ListTransfers,
    OpenSavedFile,
    RetryTransfers,
    SaveAttachments,
    SavingNeedsKey,
    TransferMoved,
    TransfersListed,
)
from services.transfer_models import TransferRow, TransferState
from tests.conftest import Deliver, SandboxControl
from tests.fakes.fake_provider import FakeProvider
from tests.services.attachments.conftest import sealed
from tests.services.engine.engine_stage import Run

SEALED_TYPE = "application/pgp-encrypted"
ONE = ("one.txt", b"first", "text/plain")
TWO = ("two.txt", b"second" * 20_000, "text/plain")
HELD_UP = {"seconds": 600.0, "size": 1_000}
"""A first piece, and no second one as long as a test lasts."""


@pytest.fixture
def run(
    sandbox: SandboxControl, agent: Agent, tmp_path: Path, keys: Callable[[], Keychain]
) -> Iterator[Run]:
    one = Run(
        tmp_path / "mailbox",
        lambda: AssmblClient(sandbox.base_url, agent.token, "agents.example.com"),
        pace=Pace(),
        keychain=keys,
    )
    one.phase(SyncPhase.SYNCED)
    yield one
    one.stop()


def test_several_files_are_saved_and_told_with_their_paths(
    run: Run, deliver: Deliver, downloads: Path
) -> None:
    message_id = deliver(ONE, TWO)
    done = run.answer(SaveAttachments(message_id, (0, 1), downloads), FilesSaved)
    assert done.paths == (downloads / "one.txt", downloads / "two.txt")
    assert done.sentence.startswith("Saved 2 files in ")
    assert done.sentence.endswith(f"{str(downloads)[-40:]}.")
    assert (downloads / "two.txt").read_bytes() == TWO[1]
    moved = [(e.index, e.state) for e in run.told if isinstance(e, FileMoved)]
    assert (0, "") in moved
    assert (1, "99 %") in moved
    assert moved[-1] == (1, "")


def test_one_file_that_fails_does_not_take_the_others_with_it(
    run: Run, deliver: Deliver, downloads: Path
) -> None:
    message_id = deliver(ONE, TWO)
    done = run.answer(SaveAttachments(message_id, (0, 7, 1), downloads), FilesSaved)
    assert [path.name for path in done.paths] == ["one.txt", "two.txt"]
    assert "1 could not be saved" in done.sentence
    assert len(done.failed) == 1


def test_a_request_of_which_nothing_works_fails_with_its_reason(
    run: Run, deliver: Deliver, tmp_path: Path
) -> None:
    request = SaveAttachments(deliver(ONE), (0,), tmp_path / "nowhere")
    failed = run.answer(request, events.RequestFailed)
    assert failed.sentence == "There is no such folder."
    assert failed.next_step


def test_a_locked_key_is_asked_for_while_the_other_files_are_saved(
    run: Run, deliver: Deliver, downloads: Path, own_key: OwnKey
) -> None:
    message_id = deliver(ONE, ("note.txt.asc", sealed(own_key, b"secret"), SEALED_TYPE), TWO)
    asked = run.answer(SaveAttachments(message_id, (0, 1, 2), downloads), SavingNeedsKey)
    assert (asked.request.message_id, asked.request.indexes) == (message_id, (1,))
    assert {path.name for path in downloads.iterdir()} == {"one.txt", "two.txt"}
    [first] = [event for event in run.told if isinstance(event, FilesSaved)]
    assert [path.name for path in first.paths] == ["one.txt", "two.txt"]
    run.answer(UnlockKeys(Secret("open sesame")), KeysChanged)
    done = run.answer(asked.request, FilesSaved)
    assert done.sentence.startswith("Decrypted and saved as ")
    assert done.sentence.endswith("/Files/note.txt.")
    assert (downloads / "note.txt").read_bytes() == b"secret"


def test_a_file_that_is_not_as_encrypted_as_it_says_is_told(
    run: Run, deliver: Deliver, downloads: Path
) -> None:
    message_id = deliver(("note.txt.asc", b"in clear", SEALED_TYPE))
    run.answer(UnlockKeys(Secret("open sesame")), KeysChanged)
    done = run.answer(SaveAttachments(message_id, (0,), downloads), FilesSaved)
    assert "It was marked as encrypted and is not." in done.sentence


def test_saving_can_be_given_up(
    run: Run, deliver: Deliver, downloads: Path, sandbox: SandboxControl, tmp_path: Path
) -> None:
    sandbox.fault("slow_drip", operation="s3_download", **HELD_UP)
    request_id = run.engine.request(SaveAttachments(deliver(TWO), (0,), downloads))
    run.wait(FileMoved, lambda event: event.state)
    run.engine.request(CancelTransfers())
    done = run.wait(FilesSaved)
    assert (done.request_id, done.paths) == (request_id, ())
    assert done.sentence == "Saving was cancelled."
    assert list(downloads.iterdir()) == []
    assert list((tmp_path / "mailbox" / "arriving").iterdir()) == []


def rows(run: Run) -> dict[str, TransferRow]:
    return {row.name: row for row in run.answer(ListTransfers(), TransfersListed).rows}


def moved(run: Run, name: str, state: TransferState) -> TransferRow:
    """Wait until a file is there."""
    found = run.wait(
        TransferMoved, lambda event: (event.row.name, event.row.state) == (name, state)
    )
    return found.row


def three(message_id: str, downloads: Path) -> SaveAttachments:
    return SaveAttachments(
        message_id, (0, 1, 2), downloads, names=(ui("one"), ui("two"), ui("three")), about=ui("m")
    )


def test_one_of_several_is_given_up_and_the_others_come(
    run: Run, deliver: Deliver, downloads: Path, sandbox: SandboxControl
) -> None:
    sandbox.fault("slow_drip", operation="s3_download", **HELD_UP)
    request = three(deliver(TWO, ONE, ("three.txt", b"third", "text/plain")), downloads)
    request_id = run.engine.request(request)
    row = moved(run, "one", TransferState.FETCHING)
    assert (row.about, row.can_cancel) == ("m", True)
    assert [one.state for one in rows(run).values()][1:] == [TransferState.QUEUED] * 2
    run.engine.request(
        CancelTransfers(transfer_ids=(row.transfer_id, rows(run)["three"].transfer_id))
    )
    done = run.wait(FilesSaved, lambda event: event.request_id == request_id)
    assert [path.name for path in done.paths] == ["one.txt"]
    listed = rows(run)
    assert listed["one"].state is listed["three"].state is TransferState.CANCELLED
    assert listed["two"].state is TransferState.DONE
    assert listed["two"].path == downloads / "one.txt"


def test_a_broken_file_is_tried_again_from_where_it_broke_off_and_its_hash_is_told(
    run: Run, deliver: Deliver, downloads: Path, sandbox: SandboxControl
) -> None:
    message_id = deliver(TWO)
    sandbox.fault("truncated", operation="s3_download", size=10_000)
    sandbox.fault("status", operation="s3_download", status=403, skip=1, times=None)
    failed = run.answer(SaveAttachments(message_id, (0,), downloads), events.RequestFailed)
    row = rows(run)["Attachment 1"]
    assert (row.state, row.can_retry) == (TransferState.FAILED, True)
    assert failed.sentence in row.sentence
    sandbox.reset()
    run.engine.request(RetryTransfers((row.transfer_id,)))
    done = moved(run, "Attachment 1", TransferState.DONE)
    assert done.transfer_id == row.transfer_id
    assert done.path == downloads / "two.txt"
    digest = sha256(TWO[1]).hexdigest()
    run.wait(TransferMoved, lambda event: event.row.sha256 == digest)
    assert (downloads / "two.txt").read_bytes() == TWO[1]
    [asked] = [one for one in sandbox.requests() if one["operation"] == "s3_download"]
    assert "range" in {name.lower() for name in asked["headers"]}
    assert asked["status"] == 206
    refused = run.answer(RetryTransfers((row.transfer_id,)), events.RequestFailed)
    assert "nothing here that could be tried again" in refused.sentence
    assert run.answer(ForgetTransfers(), TransfersListed).rows == ()
    assert (downloads / "two.txt").exists()


def test_a_file_that_is_locked_keeps_its_row_until_it_lies_there(
    run: Run, deliver: Deliver, downloads: Path, own_key: OwnKey
) -> None:
    message_id = deliver(("note.txt.asc", sealed(own_key, b"secret"), SEALED_TYPE))
    asked = run.answer(
        SaveAttachments(message_id, (0,), downloads, names=(ui("n"),)), SavingNeedsKey
    )
    assert rows(run)["n"].state is TransferState.LOCKED
    run.answer(UnlockKeys(Secret("open sesame")), KeysChanged)
    run.answer(asked.request, FilesSaved)
    [row] = run.answer(ListTransfers(), TransfersListed).rows
    assert (row.state, row.path) == (TransferState.DONE, downloads / "note.txt")


def test_what_is_not_on_the_list_is_not_opened(run: Run) -> None:
    failed = run.answer(OpenSavedFile("down/1/0"), events.RequestFailed)
    assert failed.sentence == "This file is not on the list any more."


def test_stopping_the_program_leaves_no_half_file(
    run: Run, deliver: Deliver, downloads: Path, sandbox: SandboxControl
) -> None:
    sandbox.fault("slow_drip", operation="s3_download", **HELD_UP)
    run.engine.request(SaveAttachments(deliver(TWO), (0,), downloads))
    run.wait(FileMoved, lambda event: event.state)
    run.stop()
    assert list(downloads.iterdir()) == []


def test_a_service_without_files_says_so(tmp_path: Path, downloads: Path) -> None:
    one = Run(tmp_path / "other", FakeProvider)
    one.phase(SyncPhase.SYNCED)
    failed = one.answer(SaveAttachments("m", (0,), downloads), events.RequestFailed)
    assert failed.sentence == "This mail service does not hand out files."
    one.stop()
