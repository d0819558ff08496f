"""What the version before SES and AgentMail.to has stored: it opens, leaves, and is voided, not lost.

The data were written by that version (`data/outbox_form_1.json`: the tables of one outbox); addresses
and folders are filled in here.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.crypto import messages
from services.crypto.own import OwnKey
from services.draft import BodyFormat, DraftState, Encryption
from services.outbound.approvals.approval import DecisionVoid
from services.outbound.log.store import OutboundStore
from services.outbound.office import Office
from services.outbound.outbox.outbox_contents import planned_mail, ready_mail
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound.outbox.outbox_views import facts_of, sentence_of
from services.outbound_models import OutboxState
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import Stage

DATA = Path(__file__).with_name("data") / "outbox_form_1.json"
SENT, REFUSED, UNCERTAIN = OutboxState.SENT, OutboxState.REFUSED, OutboxState.UNCERTAIN


@dataclass
class Older:
    """An office over what the older version left."""

    office: Office
    facts: dict[str, str]
    entries: dict[str, str]
    key: OwnKey

    def entry(self, name: str) -> OutboxEntry:
        return self.office.outbox.get(self.entries[name])

    async def push(self, *names: str) -> dict[str, OutboxState]:
        ids = [self.entries[name] for name in names]
        entries = await self.office.sending.push(ids, 30)
        return {name: entry.state for name, entry in zip(names, entries, strict=True)}


@pytest.fixture
async def older(alice: Party, bob: Party) -> AsyncIterator[Older]:
    stage = Stage(alice)
    folder = alice.folder / "account"
    text = DATA.read_text().replace("@FOLDER@", str(folder))
    text = text.replace("@BOB@", bob.address).replace("@ALICE@", alice.address)
    told: dict[str, Any] = json.loads(text)
    store = OutboundStore.open(folder)
    with store.transaction():
        for table, rows in told["tables"].items():
            for name, document in rows.items():
                store.put(table, name, document)
    store.close()
    key = bob.keychain.own_keys.take_in(told["bob_key"])
    await bob.client.directory.register_directory_key(
        public_key=key.spki_pem(), openpgp_public_key=key.public_block(),
        key_version=2, if_match_version=1,
    )  # fmt: skip
    yield Older(await stage.open(), told["facts"], told["entries"], key)
    await stage.close()


async def test_drafts_open_as_they_were(older: Older) -> None:
    for name in ("draft", "proposal"):
        draft = await older.office.draft(older.facts[name])
        assert (draft.body, draft.via, draft.format) == ("the canary sings", "", BodyFormat.PLAIN)
        assert draft.encryption is Encryption.NONE
    assert {row.draft_id for row in older.office.drafts.rows()} >= {
        older.facts["draft"], older.facts["proposal"],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["draft", "proposal"])
async def test_a_decision_on_the_older_digest_is_void_and_the_draft_is_kept(
    older: Older, sandbox: SandboxControl, alice: Party, name: str
) -> None:
    digest = {"draft": "digest", "proposal": "proposal_digest"}[name]
    office, draft_id = older.office, older.facts[name]
    before = office.drafts.head(draft_id)
    with pytest.raises(DecisionVoid):
        await office.send(draft_id, older.facts[digest])
    assert office.drafts.head(draft_id) == before
    assert sandbox.sent(alice.agent) == []
    # Decided on as it would leave now, it leaves.
    plan = await office.show(draft_id)
    assert plan.digest != older.facts[digest]
    (entry,) = await office.send(draft_id, plan.digest)
    (after,) = await office.sending.push([entry.entry_id], 30)
    assert (after.state, office.drafts.head(draft_id).is_settled) == (SENT, True)


async def test_what_was_queued_sealed_or_ready_leaves_once(
    older: Older, sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    names = ("queued", "queued sealed", "ready", "ready sealed")
    stored = ready_mail(older.office.outbox.content(older.entries["ready sealed"]))
    assert await older.push(*names) == dict.fromkeys(names, SENT)
    sent = {one["request"]["subject"]: one["request"] for one in sandbox.sent(alice.agent)}
    assert set(sent) == set(names)
    assert len(await bob.inbox()) == len(sandbox.sent(alice.agent)) == 4
    assert sent["queued"]["body"] == sent["ready"]["body"] == "the canary sings"
    assert sent["ready sealed"]["body"] == stored.body
    for name in ("queued sealed", "ready sealed"):
        opened = messages.decrypt(sent[name]["body"].encode(), [older.key.unlock()])
        assert opened.text == "the canary sings"
        assert "canary" not in sent[name]["body"]
    assert older.office.drafts.head(older.entry("ready").draft_id).is_settled


async def test_what_was_sealed_to_a_key_that_is_gone_is_refused_and_comes_back(
    older: Older, bob: Party, own_keys: tuple[OwnKey, ...]
) -> None:
    await bob.client.directory.register_directory_key(
        public_key=own_keys[2].spki_pem(), openpgp_public_key=own_keys[2].public_block(),
        key_version=3, if_match_version=2,
    )  # fmt: skip
    names = ("queued sealed", "ready sealed")
    assert await older.push(*names) == dict.fromkeys(names, REFUSED)
    for name in names:
        head = older.office.drafts.head(older.entry(name).draft_id)
        assert head.state is DraftState.EDITING
        assert (await older.office.draft(head.draft_id)).body == "the canary sings"


async def test_what_was_in_doubt_stays_so_until_a_person_settles_it(
    older: Older, sandbox: SandboxControl, alice: Party
) -> None:
    assert await older.push("doubted") == {"doubted": UNCERTAIN}
    assert sandbox.sent(alice.agent) == []
    await older.office.settle_uncertain(older.entries["doubted"], resend=True)
    assert await older.push("doubted") == {"doubted": SENT}
    assert [one["request"]["subject"] for one in sandbox.sent(alice.agent)] == ["doubted"]


async def test_what_had_left_is_shown_and_owes_no_look(older: Older) -> None:
    entry = older.entry("sent")
    assert (entry.state, entry.verdict, str(sentence_of(entry, 0))) == (SENT, "", "Sent.")
    kept = planned_mail(older.office.outbox.content(entry.entry_id))
    assert ("Subject", "sent") in [(str(a), str(b)) for a, b in facts_of(entry, kept)]
    assert older.office.carrier.around.verdicts.owed() == ()


def test_the_data_hold_nothing_of_where_they_were_made() -> None:
    text = DATA.read_text()
    assert "/tmp" not in text
    assert "@agents" not in text
