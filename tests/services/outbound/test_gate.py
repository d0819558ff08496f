"""The gate against the real sandbox: what leaves is sealed, and what must not leave does not."""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.attachments.transfer import Fetcher, Wanted
from services.crypto import armor, messages
from services.crypto.armor import ArmorKind, find
from services.crypto.errors import KeyChanged, KeyMismatch, KeyUnusable, NoKey
from services.crypto.own import OwnKey
from services.draft import Draft
from services.errors import (
    Conflict,
    CryptoError,
    PolicyRefused,
    ServiceError,
    SignedOut,
    UsageError,
)
from services.outbound.gate.gate import Prepared, Step
from services.reading.mime import raw_bytes
from tests.conftest import SandboxControl
from tests.fakes.openpgp_keys import (
    CERTIFY,
    ENCRYPT,
    SIGN,
    Key,
    certify,
    primary_packet,
    revoke,
    rsa_key,
    user_id,
)
from tests.fakes.sending import released, written
from tests.services.outbound.conftest import Party, Storage

REPORT = b"%PDF-1.7 " + os.urandom(50_000)
CANARY = "the canary sings at noon"


def draft(to: str, *files: Path, sealed: bool = True, text: str = CANARY) -> Draft:
    return written(to, "Quarterly numbers", text, sealed=sealed, files=files, correlation_id="c-1")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.pdf"
    path.write_bytes(REPORT)
    return path


async def read(reader: Party) -> tuple[str, Any]:
    """The newest mail of a mailbox: its id and itself, parsed."""
    item = (await reader.inbox())[-1]
    fetched = await reader.client.get_message(item.message_id)
    raw = raw_bytes(fetched.raw_mime)
    return item.message_id, email.message_from_bytes(raw, policy=email.policy.default)


def fetch(url: str) -> bytes:
    return httpx.get(url, trust_env=False).content


def change(path: Path) -> None:
    path.write_bytes(b"another content")


def nothing_left(sandbox: SandboxControl, storage: Storage, sender: Party) -> bool:
    return nothing_uploaded(sandbox, storage, sender) and not list(sender.spool.glob("*/*"))


def nothing_uploaded(sandbox: SandboxControl, storage: Storage, sender: Party) -> bool:
    return not (sandbox.sent(sender.agent) or storage.keys_of(sender.agent))


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


# ── no way out in clear ──────────────────────────────────────────────────────────────────────────

Spoil = Callable[[Party, Party, tuple[OwnKey, ...]], Awaitable[None]]


async def _revoked(alice: Party, bob: Party, keys: tuple[OwnKey, ...]) -> None:
    await alice.keychain.peer_for(bob.address)
    await bob.client.directory.revoke_directory_key()


async def _never_published(alice: Party, bob: Party, keys: tuple[OwnKey, ...]) -> None:
    await bob.client.directory.revoke_directory_key()


async def _changed(alice: Party, bob: Party, keys: tuple[OwnKey, ...]) -> None:
    await alice.keychain.peer_for(bob.address)
    await _publish(bob, keys[2].spki_pem(), keys[2].public_block())


async def _mismatched(alice: Party, bob: Party, keys: tuple[OwnKey, ...]) -> None:
    await _publish(bob, keys[1].spki_pem(), keys[2].public_block())


async def _expired(alice: Party, bob: Party, keys: tuple[OwnKey, ...]) -> None:
    await _publish_made(bob, rsa_key(), key_expires=60)


async def _revoked_block(alice: Party, bob: Party, keys: tuple[OwnKey, ...]) -> None:
    await alice.keychain.peer_for(bob.address)
    made = rsa_key()
    await _publish_made(bob, made, revoke(made))


async def _weak(alice: Party, bob: Party, keys: tuple[OwnKey, ...]) -> None:
    await _publish_made(bob, rsa_key(1024))


async def _publish_made(party: Party, key: Key, revocation: bytes = b"", **terms: Any) -> None:
    flags = CERTIFY | SIGN | ENCRYPT
    block = (
        primary_packet(key) + revocation + user_id("b") + certify(key, "b", flags=flags, **terms)
    )
    pem = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    await _publish(party, pem.decode(), armor.encode(block, ArmorKind.PUBLIC_KEY).decode())


