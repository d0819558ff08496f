"""Encryption asked for and impossible: refused on every path, the draft kept, nothing uploaded."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from services.config import Account, save_account
from services.crypto.own import OwnKey
from services.draft import Draft, DraftKind, DraftState, Encryption
from services.errors import CryptoError, MailError, ServiceError
from services.keys.peer_book import BOOK_FILE
from services.outbound.drafts.draft_store import Drafts
from services.outbound.gate.reviewing import review
from services.outbound.log.store import OutboundStore
from services.outbound.office import Office
from services.outbound_models import CheckLevel, OutboxState
from services.paths import Paths, private_folder
from tests.conftest import SandboxControl
from tests.services.outbound import spoiled_keys as spoils
from tests.services.outbound.conftest import DOMAIN, Party, Storage
from tests.services.outbound.office_stage import Stage, mail, queue

ROOT = Path(__file__).resolve().parents[3]
TEXT = "the canary sings at noon"
AGENT = "lead-gen"


async def _lookup_fails(alice: Party, bob: Party, keys: tuple[OwnKey, ...]) -> None:
    """Faults are ordered in the scene, which has the sandbox."""


IMPOSSIBLE = {
    "no key": (spoils.never_published, CryptoError),
    "revoked": (spoils.revoked, CryptoError),
    "changed pin": (spoils.changed, CryptoError),
    "contradiction": (spoils.mismatched, CryptoError),
    "expired": (spoils.expired, CryptoError),
    "lookup fails": (_lookup_fails, ServiceError),
}


@dataclass
class Scene:
    """Alice's office, Bob's key, and what makes encryption impossible."""

    office: Office
    alice: Party
    bob: Party
    keys: tuple[OwnKey, ...]
    sandbox: SandboxControl
    storage: Storage
    report: Path

    async def spoil(self, how: str) -> None:
        await IMPOSSIBLE[how][0](self.alice, self.bob, self.keys)
        if how == "lookup fails":
            self.sandbox.fault("status", operation="lookup_public_agent", status=503, times=None)

    def draft(self, **fields: object) -> Draft:
        files = (self.report,)
        return mail(self.bob.address, sealed=True, files=files, body=TEXT, **fields)

    def nothing_left(self) -> bool:
        """Nothing was uploaded or sent, and no plaintext lies in the spool."""
        spool = (self.alice.folder / "account" / "outbound" / "spool").rglob("*")
        kept = b"".join(path.read_bytes() for path in spool if path.is_file())
        uploaded = self.storage.keys_of(self.alice.agent)
        return not (self.sandbox.sent(self.alice.agent) or uploaded or b"%PDF" in kept)

    def same(self, kept: Draft) -> bool:
        now = self.office.drafts.get(kept.draft_id)
        told = ("to", "subject", "body", "files", "encryption", "revision")
        return all(getattr(now, name) == getattr(kept, name) for name in told)


@pytest.fixture
async def scene(
    alice: Party, bob: Party, own_keys: tuple[OwnKey, ...], tmp_path: Path,
    sandbox: SandboxControl, storage: Storage,
) -> AsyncIterator[Scene]:  # fmt: skip
    # Her own key, so that drafts and outbox are sealed; it has no passphrase.
    alice.keychain.own_keys.keep(own_keys[0])
    report = tmp_path / "report.pdf"
    report.write_bytes(b"%PDF-1.7 numbers")
    stage = Stage(alice)
    yield Scene(await stage.open(), alice, bob, own_keys, sandbox, storage, report)
    await stage.close()


Path_ = Callable[[Scene], Awaitable[Draft]]


async def _composed(scene: Scene) -> Draft:
    return scene.office.drafts.save(scene.draft())


async def _reply(scene: Scene) -> Draft:
    answer = scene.draft(
        kind=DraftKind.REPLY, answers="m1", answers_encrypted=True, in_reply_to="<m1@x.example>"
    )
    return scene.office.drafts.save(answer)


async def _reply_all(scene: Scene) -> Draft:
    answer = scene.draft(kind=DraftKind.REPLY_ALL, answers="m1", cc=("ann@agents.example.com",))
    return scene.office.drafts.save(answer)


async def _forward(scene: Scene) -> Draft:
    return scene.office.drafts.save(scene.draft(kind=DraftKind.FORWARD, answers="m1"))


async def _approval(scene: Scene) -> Draft:
    return scene.office.proposals.propose(scene.draft(reason="They asked."), AGENT)


PATHS: dict[str, Path_] = {
    "compose": _composed,
    "reply": _reply,
    "reply all": _reply_all,
    "forward": _forward,
    "approval": _approval,
}


@pytest.mark.parametrize("how", IMPOSSIBLE)
@pytest.mark.parametrize("path", PATHS)
async def test_it_is_refused_before_the_outbox_and_the_draft_is_kept(
    scene: Scene, path: str, how: str
) -> None:
    kept = await PATHS[path](scene)
    await scene.spoil(how)
    plan = await scene.office.show(kept.draft_id)
    seen = review(plan)
    assert seen.refusal
    assert seen.checks[0].level is CheckLevel.REFUSED
    assert plan.encrypted
    assert plan.mails == ()
    with pytest.raises(IMPOSSIBLE[how][1]):
        await scene.office.send(kept.draft_id, plan.digest)
    assert scene.same(kept)
    assert scene.office.drafts.head(kept.draft_id).state in (DraftState.EDITING, DraftState.WAITING)
    assert scene.office.outbox.of_draft(kept.draft_id) == ()
    assert scene.nothing_left()


@pytest.mark.parametrize("how", IMPOSSIBLE)
async def test_what_becomes_impossible_in_the_outbox_comes_back_or_waits(
    scene: Scene, how: str
) -> None:
    [entry] = await queue(scene.office, scene.draft(), undo=False)
    await scene.spoil(how)
    [after] = await scene.office.sending.push([entry.entry_id], 30)
    assert scene.nothing_left()
    if how == "lookup fails":
        # Another time the directory may answer; until then nothing leaves.
        assert after.state is OutboxState.PENDING
        return
    assert after.state is OutboxState.REFUSED
    assert after.reason
    head = scene.office.drafts.head(entry.draft_id)
    assert head.state is DraftState.EDITING
    assert head.reason.startswith("refused")
    assert scene.office.drafts.get(entry.draft_id).body == TEXT


@pytest.mark.parametrize("how", ["revoked", "changed pin", "contradiction", "expired"])
async def test_what_becomes_impossible_after_the_upload_is_not_sent(scene: Scene, how: str) -> None:
    gate = await scene.office.gate()
    plan = await gate.plan(scene.office.drafts.save(scene.draft()))
    [planned] = plan.released(by_person=True)
    ready = await gate.upload(await gate.seal(planned, scene.alice.spool / "1"))
    await scene.spoil(how)
    for repeat in (False, True):
        with pytest.raises(MailError):
            await gate.send(ready, repeat=repeat)
    assert scene.sandbox.sent(scene.alice.agent) == []


async def test_one_of_two_without_a_key_keeps_the_mail_from_both(scene: Scene) -> None:
    draft = replace(scene.draft(), cc=(scene.alice.address.replace("@", "x@"),))
    plan = await scene.office.show(scene.office.drafts.save(draft).draft_id)
    assert [mail.to for mail in plan.mails] == []
    assert "directory" in plan.refusals[0].sentence


async def test_an_oversight_address_without_a_key_keeps_the_encrypted_mail_back(
    scene: Scene,
) -> None:
    policy = replace(scene.office.account.policy, oversight="eve@people.example", internal=())
    gate = scene.alice.gate_with(policy)
    plan = await gate.plan(scene.draft())
    assert plan.recipients[-1].address == "eve@people.example"
    assert any(one.sentence.startswith("eve@people.example") for one in plan.refusals)


# ── from the command line ────────────────────────────────────────────────────────────────────────


async def _verb(scene: Scene, *words: str) -> tuple[int, dict[str, Any]]:
    """Run a verb as a program of its own on Alice's account, with the pins that she has."""
    paths = Paths.from_environment()
    url = scene.sandbox.base_url
    save_account(paths, Account("work", "assmbl", url, DOMAIN, scene.alice.address))
    folder = private_folder(paths.account_dir("work"))
    shutil.copy(scene.alice.folder / "account" / BOOK_FILE, folder)
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", *words, "--json", cwd=ROOT,
        env={**os.environ, "AGENTMAIL_TOKEN": scene.alice.agent.token},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
    out, _ = await running.communicate()
    return running.returncode or 0, json.loads(out)


@pytest.mark.parametrize("how", ["no key", "revoked", "changed pin", "lookup fails"])
async def test_the_command_line_keeps_the_draft_and_says_with_its_exit_code_why(
    scene: Scene, how: str
) -> None:
    await scene.alice.keychain.peer_for(scene.bob.address)
    await scene.spoil(how)
    code, told = await _verb(
        scene, "send", "--to", scene.bob.address, "--subject", "s", "--body", TEXT,
        "--encrypt", "--attach", str(scene.report),
    )  # fmt: skip
    assert code == (6 if how == "lookup fails" else 8)
    assert (told["sent"], told["saved"]) == (False, True)
    assert told["reason"]
    assert scene.nothing_left()
    store = OutboundStore.open(Paths.from_environment().account_dir("work"))
    draft = Drafts(store).get(told["id"])
    store.close()
    assert (draft.body.strip(), draft.encryption) == (TEXT, Encryption.REQUIRED)
