"""Approve what you see: whatever changes between the screen and the decision voids the decision."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from services.crypto.own import OwnKey
from services.draft import Draft, DraftFile, DraftState, Encryption, Metering
from services.outbound.approvals.approval import Decisions, DecisionVoid
from services.outbound.approvals.proposals import Proposals
from services.outbound.drafts.draft_store import Drafts
from services.outbound.gate.gate import Gate
from services.outbound.gate.policy import Sender
from services.outbound.log.audit import AuditLog
from services.outbound.log.store import OutboundStore
from services.policy_config import Policy
from tests.fakes.operators import FakeClock
from tests.services.outbound.conftest import DOMAIN, Party

EDITS = 200
"""A thousand are made in tests/bench/test_thousand_edits.py."""
AGENT = "lead-gen"
POLICY = Policy(oversight=f"oversight@{DOMAIN}", internal=(f"ops@{DOMAIN}",))


@dataclass
class Desk:
    """Everything that decides about one account's proposals; `gate` may be another one each time."""

    party: Party
    drafts: Drafts
    proposals: Proposals
    clock: FakeClock
    policy: Policy = POLICY
    account: str = "work"
    decisions: Decisions = field(init=False)

    def __post_init__(self) -> None:
        self.decisions = Decisions(self.drafts, self._gate, clock=self.clock)

    async def _gate(self) -> Gate:
        sender = Sender(self.account, self.party.address, DOMAIN, self.policy)
        paused = self.proposals.is_paused
        keys = self.party.keychain
        return Gate.of(self.party.client, keys, sender, is_paused=paused, clock=self.clock)

    def state(self, draft_id: str) -> DraftState:
        return self.drafts.head(draft_id).state


@pytest.fixture
async def desk(alice: Party, bob: Party, tmp_path: Path) -> AsyncIterator[Desk]:
    clock = FakeClock()
    store = OutboundStore.open(tmp_path / "office")
    drafts = Drafts(store, clock=clock)
    audit = AuditLog(tmp_path / "office" / "audit.log", store, clock)
    sender = Sender("work", alice.address, DOMAIN, POLICY)
    yield Desk(alice, drafts, Proposals(sender, store, drafts, audit, clock=clock), clock)
    store.close()


def proposed(desk: Desk, bob: Party, folder: Path) -> Draft:
    file = folder / "numbers.csv"
    file.write_bytes(b"a,b\n1,2\n")
    return replace(
        Draft.begin(),
        to=(bob.address,),
        cc=("sales@bigco.example",),
        subject="Intro call?",
        body="Hello,\nwe can offer 10 % off.\n",
        files=(DraftFile(file, "numbers.csv", "text/csv"),),
        headers=(("X-Campaign", "7"),),
        correlation_id="c-1",
        usage=Metering(tokens_input=5),
        send_at=int(desk.clock()) + 86_400,
        reason="They asked for it.",
    )


# ── the edits ────────────────────────────────────────────────────────────────────────────────────

Change = Callable[[Draft, random.Random], Draft]


def _any_letter(text: str, luck: random.Random) -> str:
    at = luck.randrange(len(text))
    other = luck.choice([c for c in "abcxyz019 \u00a0\u200b\n" if c != text[at]])
    return text[:at] + luck.choice(["", other, text[at] + other]) + text[at + 1 :]


def _recipient(draft: Draft, luck: random.Random) -> Draft:
    new = f"someone{luck.randrange(10**6)}@elsewhere.example"
    (to,), (cc,) = draft.to, draft.cc
    changes: list[dict[str, Any]] = [
        {"to": (new,)}, {"to": (to, new)}, {"bcc": (new,)}, {"cc": ()}, {"cc": (new,)},
        {"to": (to, cc), "cc": ()}, {"to": (cc,), "cc": (to,)}, {"cc": (), "bcc": (cc,)},
        {"cc": (cc.replace("bigco", "bigc0"),)},
    ]  # fmt: skip
    return replace(draft, **luck.choice(changes))


def _details(draft: Draft, luck: random.Random) -> Draft:
    number = luck.randrange(1, 10**6)
    changes: list[dict[str, Any]] = [
        {"headers": (("X-Campaign", f"8{number}"),)}, {"headers": ()},
        {"headers": (*draft.headers, ("Reply-To", f"n{number}@elsewhere.example"))},
        {"correlation_id": f"c-{number}"}, {"usage": None},
        {"usage": Metering(tokens_input=number + 5)},
        {"usage": Metering(tokens_input=5, custom_units={"pages": number})},
        {"in_reply_to": f"<{number}@x.example>"}, {"references": (f"<{number}@x.example>",)},
        {"reason": f"They asked for it {number} times."},
    ]  # fmt: skip
    return replace(draft, **luck.choice(changes))


