"""The gate against the real sandbox: what leaves is sealed, and what must not leave does not."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from services.attachments.transfer import Fetcher, Wanted
from services.crypto import messages
from services.crypto.armor import ArmorKind, find
from services.crypto.own import OwnKey
from services.errors import Conflict, ServiceError, SignedOut, UsageError
from services.outbound.gate.gate import Prepared, Step
from tests.conftest import SandboxControl
from tests.fakes.sending import REPORT, written
from tests.services.outbound.conftest import Party, Storage
from tests.services.outbound.gate_stage import (
    CANARY,
    change,
    draft,
    fetch,
    nothing_left,
    nothing_uploaded,
    read,
)

# ── there and back ───────────────────────────────────────────────────────────────────────────────


async def test_a_sealed_mail_with_a_file_is_read_decrypted_and_saved_by_the_other_agent(
    alice: Party, bob: Party, report: Path, tmp_path: Path, own_keys: tuple[OwnKey, ...],
    sandbox: SandboxControl, storage: Storage,
) -> None:  # fmt: skip
    await alice.publish(own_keys[0])
    told: list[Prepared] = []
    ready = await alice.prepare(draft(bob.address, report), told.append)
    receipt = await alice.gate.send(ready)
    assert receipt.idempotency_key == ready.idempotency_key
    assert receipt.correlation_id == "c-1"
    assert {step.step for step in told} == {Step.SEALING, Step.UPLOADING}
    assert told[-1].done > len(REPORT)

    message_id, mail = await read(bob)
    assert mail["X-AgentMail-Encrypted"] == "body"
    assert mail.get_content_type() == "text/plain"
    body = mail.get_content().encode()
    [span] = find(body)
    assert body.startswith(b"-----BEGIN PGP MESSAGE-----")
    opened = messages.decrypt(body[span.start : span.end], await bob.keychain.ready())
    assert opened.text == CANARY
    # The sender's own copy stays readable.
    assert messages.decrypt(body[span.start : span.end], [own_keys[0].unlock()]).text == CANARY

    [entry] = (await bob.client.get_message(message_id)).attachments
    assert (entry.file_name, entry.encrypted) == ("report.pdf.asc", True)
    assert entry.content_type == "application/pgp-encrypted"
    (tmp_path / "bobs").mkdir()

    async def keys() -> Any:
        return bob.keychain

    fetcher = Fetcher(bob.client.attachments, bob.folder / "arriving", keys)
    saved = await fetcher.save(Wanted(message_id, 0, tmp_path / "bobs"))
    assert saved.path.name == "report.pdf"
    assert saved.path.read_bytes() == REPORT
    assert saved.size == len(REPORT)

    [key] = storage.keys_of(alice.agent)
    assert key.endswith("-report.pdf.asc")
    assert CANARY not in sandbox.sent(alice.agent)[0]["raw_mime"]


async def test_what_was_uploaded_is_armor_and_nothing_of_the_plaintext(
    alice: Party, bob: Party, report: Path
) -> None:
    ready = await alice.prepare(draft(bob.address, report))
    [file] = ready.files
    link = await alice.client.attachments.request_attachment_download(file.object_key)
    stored = fetch(link.url)
    assert sha256(stored).hexdigest() == file.sha256
    assert len(stored) == file.size
    assert [span.kind for span in find(stored)] == [ArmorKind.MESSAGE]
    assert b"report.pdf" not in stored
    [copy] = alice.spool.glob("*/*")
    assert (copy.read_bytes(), copy.stat().st_mode & 0o777) == (stored, 0o600)


async def test_a_plain_draft_goes_in_clear_with_its_files(
    alice: Party, bob: Party, report: Path
) -> None:
    ready = await alice.prepare(draft(bob.address, report, sealed=False))
    assert ready.sealed_to is None
    await alice.gate.send(ready)
    message_id, mail = await read(bob)
    assert CANARY in mail.get_content()
    assert mail["X-AgentMail-Encrypted"] is None
    [entry] = (await bob.client.get_message(message_id)).attachments
    assert (entry.file_name, entry.content_type) == ("report.pdf", "application/pdf")
    assert not entry.encrypted
    assert ready.files[0].sha256 == sha256(REPORT).hexdigest()


async def test_the_file_that_was_sealed_is_the_one_that_is_sent_even_if_it_changes_later(
    alice: Party, bob: Party, report: Path
) -> None:
    ready = await alice.prepare(draft(bob.address, report, sealed=False))
    change(report)
    await alice.gate.send(ready)
    assert ready.files[0].size == len(REPORT)


# ── failing and trying again ─────────────────────────────────────────────────────────────────────


async def test_a_retry_sends_the_same_bytes_under_the_same_key_and_is_delivered_once(
    alice: Party, bob: Party, report: Path, sandbox: SandboxControl
) -> None:
    ready = await alice.prepare(draft(bob.address, report))
    sandbox.fault("drop_after", alice.agent, operation="send_mail")
    with pytest.raises(ServiceError) as lost:
        await alice.gate.send(ready)
    assert lost.value.uncertain
    digest = ready.digest
    # Other bytes under this key would be a 409 (`idempotency_key_conflict`).
    receipt = await alice.gate.send(ready)
    assert receipt.idempotency_key == ready.idempotency_key
    assert ready.digest == digest
    assert len(sandbox.sent(alice.agent)) == len(await bob.inbox()) == 1


async def test_a_draft_prepared_twice_is_never_delivered_twice(
    alice: Party, bob: Party, sandbox: SandboxControl
) -> None:
    mail = draft(bob.address)
    await alice.deliver(mail)
    again = await alice.prepare(mail)
    assert again.idempotency_key.startswith(mail.idempotency_key)
    with pytest.raises(Conflict):
        await alice.gate.send(again)
    assert len(await bob.inbox()) == 1


async def test_a_broken_upload_leaves_nothing_half_and_sends_nothing(
    alice: Party, bob: Party, report: Path, sandbox: SandboxControl, storage: Storage
) -> None:
    sandbox.fault("drop_before", operation="s3_upload", times=None)
    with pytest.raises(ServiceError) as broken:
        await alice.prepare(draft(bob.address, report))
    assert not broken.value.uncertain
    assert broken.value.next_step
    assert nothing_uploaded(sandbox, storage, alice)
    # What a retry uploads waits in the spool, sealed.
    [copy] = alice.spool.glob("*/*")
    assert [span.kind for span in find(copy.read_bytes())] == [ArmorKind.MESSAGE]


@pytest.mark.parametrize("step", [Step.SEALING, Step.UPLOADING])
async def test_a_killed_preparation_leaves_nothing_half(
    alice: Party, bob: Party, tmp_path: Path, sandbox: SandboxControl, storage: Storage, step: Step
) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(os.urandom(12_000_000))

    def tell(prepared: Prepared) -> None:
        if prepared.step is step and prepared.done and not task.cancelling():
            task.cancel()

    task = asyncio.ensure_future(alice.prepare(draft(bob.address, large), tell))
    with pytest.raises(asyncio.CancelledError):
        await task
    spooled = list(alice.spool.glob("*/*"))
    assert len(spooled) == (step is Step.UPLOADING)
    # The storage host takes its part away when it notices that nobody sends any more.
    while storage.unfinished():
        await alice.inbox()
    assert not sandbox.sent(alice.agent)
    # The last bytes may have been on the wire already: then it is there, all of it.
    whole = {copy.stat().st_size for copy in spooled}
    assert set(storage.sizes_of(alice.agent)) <= whole


async def test_an_expired_form_is_asked_for_again(
    alice: Party, bob: Party, report: Path, sandbox: SandboxControl
) -> None:
    sandbox.fault("status", operation="s3_upload", status=403)
    await alice.deliver(draft(bob.address, report))
    assert len(await bob.inbox()) == 1


async def test_a_refused_token_sends_nothing(alice: Party, bob: Party, report: Path) -> None:
    alice.client._door._bearer = None
    with pytest.raises(SignedOut):
        await alice.prepare(draft(bob.address, report))


# ── drafts ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "to",
    ["", "bob", "a@b.example, c@d.example", "a@b.example c@d", "@x", "a@"],
)
async def test_every_recipient_is_exactly_one_address(alice: Party, to: str) -> None:
    with pytest.raises(UsageError, match=r"exactly one address|Nobody is named"):
        await alice.prepare(draft(to))


@pytest.mark.parametrize("header", ["X-AgentMail-Encrypted", "bcc", "X-AgentMail-Attachments"])
async def test_a_draft_does_not_write_the_programs_own_headers(
    alice: Party, bob: Party, header: str
) -> None:
    mail = written(bob.address, "s", "t", sealed=False, headers=((header, "body"),))
    with pytest.raises(UsageError, match="written by the program"):
        await alice.prepare(mail)


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "device"])
async def test_what_is_no_plain_file_is_refused_before_anything_is_uploaded(
    alice: Party, bob: Party, report: Path, tmp_path: Path, sandbox: SandboxControl,
    storage: Storage, kind: str,
) -> None:  # fmt: skip
    place = tmp_path / "odd"
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place = Path("/dev/zero")
    with pytest.raises(UsageError):
        await alice.prepare(draft(bob.address, report, place))
    assert nothing_left(sandbox, storage, alice)


def test_every_draft_has_an_idempotency_key_of_its_own() -> None:
    assert draft("a@b.example").idempotency_key != draft("a@b.example").idempotency_key


async def test_the_digest_covers_everything_that_is_sent(alice: Party, bob: Party) -> None:
    ready = await alice.prepare(draft(bob.address, sealed=False))
    others = [
        replace(ready, to="x@y.example"),
        replace(ready, subject="x"),
        replace(ready, body="x"),
        replace(ready, headers=(("In-Reply-To", "<x>"),)),
        replace(ready, idempotency_key="x"),
        replace(ready, correlation_id="x"),
        replace(ready, marketplace_request_id="x"),
    ]
    assert len({mail.digest for mail in (ready, *others)}) == len(others) + 1
