"""Drafts of encrypted mail on a real key: their words are never on the disk in clear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.crypto.errors import Locked
from services.crypto.own import OwnKey
from services.draft import Draft, DraftFile, DraftState, Encryption
from services.keys.keychain import Keychain
from services.outbound.drafts.draft_store import Drafts
from services.outbound.log.audit import AUDIT_FILE, AuditLog
from services.outbound.log.sealed_documents import KeychainSealer, NoSealer
from services.outbound.log.store import OutboundStore
from services.redact import Secret
from tests.fakes.openpgp_keys import certify, ed25519_key, person, primary_packet, user_id
from tests.fakes.operators import own_key

PHRASE = Secret("grüße an alle 7")
CANARY = "canary-5c1e"


@pytest.fixture(scope="module")
def key() -> OwnKey:
    return own_key(person("Ada <ada@agents.example.com>"), "grüße an alle 7")


class Desk:
    """The drafts of one account with a real keychain."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.chain = Keychain(
            key_folder=folder / "keys",
            account_folder=folder / "account",
            address="ada@agents.example.com",
        )
        self.store = OutboundStore.open(folder / "account")
        self.drafts = Drafts(self.store, KeychainSealer(self.chain))
        self.chain.on_lock(self.drafts.forget)

    def on_disk(self) -> list[str]:
        """The files that hold a word of the draft."""
        word = CANARY.encode()
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return sorted(path.name for path in files if word in path.read_bytes())


@pytest.fixture
def desk(disk: Path) -> Iterator[Desk]:
    made = Desk(disk)
    yield made
    made.chain.close()
    made.store.close()


def _secret(**fields: Any) -> Draft:
    return replace(
        Draft.begin(),
        to=(f"{CANARY}@example.com",),
        subject=f"about {CANARY}",
        body=f"{CANARY}\nwords",
        files=(DraftFile(Path(f"/home/me/{CANARY}.txt"), f"{CANARY}.txt"),),
        headers=(("X-Note", CANARY),),
        answers=f"<{CANARY}@x>",
        reason=CANARY,
        encryption=Encryption.REQUIRED,
        **fields,
    )


async def test_a_draft_is_sealed_without_an_open_key_and_read_with_one(
    desk: Desk, key: OwnKey
) -> None:
    desk.chain.own_keys.keep(key)
    saved = desk.drafts.save(_secret())
    for text in ("longer", "longer still"):
        saved = desk.drafts.save(replace(saved, body=f"{CANARY} {text}"))
    assert desk.on_disk() == []
    with pytest.raises(Locked):
        desk.drafts.get(saved.draft_id)
    (row,) = desk.drafts.rows()
    assert (row.locked, row.encrypted, row.subject, row.recipients) == (True, True, "", "")
    await desk.chain.unlock(PHRASE)
    assert desk.drafts.get(saved.draft_id) == saved
    (row,) = desk.drafts.rows()
    assert (row.locked, row.subject) == (False, f"about {CANARY}")
    desk.chain.lock()
    (row,) = desk.drafts.rows()
    assert (row.locked, row.subject) == (True, "")
    assert desk.on_disk() == []


def test_a_draft_that_becomes_encrypted_leaves_no_clear_word_behind(
    desk: Desk, key: OwnKey
) -> None:
    desk.chain.own_keys.keep(key)
    draft = replace(_secret(), encryption=Encryption.NONE)
    for n in range(30):
        draft = desk.drafts.save(replace(draft, body=f"{CANARY} {n}"))
    assert desk.on_disk() == ["outbound.log"]
    draft = desk.drafts.save(replace(draft, encryption=Encryption.REQUIRED))
    assert desk.on_disk() == []
    assert not desk.store.owes_scrub


def test_all_kept_revisions_of_an_agents_draft_are_sealed_with_the_newest(
    desk: Desk, key: OwnKey
) -> None:
    desk.chain.own_keys.keep(key)
    draft = _secret(agent="scout", state=DraftState.WAITING)
    draft = desk.drafts.save(replace(draft, encryption=Encryption.NONE), author="scout")
    draft = desk.drafts.save(replace(draft, body=f"{CANARY} two"), author="scout")
    assert desk.on_disk() == ["outbound.log"]
    desk.drafts.save(replace(draft, encryption=Encryption.REQUIRED))
    assert desk.on_disk() == []
    assert len(desk.drafts.head(draft.draft_id).kept) == 3