def _files(draft: Draft, luck: random.Random) -> Draft:
    [file] = draft.files
    other = file.path.with_name(f"other{luck.randrange(3)}.csv")
    other.write_bytes(luck.randbytes(40))
    changes = (
        (), (file, replace(file, path=other, name=other.name)), (replace(file, path=other),),
        (replace(file, name="prices.csv"),), (replace(file, content_type="text/plain"),),
    )  # fmt: skip
    return replace(draft, files=luck.choice(changes))


EDIT: dict[str, Change] = {
    "recipient": _recipient,
    "subject": lambda d, luck: replace(d, subject=_any_letter(d.subject, luck).replace("\n", "¶")),
    "body": lambda d, luck: replace(d, body=_any_letter(d.body, luck)),
    "schedule": lambda d, luck: replace(d, send_at=luck.choice((0, d.send_at + luck.randrange(1, 9**6)))),
    "encryption": lambda d, _: replace(d, encryption=Encryption.REQUIRED),
    "details": _details,
    "files": _files,
}  # fmt: skip


def content_on_the_disk(draft: Draft, luck: random.Random) -> None:
    [file] = draft.files
    data = bytearray(file.path.read_bytes())
    data[luck.randrange(len(data))] ^= 1 << luck.randrange(8)
    file.path.write_bytes(data)


async def _voided(desk: Desk, draft_id: str, digest: str) -> DecisionVoid:
    with pytest.raises(DecisionVoid) as void:
        await desk.decisions.decide(draft_id, digest)
    assert void.value.changed
    assert all(sentence.endswith(".") for sentence in void.value.changed)
    assert void.value.plan is not None
    assert void.value.plan.digest != digest
    assert desk.state(draft_id) is DraftState.WAITING
    return void.value


async def test_every_edit_between_screen_and_decision_voids_it(
    desk: Desk, bob: Party, tmp_path: Path
) -> None:
    await edit_and_decide(desk, bob, tmp_path, EDITS, seed=7)


async def edit_and_decide(desk: Desk, bob: Party, tmp_path: Path, edits: int, seed: int) -> None:
    """Show a proposal, edit it, decide on what was shown, and so on."""
    luck = random.Random(seed)
    kept = desk.proposals.propose(proposed(desk, bob, tmp_path), AGENT)
    first = kept
    generic = 0
    for _ in range(edits):
        plan = await desk.decisions.show(kept.draft_id)
        kind = luck.choice([*EDIT, "content", "content"])
        if kind == "content":
            content_on_the_disk(first, luck)
        else:
            edited = EDIT[kind](replace(first, revision=kept.revision), luck)
            is_agent = luck.random() < 0.5
            kept = desk.proposals.revise(edited, AGENT) if is_agent else desk.drafts.save(edited)
        void = await _voided(desk, kept.draft_id, plan.digest)
        generic += "Something else" in "".join(void.changed)
        if kind != "content":
            kept = desk.drafts.save(replace(first, revision=kept.revision))
    # What is different is named.
    assert generic == 0
    # And what was not touched is decided.
    plan = await desk.decisions.show(kept.draft_id)
    assert (await desk.decisions.decide(kept.draft_id, plan.digest)).digest == plan.digest


# ── what changes outside of the draft ────────────────────────────────────────────────────────────


async def test_another_key_of_a_recipient_voids_the_decision(
    desk: Desk, bob: Party, tmp_path: Path, own_keys: tuple[OwnKey, ...]
) -> None:
    draft = replace(proposed(desk, bob, tmp_path), cc=(), encryption=Encryption.REQUIRED)
    desk.policy = replace(POLICY, internal=(DOMAIN,))
    kept = desk.proposals.propose(draft, AGENT)
    for number in (2, 1, 2):
        plan = await desk.decisions.show(kept.draft_id)
        assert plan.mails[0].key == own_keys[3 - number].fingerprint
        entry = await bob.client.directory.lookup_public_agent(bob.agent.agent_id)
        await bob.client.directory.register_directory_key(
            public_key=own_keys[number].spki_pem(),
            openpgp_public_key=own_keys[number].public_block(),
            key_version=(entry.key_version or 0) + 1,
        )
        # While the change waits to be accepted nothing is decided at all …
        void = await _voided(desk, kept.draft_id, plan.digest)
        assert void.plan is not None
        assert void.plan.is_refused
        desk.party.keychain.book.accept(bob.address, own_keys[number].fingerprint)
        # … and once it is, it is another key than the one that was shown.
        again = await _voided(desk, kept.draft_id, void.plan.digest)
        assert again.plan is not None
        assert again.plan.mails[0].key == own_keys[number].fingerprint


