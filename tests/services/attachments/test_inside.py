"""Files inside of PGP/MIME: listed, saved by themselves, and nowhere else on the disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from services.api.assmbl import AssmblClient
from services.crypto import messages
from services.crypto.own import OwnKey
from services.events import MessageOpened, RequestFailed
from services.key_events import KeysChanged, UnlockKeys
from services.keys.keychain import Keychain
from services.models import SyncPhase
from services.reading.render_process import RenderWorker
from services.redact import Secret
from services.requests import OpenMessage
from services.sandbox.records import Agent
from services.shown_mail import INSIDE
from services.sync.pace import Pace
from services.transfer_events import FilesSaved, SaveAttachments, SavingNeedsKey
from tests.conftest import SandboxControl
from tests.fakes.sealed_mail import pgp_mime
from tests.services.engine.engine_stage import Run

CANARY = b"canary-" + os.urandom(16).hex().encode()
PICTURE = bytes(range(256)) * 500 + CANARY


@pytest.fixture
def run(
    sandbox: SandboxControl, agent: Agent, tmp_path: Path, keys: Callable[[], Keychain]
) -> Iterator[Run]:
    one = Run(
        tmp_path / "mailbox",
        lambda: AssmblClient(sandbox.base_url, agent.token, "agents.example.com"),
        pace=Pace(),
        keychain=keys,
        renderer=RenderWorker,
    )
    one.phase(SyncPhase.SYNCED)
    yield one
    one.stop()


@pytest.fixture
def message_id(sandbox: SandboxControl, agent: Agent, own_key: OwnKey) -> str:
    """A PGP/MIME mail with two files inside, one of them under a hostile name."""
    inner = EmailMessage()
    inner.set_content("See the files.")
    inner.add_attachment(PICTURE, "image", "png", filename="plan.png")
    inner.add_attachment("été".encode(), "application", "octet-stream", filename="../../.profile")
    sealed = messages.encrypt(inner.as_bytes(), [own_key.public]).decode()
    return sandbox.add_mail(agent, pgp_mime(sealed))


def inside(*numbers: int) -> tuple[int, ...]:
    return tuple(INSIDE + number for number in numbers)


def test_they_are_listed_once_the_message_is_open_and_saved_by_their_own_bytes(
    run: Run, message_id: str, downloads: Path
) -> None:
    run.answer(UnlockKeys(Secret("open sesame")), KeysChanged)
    shown = run.answer(OpenMessage(message_id), MessageOpened).message
    listed = [(file.index, str(file.file_name), file.size) for file in shown.attachments]
    assert listed[:2] == [(INSIDE, "plan.png", len(PICTURE)), (INSIDE + 1, "../../.profile", 5)]
    done = run.answer(SaveAttachments(message_id, inside(0, 1), downloads), FilesSaved)
    assert [path.name for path in done.paths] == ["plan.png", "profile"]
    assert (downloads / "plan.png").read_bytes() == PICTURE
    assert (downloads / "profile").read_text() == "été"
    assert {stat.S_IMODE(path.stat().st_mode) for path in downloads.iterdir()} == {0o600}
    assert done.failed == ()


def test_a_locked_key_is_asked_for_and_nothing_lies_about(
    run: Run, message_id: str, downloads: Path, tmp_path: Path
) -> None:
    asked = run.answer(SaveAttachments(message_id, inside(0), downloads), SavingNeedsKey)
    assert list(downloads.iterdir()) == []
    run.answer(UnlockKeys(Secret("open sesame")), KeysChanged)
    done = run.answer(asked.request, FilesSaved)
    run.stop()
    holding = [p for p in tmp_path.rglob("*") if p.is_file() and CANARY in p.read_bytes()]
    assert holding == list(done.paths)


@pytest.mark.parametrize("number", [2, 400_000])
def test_a_file_that_is_not_there_is_told(
    run: Run, message_id: str, downloads: Path, number: int
) -> None:
    run.answer(UnlockKeys(Secret("open sesame")), KeysChanged)
    failed = run.answer(SaveAttachments(message_id, inside(number), downloads), RequestFailed)
    assert "holds no such file" in failed.sentence


def test_it_cannot_stay_encrypted_by_itself(run: Run, message_id: str, downloads: Path) -> None:
    request = SaveAttachments(message_id, inside(0), downloads, opens=False)
    assert "without decrypting it" in run.answer(request, RequestFailed).sentence


def test_what_does_not_open_says_why(
    run: Run, sandbox: SandboxControl, agent: Agent, downloads: Path
) -> None:
    stranger = OwnKey.generate("C", "c@agents.example.com", None, bits=2048)
    sealed = messages.encrypt(b"Content-Type: text/plain\n\nx", [stranger.public]).decode()
    message_id = sandbox.add_mail(agent, pgp_mime(sealed))
    run.answer(UnlockKeys(Secret("open sesame")), KeysChanged)
    failed = run.answer(SaveAttachments(message_id, inside(0), downloads), RequestFailed)
    assert failed.sentence
    assert list(downloads.iterdir()) == []
