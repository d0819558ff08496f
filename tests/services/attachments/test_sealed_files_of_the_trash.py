"""Encrypted files of a message that lies in the trash of AgentMail.to: saved as those of the mailbox are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from services.crypto import messages
from services.crypto.own import OwnKey
from services.key_events import KeysChanged, UnlockKeys
from services.keys.keychain import Keychain
from services.models import SyncPhase
from services.reading.render_process import RenderWorker
from services.redact import Secret
from services.shelf_events import ReadShelved, ShelvedRead
from services.shelves import Shelf
from services.shown_mail import INSIDE
from services.sync.pace import Pace
from services.transfer_events import FilesSaved, SaveAttachments, SavingNeedsKey
from tests.fakes.sealed_mail import pgp_mime
from tests.services.attachments.conftest import sealed
from tests.services.engine.engine_stage import Run
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control

PHRASE = Secret("open sesame")
SECRET = b"The canary's own words.\n"


@pytest.fixture
def run(v0: V0Control, org: Org, tmp_path: Path, keys: Callable[[], Keychain]) -> Iterator[Run]:
    one = Run(
        tmp_path / "mailbox",
        lambda: AgentMailToClient(v0.base_url, org.key, org.one),
        pace=Pace(),
        keychain=keys,
        renderer=RenderWorker,
    )
    one.phase(SyncPhase.SYNCED)
    yield one
    one.stop()


def trashed(v0: V0Control, org: Org, raw: bytes) -> str:
    return v0.receive(org.one, raw, labels=["received", "trash"])["message_id"]


@pytest.fixture
def beside(v0: V0Control, org: Org, own_key: OwnKey) -> str:
    """An encrypted text with an encrypted file beside it, in the trash."""
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "Ann <ann@x.example>", "Encrypted"
    mail.set_content(sealed(own_key, b"See the file.").decode())
    mail.add_attachment(
        sealed(own_key, SECRET), "application", "pgp-encrypted", filename="report.txt.asc"
    )
    return trashed(v0, org, mail.as_bytes())


@pytest.fixture
def within(v0: V0Control, org: Org, own_key: OwnKey) -> str:
    """A PGP/MIME mail with a file inside, in the trash."""
    inner = EmailMessage()
    inner.set_content("See the file.")
    inner.add_attachment(SECRET, "text", "plain", filename="report.txt")
    block = messages.encrypt(inner.as_bytes(), [own_key.public]).decode()
    return trashed(v0, org, pgp_mime(block))


def indices(run: Run, message_id: str) -> tuple[int, ...]:
    """The files as the screen lists them."""
    shown = run.answer(ReadShelved(Shelf.TRASH, message_id), ShelvedRead).message
    return tuple(file.index for file in shown.attachments)


def test_a_file_beside_the_text_lies_decrypted_in_the_folder(
    run: Run, beside: str, downloads: Path
) -> None:
    run.answer(UnlockKeys(PHRASE), KeysChanged)
    [index] = indices(run, beside)
    done = run.answer(SaveAttachments(beside, (index,), downloads), FilesSaved)
    assert [path.name for path in done.paths] == ["report.txt"]
    assert done.paths[0].read_bytes() == SECRET


def test_it_can_stay_encrypted(run: Run, beside: str, downloads: Path) -> None:
    [index] = indices(run, beside)
    done = run.answer(SaveAttachments(beside, (index,), downloads, opens=False), FilesSaved)
    assert [path.name for path in done.paths] == ["report.txt.asc"]
    assert b"BEGIN PGP MESSAGE" in done.paths[0].read_bytes()


def test_a_file_inside_of_the_encrypted_mail_is_saved_too(
    run: Run, within: str, downloads: Path
) -> None:
    run.answer(UnlockKeys(PHRASE), KeysChanged)
    assert INSIDE in indices(run, within)
    done = run.answer(SaveAttachments(within, (INSIDE,), downloads), FilesSaved)
    assert [path.name for path in done.paths] == ["report.txt"]
    assert done.paths[0].read_bytes() == SECRET


@pytest.mark.parametrize("kind", ["beside", "within"])
def test_a_locked_key_is_asked_for_first_and_nothing_lies_about(
    run: Run, kind: str, downloads: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    message_id: str = request.getfixturevalue(kind)
    index = 0 if kind == "beside" else INSIDE
    asked = run.answer(SaveAttachments(message_id, (index,), downloads), SavingNeedsKey)
    assert list(downloads.iterdir()) == []
    run.answer(UnlockKeys(PHRASE), KeysChanged)
    done = run.answer(asked.request, FilesSaved)
    run.stop()
    holding = [p for p in tmp_path.rglob("*") if p.is_file() and SECRET in p.read_bytes()]
    assert holding == list(done.paths)