async def test_another_own_key_voids_the_decision(
    desk: Desk, bob: Party, tmp_path: Path, own_keys: tuple[OwnKey, ...]
) -> None:
    desk.policy = replace(POLICY, internal=(DOMAIN,))
    draft = replace(proposed(desk, bob, tmp_path), cc=(), encryption=Encryption.REQUIRED)
    kept = desk.proposals.propose(draft, AGENT)
    desk.party.keychain.own_keys.keep(own_keys[0])
    plan = await desk.decisions.show(kept.draft_id)
    desk.party.keychain.own_keys.keep(own_keys[2])
    void = await _voided(desk, kept.draft_id, plan.digest)
    assert "Your own key" in void.changed[0]


async def _policy(desk: Desk) -> None:
    desk.policy = replace(POLICY, oversight=f"other@{DOMAIN}")


async def _inside(desk: Desk) -> None:
    desk.policy = replace(POLICY, internal=(DOMAIN, "bigco.example"))


async def _account(desk: Desk) -> None:
    desk.account = "other"


async def _paused(desk: Desk) -> None:
    desk.proposals.pause(AGENT, is_paused=True)


async def _rule(desk: Desk) -> None:
    desk.party.keychain.book.require(DOMAIN, is_required=True)


@pytest.mark.parametrize("change", [_policy, _inside, _account, _paused, _rule])
async def test_another_policy_account_or_rule_voids_the_decision(
    desk: Desk, bob: Party, tmp_path: Path, change: Callable[[Desk], Awaitable[None]]
) -> None:
    kept = desk.proposals.propose(proposed(desk, bob, tmp_path), AGENT)
    plan = await desk.decisions.show(kept.draft_id)
    await change(desk)
    await _voided(desk, kept.draft_id, plan.digest)


# ── once, in time, and only what was shown ───────────────────────────────────────────────────────


async def test_a_decision_is_used_once(desk: Desk, bob: Party, tmp_path: Path) -> None:
    kept = desk.proposals.propose(proposed(desk, bob, tmp_path), AGENT)
    plan = await desk.decisions.show(kept.draft_id)
    await desk.decisions.decide(kept.draft_id, plan.digest)
    with pytest.raises(DecisionVoid, match="decided already"):
        await desk.decisions.decide(kept.draft_id, plan.digest)


async def test_a_digest_that_was_never_shown_decides_nothing(
    desk: Desk, bob: Party, tmp_path: Path
) -> None:
    kept = desk.proposals.propose(proposed(desk, bob, tmp_path), AGENT)
    digest = (await (await desk._gate()).plan(desk.drafts.get(kept.draft_id))).digest
    with pytest.raises(DecisionVoid, match="never shown"):
        await desk.decisions.decide(kept.draft_id, digest)
    other = desk.proposals.propose(proposed(desk, bob, tmp_path), AGENT)
    shown = await desk.decisions.show(other.draft_id)
    with pytest.raises(DecisionVoid, match="never shown"):
        await desk.decisions.decide(kept.draft_id, shown.digest)


async def test_a_review_that_is_too_old_decides_nothing(
    desk: Desk, bob: Party, tmp_path: Path
) -> None:
    own = desk.drafts.save(proposed(desk, bob, tmp_path))
    plan = await desk.decisions.show(own.draft_id)
    desk.clock.now += 25 * 3_600
    with pytest.raises(DecisionVoid, match="too old"):
        await desk.decisions.decide(own.draft_id, plan.digest)


async def test_what_somebody_else_decided_first_is_not_decided_again(
    desk: Desk, bob: Party, tmp_path: Path
) -> None:
    kept = desk.proposals.propose(proposed(desk, bob, tmp_path), AGENT)
    plan = await desk.decisions.show(kept.draft_id)
    decided = await desk.decisions.decide(kept.draft_id, plan.digest)
    desk.proposals.reject(kept.draft_id, "no")
    with pytest.raises(DecisionVoid, match="rejected"):
        desk.decisions.require_current(decided)
    with pytest.raises(DecisionVoid, match="rejected"):
        await desk.decisions.show(kept.draft_id)


async def test_a_revision_that_comes_while_it_is_queued_voids_the_decision(
    desk: Desk, bob: Party, tmp_path: Path
) -> None:
    kept = desk.proposals.propose(proposed(desk, bob, tmp_path), AGENT)
    plan = await desk.decisions.show(kept.draft_id)
    decided = await desk.decisions.decide(kept.draft_id, plan.digest)
    desk.proposals.revise(replace(kept, body="another"), AGENT)
    with pytest.raises(DecisionVoid, match="meantime"):
        desk.decisions.require_current(decided)


async def test_an_expired_proposal_is_not_decided(desk: Desk, bob: Party, tmp_path: Path) -> None:
    kept = desk.proposals.propose(proposed(desk, bob, tmp_path), AGENT)
    desk.clock.now += 23 * 3_600
    plan = await desk.decisions.show(kept.draft_id)
    desk.clock.now += 3_600
    await _voided(desk, kept.draft_id, plan.digest)
