"""From a draft to a plan: files hashed, keys looked up, the policy asked, one mail a recipient.

Closes the trap of a review that is made of one thing and a mail that is made of another: both come
from this plan, and a decision makes it anew. What speaks against sending is collected, so that a
person sees all of it at once; nothing is uploaded and nothing kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from services.draft import SERVICE_AGENT, BodyFormat, Draft, Encryption
from services.errors import MailError, PolicyRefused, UsageError
from services.outbound.drafts.carried_folders import not_here
from services.outbound.drafts.files import measured
from services.outbound.gate import carriage, requirements
from services.outbound.gate.addressing import Recipient, recipients_of, reply_to_of
from services.outbound.gate.checks import Findings, check, danger
from services.outbound.gate.fan_out import Fan, mails_of
from services.outbound.gate.html_parts import OtherPart, other_part
from services.outbound.gate.key_ring import KeyRing, SealingKeys, key_ring
from services.outbound.gate.look_alikes import LookAlikes
from services.outbound.gate.plan import (
    OutboundMail,
    Plan,
    PlannedFile,
    RecipientFacts,
    Refusal,
    RefusalKind,
    Role,
)
from services.outbound.gate.policy import (
    DAY,
    HOUR,
    RECIPIENTS_LIMIT,
    Case,
    History,
    Party,
    Ruling,
    Sender,
    Traffic,
    rule,
)
from services.outbound.gate.transport import ServiceRules
from services.progress import in_thread

_HEAD: Final = 65_536
"""Bytes of a file that are looked at for secrets."""


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of a draft as they lie on the disk, their first bytes, and what cannot be read."""

    planned: tuple[PlannedFile, ...]
    heads: tuple[bytes, ...]
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class _Ground:
    """Everything that was found out about one draft."""

    draft: Draft
    recipients: tuple[Recipient, ...]
    files: _Files
    ruling: Ruling
    keys: KeyRing
    sender: Sender
    rules: ServiceRules
    other: OtherPart = field(default_factory=OtherPart)
    other_refusals: tuple[Refusal, ...] = ()

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The further headers, where the service carries any."""
        if not self.rules.headers:
            return ()
        return requirements.headers_of(self.draft, threads=self.rules.threads)


class Planner:
    """Makes the plans of one account; parameters as of `Gate`, `rules` by way out."""

    def __init__(
        self,
        sender: Sender,
        keys: SealingKeys,
        traffic: Traffic | None,
        history: History,
        is_paused: Callable[[str], bool],
        clock: Callable[[], float],
        check_place: Callable[[str, Path], None],
        rules: Mapping[str, ServiceRules],
    ) -> None:
        self._rules = rules
        self._sender = sender
        self._keys = keys
        self._traffic = traffic
        self._history = history
        self._is_paused = is_paused
        self._clock = clock
        self._check_place = check_place

    async def plan(self, draft: Draft) -> Plan:
        """Make the plan of a draft as everything is now; raises nothing for what is refusable."""
        recipients = recipients_of(draft)
        rules = self._rules.get(draft.via, self._rules[""])
        sender = self._sender.leaving_as(rules.sender)
        # In threads: files and texts of megabytes, the book of peers, the cache.
        files = await in_thread(lambda _: _measure(draft, self._check_place))
        case = await in_thread(lambda _: self._case(draft, recipients, files))
        ruling = rule(sender, replace(case, has_bcc=rules.has_bcc))
        keys = await self._key_ring(recipients, ruling)
        ground = _Ground(draft, recipients, files, ruling, keys, sender, rules)
        return await in_thread(lambda _: self._planned(_with_other_part(ground)))

    def _planned(self, ground: _Ground) -> Plan:
        draft, ruling = ground.draft, ground.ruling
        known = LookAlikes((*ground.sender.internal, *self._history.known_addresses()))
        facts = tuple(self._facts(one, ground, known) for one in ground.recipients)
        refusals = self._refusals(ground)
        return Plan(
            account=ground.sender.account,
            sender=ground.sender.address,
            draft_id=draft.draft_id,
            revision=draft.revision,
            agent=draft.agent,
            agent_says=draft.reason if draft.agent else "",
            encrypted=ground.keys.encrypted,
            mails=() if refusals else self._mails(ground),
            why_encrypted=ground.keys.remark or ruling.why_encrypted,
            recipients=(*facts, *self._copy_facts(ground)),
            subject=draft.subject,
            body=draft.body,
            headers=ground.headers,
            files=ground.files.planned,
            usage=draft.usage,
            correlation_id=draft.correlation_id,
            marketplace_request_id=draft.marketplace_request_id,
            send_at=draft.send_at,
            via=draft.via,
            service=ground.rules.place or ground.rules.name,
            format=draft.format,
            alternative=ground.other.text,
            undo_seconds=self._sender.policy.undo_seconds,
            refusals=refusals,
            checks=check(self._findings(ground, facts)),
            person=ruling.person,
            why_alone=ruling.why_alone,
            expires_at=self._expires_at(draft),
        )

    @property
    def _now(self) -> int:
        return int(self._clock())

    # ── what the policy is asked ─────────────────────────────────────────────────────────────────

    def _case(self, draft: Draft, recipients: tuple[Recipient, ...], files: _Files) -> Case:
        asks = draft.encryption is Encryption.REQUIRED
        must = any(self._must_encrypt(one.address) for one in recipients)
        return Case(
            parties=tuple(self._party(one, draft) for one in recipients),
            reply_to=tuple(self._party(one, draft) for one in reply_to_of(draft.headers)),
            asks_encryption=asks,
            must_encrypt=must,
            must_encrypt_oversight=self._must_encrypt(self._sender.policy.oversight),
            danger=danger(draft, files.heads, encrypted=asks or must),
            left_hour=self._left(HOUR),
            left_day=self._left(DAY),
            is_elsewhere=draft.agent == SERVICE_AGENT,
        )

    def _must_encrypt(self, address: str) -> bool:
        return bool(address) and self._keys.requires_encryption(address)

    def _party(self, one: Recipient, draft: Draft) -> Party:
        known = bool(one.address and draft.answers) and self._history.has_written(
            one.address, draft.answers
        )
        return Party(one.address, one.typed, known)

    def _left(self, span: int) -> int:
        policy = self._sender.policy
        if not (policy.per_hour or policy.per_day):
            return 0
        if self._traffic is None:
            # What cannot be counted has reached every cap.
            return max(policy.per_hour, policy.per_day)
        return self._traffic.left_since(self._now - span)

    async def _key_ring(self, recipients: tuple[Recipient, ...], ruling: Ruling) -> KeyRing:
        if not (ruling.encrypts or ruling.tries_encryption):
            return KeyRing()
        # With more than that it is refused; the directory is not asked a thousand times for it.
        asked = recipients[:RECIPIENTS_LIMIT]
        named = (*(one.address for one in asked), ruling.copy_to, ruling.bcc)
        return await key_ring(self._keys, filter(None, named), only_tries=ruling.tries_encryption)

    async def beforehand(self, draft: Draft) -> tuple[Refusal, ...]:
        """Return what speaks against a draft already while it is written.

        No file is read and no service is asked: of keys only those are known that are nowhere else.
        """
        rules = self._rules.get(draft.via, self._rules[""])
        nowhere = carriage.no_way(draft, rules, is_known=draft.via in self._rules)
        told = [*nowhere, *carriage.uncarried_form(draft, rules)]
        if draft.encryption is Encryption.REQUIRED and not self._keys.has_directory:
            people = recipients_of(draft)[:RECIPIENTS_LIMIT]
            named = filter(None, (one.address for one in people))
            told += (await key_ring(self._keys, named, only_tries=False)).refusals
        return tuple(told)

    # ── what stands against it ───────────────────────────────────────────────────────────────────

    def _refusals(self, ground: _Ground) -> tuple[Refusal, ...]:
        draft, rules = ground.draft, ground.rules
        nowhere = carriage.no_way(draft, rules, is_known=draft.via in self._rules)
        encrypted = ground.keys.encrypted
        return (
            *nowhere,
            *requirements.faults(draft),
            *carriage.uncarried(draft, ground.files.planned, rules, encrypted=encrypted),
            *ground.other_refusals,
            *ground.files.refusals,
            *ground.ruling.refusals,
            *self._proposal_refusals(draft),
            *ground.keys.refusals,
        )

    def _proposal_refusals(self, draft: Draft) -> tuple[Refusal, ...]:
        told = []
        if draft.agent and self._is_paused(draft.agent):
            told.append(
                (f"The agent {draft.agent} is paused.", "Resume it on the Approvals screen.")
            )
        if draft.agent and self._now >= self._expires_at(draft):
            told.append(
                (
                    "The time to decide about this proposal has passed.",
                    "Its agent has to propose it again.",
                )
            )
        return tuple(Refusal(RefusalKind.POLICY, sentence, step) for sentence, step in told)

    def _expires_at(self, draft: Draft) -> int:
        hours = self._sender.policy.approval_hours
        return (draft.changed_at or self._now) + hours * HOUR if draft.agent else 0

    # ── facts and mails ──────────────────────────────────────────────────────────────────────────

    def _findings(self, ground: _Ground, facts: tuple[RecipientFacts, ...]) -> Findings:
        return Findings(
            draft=ground.draft,
            recipients=ground.recipients,
            facts=facts,
            files=ground.files.planned,
            heads=ground.files.heads,
            encrypted=ground.keys.encrypted,
            own_key=ground.keys.own,
            copy_to=ground.ruling.copy_to,
            bcc=ground.ruling.bcc,
            left_out=carriage.left_out(ground.draft, ground.rules),
            hidden_html=ground.other.hidden,
            now=self._now,
        )

    def _facts(self, one: Recipient, ground: _Ground, known: LookAlikes) -> RecipientFacts:
        address = one.address
        if not address:
            # Nobody whom a mail could reach, known or not: the plan is refused.
            told = ("this names no address: nothing can be sent to it.",)
            return RecipientFacts(one.typed, one.role, is_first_contact=False, warnings=told)
        is_external = address.lower() in ground.ruling.external
        written = self._history.was_written_to(address)
        twin = known.of(address) if is_external and not written else ""
        return self._keyed(
            RecipientFacts(
                address=address,
                role=one.role,
                is_external=is_external,
                is_first_contact=not (written or self._history.has_written(address)),
                warnings=(f"it reads like {twin}, and is another one.",) if twin else (),
            ),
            ground.keys,
        )

    def _copy_facts(self, ground: _Ground) -> tuple[RecipientFacts, ...]:
        ruling = ground.ruling
        named = {one.address.lower() for one in ground.recipients}
        # Who is a recipient anyway is shown as one.
        seen = ruling.copy_to or ("" if ruling.bcc in named else ruling.bcc)
        facts = RecipientFacts(
            seen,
            Role.OVERSIGHT_BCC if ruling.bcc else Role.OVERSIGHT,
            is_external=not ground.sender.is_internal(seen),
            is_first_contact=False,
        )
        return (self._keyed(facts, ground.keys),) if seen else ()

    def _keyed(self, facts: RecipientFacts, keys: KeyRing) -> RecipientFacts:
        """Add what is known about the key that a mail is sealed to."""
        fingerprint = keys.of.get(facts.address, "")
        pin = self._keys.pinned(facts.address) if fingerprint else None
        if pin is None or pin.fingerprint != fingerprint:
            return replace(facts, fingerprint=fingerprint)
        return replace(
            facts,
            fingerprint=fingerprint,
            pinned_at=pin.since,
            verified_at=pin.verified_at,
            verified_how=pin.verified_how,
            is_looked_up=self._keys.has_directory,
        )

    def _mails(self, ground: _Ground) -> tuple[OutboundMail, ...]:
        sender, ruling = ground.sender, ground.ruling
        fan = Fan(
            sender=sender.address,
            named=sender.address or sender.account,
            files=ground.files.planned,
            keys=ground.keys,
            headers=ground.headers,
            copy_to=ruling.copy_to,
            bcc=ruling.bcc,
            oversight=ruling.oversight,
            place=ground.rules.place,
            replies_to=carriage.answered_natively(ground.draft, ground.rules),
            alternative=ground.other.text,
        )
        return mails_of(ground.draft, ground.recipients, fan)


def _with_other_part(ground: _Ground) -> _Ground:
    """Add the part that goes beside the text, where the way out carries one. Runs in a thread."""
    carries = ground.rules.html and not ground.keys.encrypted
    if ground.draft.format is BodyFormat.PLAIN or not carries or ground.rules.barred:
        return ground
    try:
        return replace(ground, other=other_part(ground.draft))
    except MailError as error:
        refusal = Refusal(RefusalKind.DRAFT, error.sentence, error.next_step, error)
        return replace(ground, other_refusals=(refusal,))


def _measure(draft: Draft, check_place: Callable[[str, Path], None]) -> _Files:
    check = partial(check_place, draft.draft_id)
    planned: list[PlannedFile] = []
    heads: list[bytes] = []
    refusals: list[Refusal] = []
    for file in draft.files:
        kind = requirements.content_type_of(file)
        size, digest, head = -1, "", b""
        try:
            size, digest, head = measured(file.path, file.name, check=check)
        except UsageError as error:
            error = not_here(file) or error
            refusals.append(Refusal(RefusalKind.DRAFT, error.sentence, error.next_step, error))
        except PolicyRefused as error:
            refusals.append(Refusal(RefusalKind.POLICY, error.sentence, error.next_step, error))
        planned.append(PlannedFile(str(file.path), file.name, kind, size, digest))
        heads.append(head[:_HEAD])
    return _Files(tuple(planned), tuple(heads), tuple(refusals))
