"""Where encryption is asked for and cannot be, nothing is uploaded and nothing leaves in clear."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from services.crypto.errors import KeyChanged, KeyMismatch, KeyUnusable, NoKey
from services.crypto.own import OwnKey
from services.errors import CryptoError, PolicyRefused, ServiceError
from tests.conftest import SandboxControl
from tests.fakes.sending import released
from tests.services.outbound import spoiled_keys as spoils
from tests.services.outbound.conftest import Party, Storage
from tests.services.outbound.gate_stage import CANARY, draft, nothing_left, read
from tests.services.outbound.spoiled_keys import Spoil


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (spoils.revoked, NoKey),
        (spoils.never_published, NoKey),
        (spoils.changed, KeyChanged),
        (spoils.mismatched, KeyMismatch),
        (spoils.expired, KeyUnusable),
        (spoils.revoked_block, KeyUnusable),
        (spoils.weak, CryptoError),
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


@pytest.mark.parametrize("spoil", [spoils.revoked, spoils.changed])
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
    await spoils.changed(alice, bob, own_keys)
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
    copied = await alice.gate.seal(planned, alice.folder / "copied")
    before = await alice.prepare(draft(bob.address, sealed=False))
    subject = bob.address if rule == "address" else bob.address.partition("@")[2]
    alice.keychain.book.require(subject, is_required=True)
    with pytest.raises(PolicyRefused, match="must be encrypted"):
        await alice.gate.seal(planned, alice.spool / "planned")
    with pytest.raises(PolicyRefused, match="must be encrypted"):
        await alice.gate.upload(copied)
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