async def _publish(party: Party, pem: str, block: str) -> None:
    await party.client.directory.register_directory_key(
        public_key=pem, openpgp_public_key=block, key_version=2
    )


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (_revoked, NoKey),
        (_never_published, NoKey),
        (_changed, KeyChanged),
        (_mismatched, KeyMismatch),
        (_expired, KeyUnusable),
        (_revoked_block, KeyUnusable),
        (_weak, CryptoError),
    ],
)
async def test_encryption_that_is_impossible_is_refused_and_nothing_is_uploaded(
    alice: Party, bob: Party, report: Path, own_keys: tuple[OwnKey, ...],
    sandbox: SandboxControl, storage: Storage, spoil: Spoil, error: type[CryptoError],
) -> None:  # fmt: skip
    await spoil(alice, bob, own_keys)
    with pytest.raises(error) as refused:
        await alice.prepare(draft(bob.address, report))
    assert refused.value.sentence
    assert refused.value.next_step
    assert nothing_left(sandbox, storage, alice)
    assert await bob.inbox() == []


async def test_without_the_directory_nothing_is_sealed_to_a_key_known_from_before(
    alice: Party, bob: Party, report: Path, sandbox: SandboxControl, storage: Storage
) -> None:
    await alice.keychain.peer_for(bob.address)
    sandbox.fault("drop_before", operation="lookup_public_agent", times=None)
    with pytest.raises(ServiceError):
        await alice.prepare(draft(bob.address, report))
    assert nothing_left(sandbox, storage, alice)


@pytest.mark.parametrize("spoil", [_revoked, _changed])
async def test_a_key_that_goes_while_the_files_are_uploaded_stops_the_mail(
    alice: Party, bob: Party, report: Path, own_keys: tuple[OwnKey, ...],
    sandbox: SandboxControl, spoil: Spoil,
) -> None:  # fmt: skip
    ready = await alice.prepare(draft(bob.address, report))
    await spoil(alice, bob, own_keys)
    with pytest.raises(CryptoError):
        await alice.gate.send(ready)
    assert sandbox.sent(alice.agent) == []


async def test_an_accepted_change_does_not_send_what_was_sealed_to_the_old_key(
    alice: Party, bob: Party, own_keys: tuple[OwnKey, ...], sandbox: SandboxControl
) -> None:
    ready = await alice.prepare(draft(bob.address))
    await _changed(alice, bob, own_keys)
    with pytest.raises(KeyChanged):
        await alice.gate.send(ready)
    alice.keychain.book.accept(bob.address, own_keys[2].fingerprint)
    with pytest.raises(KeyUnusable, match="another key"):
        await alice.gate.send(ready)
    assert sandbox.sent(alice.agent) == []
    await alice.deliver(draft(bob.address))


@pytest.mark.parametrize("rule", ["address", "domain"])
async def test_mail_to_somebody_who_requires_encryption_never_leaves_in_clear(
    alice: Party, bob: Party, report: Path, sandbox: SandboxControl, storage: Storage, rule: str
) -> None:
    planned = await released(alice.gate, draft(bob.address, report, sealed=False))
    before = await alice.prepare(draft(bob.address, sealed=False))
    subject = bob.address if rule == "address" else bob.address.partition("@")[2]
    alice.keychain.book.require(subject, is_required=True)
    with pytest.raises(PolicyRefused, match="must be encrypted"):
        await alice.gate.seal(planned, alice.spool / "planned")
    with pytest.raises(PolicyRefused, match="must be encrypted"):
        await alice.gate.send(before)
    assert nothing_left(sandbox, storage, alice)
    # A plain draft is encrypted from now on, which the review shows.
    plan = await alice.gate.plan(draft(bob.address.upper(), sealed=False))
    assert (plan.encrypted, plan.why_encrypted) == (True, "your rule for a recipient demands it")
    await alice.deliver(draft(bob.address, sealed=False))
    assert CANARY not in (await read(bob))[1].get_content()


async def test_a_mail_marked_as_sealed_that_is_not_is_stopped_at_the_door(
    alice: Party, bob: Party, report: Path, sandbox: SandboxControl
) -> None:
    ready = await alice.prepare(draft(bob.address, report))
    spoilt = [
        replace(ready, body=CANARY),
        replace(ready, body=ready.body + CANARY),
        replace(ready, headers=()),
        replace(ready, files=(replace(ready.files[0], encrypted=False),)),
        replace(ready, files=(replace(ready.files[0], content_type="application/pdf"),)),
    ]
    for mail in spoilt:
        with pytest.raises(CryptoError, match="not encrypted"):
            await alice.gate.send(mail)
    assert sandbox.sent(alice.agent) == []


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
    reached = asyncio.Event()

    def tell(prepared: Prepared) -> None:
        if prepared.step is step and prepared.done:
            reached.set()

    task = asyncio.ensure_future(alice.prepare(draft(bob.address, large), tell))
    await reached.wait()
    task.cancel()
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