async def test_without_a_key_it_stays_in_clear_and_says_so_until_there_is_one(
    desk: Desk, key: OwnKey
) -> None:
    saved = desk.drafts.save(_secret())
    assert desk.on_disk() == ["outbound.log"]
    (row,) = desk.drafts.rows()
    assert row.remark == "Not sealed on this disk: You have no key of your own yet."
    assert (row.locked, row.encrypted) == (False, True)
    assert desk.drafts.seal_what_is_clear() == 0
    desk.chain.own_keys.keep(key)
    assert desk.drafts.seal_what_is_clear() == 1
    assert (desk.on_disk(), desk.drafts.rows()[0].remark) == ([], "")
    await desk.chain.unlock(PHRASE)
    assert desk.drafts.get(saved.draft_id) == saved


def test_listing_the_drafts_seals_what_had_to_wait_for_a_key(desk: Desk, key: OwnKey) -> None:
    desk.drafts.save(_secret())
    assert desk.on_disk() == ["outbound.log"]
    desk.chain.own_keys.keep(key)
    (row,) = desk.drafts.rows()
    assert (row.locked, row.remark, desk.on_disk()) == (True, "", [])


def test_saving_the_same_text_again_seals_it_once_there_is_a_key(desk: Desk, key: OwnKey) -> None:
    saved = desk.drafts.save(_secret())
    desk.chain.own_keys.keep(key)
    assert desk.drafts.save(saved).revision == 2
    assert desk.on_disk() == []


async def test_a_former_key_seals_when_the_current_one_must_not_be_used(
    desk: Desk, key: OwnKey
) -> None:
    desk.chain.own_keys.keep(key)
    primary = ed25519_key()
    signing_only = primary_packet(primary, secret=True) + user_id() + certify(primary)
    desk.chain.own_keys.keep(OwnKey.load(signing_only))
    current = desk.chain.own_public()
    assert current is not None
    assert current.why
    sealer = KeychainSealer(desk.chain)
    assert sealer.hindrance == ""
    sealed = sealer.seal(b"words")
    await desk.chain.unlock(PHRASE)
    assert sealer.open(sealed) == b"words"


def test_an_own_key_that_cannot_encrypt_is_the_reason_that_is_told(desk: Desk) -> None:
    primary = ed25519_key()
    signing_only = primary_packet(primary, secret=True) + user_id() + certify(primary)
    desk.chain.own_keys.keep(OwnKey.load(signing_only))
    desk.drafts.save(_secret())
    current = desk.chain.own_public()
    assert current is not None
    assert desk.drafts.rows()[0].remark == f"Not sealed on this disk: {current.why}"


async def test_a_list_that_opens_drafts_does_not_keep_the_key_open(desk: Desk, key: OwnKey) -> None:
    desk.chain.own_keys.keep(key)
    desk.drafts.save(_secret())
    await desk.chain.unlock(PHRASE)
    used = desk.chain._open._used
    assert not desk.drafts.rows()[0].locked
    assert desk.chain._open._used == used
    desk.drafts.get(desk.drafts.rows()[0].draft_id)
    assert desk.chain._open._used > used


def test_an_account_without_keys_keeps_drafts_all_the_same(disk: Path) -> None:
    store = OutboundStore.open(disk)
    drafts = Drafts(store, NoSealer())
    saved = drafts.save(_secret())
    assert drafts.get(saved.draft_id) == saved
    assert "This mailbox has no keys." in drafts.rows()[0].remark
    store.close()


def test_nothing_of_a_draft_shows_in_a_representation(desk: Desk, key: OwnKey) -> None:
    desk.chain.own_keys.keep(key)
    text = desk.drafts._revisions.text(_secret())
    assert CANARY not in repr(text)
    saved = desk.drafts.save(_secret())
    assert CANARY not in repr(desk.drafts.head(saved.draft_id))
    audit = AuditLog(desk.folder / "account" / AUDIT_FILE, desk.store)
    audit.record("operator", "saved", subject=saved.draft_id)
    assert desk.on_disk() == []
