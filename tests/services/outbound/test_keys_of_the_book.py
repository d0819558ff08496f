"""Where the service has no directory: the imported key is the source, judged now at every step."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.crypto import messages
from services.crypto.certs import PeerKey
from services.crypto.errors import KeyChanged, NoKey
from services.crypto.own import OwnKey
from services.errors import CryptoError
from services.keys.peer_book import PeerBook
from services.outbound.office import Office
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound_models import OutboxState
from tests.conftest import SandboxControl
from tests.fakes.openpgp_keys import (
    Person,
    bind,
    certify,
    person,
    primary_packet,
    revoke,
    subkey_packet,
    user_id,
)
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import mail, queue, send
from tests.services.outbound.v0_stage import V0Stage
from tests.services.sandbox.agentmail_to.v0_control import V0Control

SENT, REFUSED = OutboxState.SENT, OutboxState.REFUSED
WHO = "peer@elsewhere.example"


@dataclass
class Bookish:
    """An inbox whose keys are those of its book: the overseer's, and one of `WHO`."""

    stage: V0Stage
    office: Office
    peer: Person

    @property
    def book(self) -> PeerBook:
        return self.stage.chain.book

    async def refusals(self, to: str = WHO) -> list[str]:
        kept = self.office.drafts.save(mail(to, sealed=True))
        _, plan = await self.office.plan(kept.draft_id)
        return [f"{one.sentence} {one.next_step}" for one in plan.refusals]

    def change(self, whom: str, how: str) -> None:
        """What may become of an imported key."""
        pin = self.book.pinned(whom)
        assert pin is not None
        match how:
            case "revoked":
                self.book.check(whom, PeerKey.parse(self.peer.block + revoke(self.peer.primary)))
            case "expired":
                self.book.check(whom, PeerKey.parse(expired(self.peer)))
            case "changed":
                with pytest.raises(KeyChanged):
                    self.book.check(whom, PeerKey.parse(person(f"P <{whom}>").block))
            case "another":
                self.book.forget(whom)
                self.book.check(whom, PeerKey.parse(person(f"P <{whom}>").block))
            case "forgotten":
                self.book.forget(whom)


def expired(who: Person) -> bytes:
    return (
        primary_packet(who.primary)
        + user_id(who.user)
        + certify(who.primary, who.user, key_expires=86_400)
        + subkey_packet(who.sub)
        + bind(who.primary, who.sub)
    )


SPOILT = ["revoked", "expired", "changed", "another", "forgotten"]


@pytest.fixture
async def bookish(
    sandbox: SandboxControl, tmp_path: Path, alice: Party, own_keys: tuple[OwnKey, ...]
) -> AsyncIterator[Bookish]:
    """Alice oversees; a directory that knows everybody is hers, and nobody else's."""
    made = V0Stage(V0Control(sandbox), tmp_path / "swarm", alice.client, alice.address)
    made.chain.connect(made.client)
    made.chain.book.check(alice.address, own_keys[0].public)
    peer = person(f"Peer <{WHO}>")
    made.chain.book.check(WHO, PeerKey.parse(peer.block))
    yield Bookish(made, await made.open(), peer)
    await made.close()


async def test_a_mail_to_outside_is_sealed_to_the_imported_keys(
    bookish: Bookish, own_keys: tuple[OwnKey, ...]
) -> None:
    (entry,) = await send(bookish.office, mail(WHO, sealed=True))
    assert (entry.state, entry.reason) == (SENT, "")
    [body] = bookish.stage.bodies()
    assert "canary" not in str(body)
    opened = messages.decrypt(body["text"].encode(), [own_keys[0].unlock()])
    assert opened.text == "the canary sings"


async def test_what_a_directory_elsewhere_knows_is_not_used(bookish: Bookish, bob: Party) -> None:
    [said] = await bookish.refusals(bob.address)
    assert "no key was imported" in said
    assert "peers import FILE" in said
    with pytest.raises(NoKey):
        await bookish.stage.chain.peer_for(bob.address)


@pytest.mark.parametrize("how", [one for one in SPOILT if one != "another"])
async def test_a_key_that_is_spoilt_refuses_the_plan(bookish: Bookish, how: str) -> None:
    bookish.change(WHO, how)
    [said] = await bookish.refusals()
    assert said.startswith(WHO)
    assert bookish.stage.sent() == []


@pytest.mark.parametrize("how", SPOILT)
async def test_a_key_that_is_spoilt_while_the_mail_waits_refuses_it(
    bookish: Bookish, how: str
) -> None:
    entries = await queue(bookish.office, mail(WHO, sealed=True))
    bookish.change(WHO, how)
    (entry,) = await pushed(bookish, entries)
    assert entry.state is REFUSED
    assert entry.reason
    assert bookish.stage.sent() == []


async def pushed(bookish: Bookish, entries: tuple[OutboxEntry, ...]) -> tuple[OutboxEntry, ...]:
    return await bookish.office.sending.push([one.entry_id for one in entries], 30)


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("whose", ["recipient", "oversight"])
async def test_a_key_that_is_spoilt_after_sealing_refuses_at_the_last_step(
    bookish: Bookish, alice: Party, whose: str, how: str
) -> None:
    if whose == "oversight":
        bookish.book.forget(alice.address)
        bookish.book.check(alice.address, PeerKey.parse(bookish.peer.block))
        bookish.book.forget(WHO)
        bookish.book.check(WHO, PeerKey.parse(person(f"Peer <{WHO}>").block))
    office, folder = bookish.office, bookish.stage.folder / "spool"
    _, plan = await office.plan(office.drafts.save(mail(WHO, sealed=True)).draft_id)
    gate = await office.gate()
    [planned] = plan.released(by_person=True)
    ready = await gate.upload(await gate.seal(planned, folder))
    bookish.change(WHO if whose == "recipient" else alice.address, how)
    with pytest.raises(CryptoError):
        await gate.send(ready)
    assert bookish.stage.sent() == []
