"""The policy as a table: what is external, what needs a copy, a person, encryption, and what is refused."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from services.draft import SERVICE_AGENT
from services.errors import PolicyRefused
from services.outbound.gate.plan import RefusalKind
from services.outbound.gate.policy import Case, Party, Ruling, Sender, recheck, rule
from services.outbound.gate.ready import Terms
from services.policy_config import ApprovalRule, EncryptionRule, OversightCopy, Policy

DOMAIN = "agents.example.com"
OVERSIGHT = "eve@people.example"
INSIDE = Party(f"bob@{DOMAIN}", f"bob@{DOMAIN}")
OUTSIDE = Party("sales@bigco.example", "sales@bigco.example")
ANSWERED = Party("sales@bigco.example", "sales@bigco.example", has_written=True)
ASKED, POSSIBLE = EncryptionRule.ASKED, EncryptionRule.WHEN_POSSIBLE
A = ApprovalRule


def sender(**policy: Any) -> Sender:
    return Sender("work", f"me@{DOMAIN}", DOMAIN, Policy(**{"oversight": OVERSIGHT, **policy}))


def judged(*parties: Party, by: Sender | None = None, **case: Any) -> Ruling:
    return rule(by or sender(), Case(parties, **case))


# ── inside and outside ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "address",
    [
        f"bob@sub.{DOMAIN}",  # under ours
        f"bob@{DOMAIN}.evil.example",  # ours in front
        f"bob@my{DOMAIN}",
        f"bob@{DOMAIN.replace('.', '-')}",
        "bob@example.com",  # above ours
        "bob@agents.exarnple.com",
        f"bob@{DOMAIN}.",
        f"bob%evil.example@{DOMAIN}",  # a way through ours
        f"evil.example!bob@{DOMAIN}",
        f"@evil.example:bob@{DOMAIN}",
        f"bob@evil.example,bob@{DOMAIN}",
        "bob@аgents.example.com",  # a Cyrillic letter
        f"bob@{DOMAIN}\n",
        f"<bob@{DOMAIN}>",
        "bob",
        "",
    ],
)  # fmt: skip
def test_what_is_not_exactly_ours_is_outside(address: str) -> None:
    assert not sender().is_internal(address)
    ruling = judged(Party(address, address or "?"))
    assert address.lower() in ruling.external
    assert ruling.person or ruling.refusals


@pytest.mark.parametrize("oversight", [OVERSIGHT, ""])
def test_what_names_no_address_is_outside_whether_there_is_oversight_or_not(oversight: str) -> None:
    ruling = judged(INSIDE, Party("", "Bob <bob@"), by=sender(oversight=oversight))
    assert (ruling.external, bool(ruling.person)) == ({""}, True)
    (refusal,) = ruling.refusals
    assert (refusal.kind, "exactly one address" in refusal.sentence) == (RefusalKind.DRAFT, True)


@pytest.mark.parametrize("address", [f"bob@{DOMAIN}", f"BOB@{DOMAIN.upper()}"])
def test_what_is_exactly_ours_is_inside_whatever_its_case(address: str) -> None:
    ruling = judged(Party(address))
    assert (ruling.external, ruling.copy_to, ruling.person) == (frozenset(), "", "")
    assert ruling.why_alone == "everybody is internal"


def test_internal_names_addresses_exactly_and_domains_exactly() -> None:
    own = sender(internal=("boss@corp.example", "lab.example"))
    inside = [a for a in ("boss@corp.example", "x@lab.example") if own.is_internal(a)]
    outside = [a for a in ("other@corp.example", "x@a.lab.example", f"bob@{DOMAIN}")
               if not own.is_internal(a)]  # fmt: skip
    assert (len(inside), len(outside)) == (2, 3)


@pytest.mark.parametrize("rule_for_others", [A.NEVER, A.EXTERNAL], ids=["never", "external"])
def test_a_draft_that_lies_on_the_service_waits_for_a_person_whatever_the_policy(
    rule_for_others: ApprovalRule,
) -> None:
    own = sender(approval=rule_for_others)
    assert not judged(INSIDE, by=own).person
    assert "a draft on the service" in judged(INSIDE, by=own, is_elsewhere=True).person
    recheck(own, INSIDE.address, Terms(agent="bot"), is_encrypted=False, has_written=False)
    elsewhere = Terms(agent=SERVICE_AGENT)
    with pytest.raises(PolicyRefused):
        recheck(own, INSIDE.address, elsewhere, is_encrypted=False, has_written=False)


def test_an_account_whose_domain_is_unknown_has_nobody_inside() -> None:
    assert judged(INSIDE, by=Sender("env", policy=Policy(oversight=OVERSIGHT))).external


def test_the_oversight_address_itself_makes_nothing_external() -> None:
    ruling = judged(INSIDE, Party(OVERSIGHT))
    assert (ruling.external, ruling.copy_to, ruling.person) == (frozenset(), "", "")


def test_answers_that_would_go_outside_make_a_mail_external() -> None:
    ruling = judged(INSIDE, reply_to=(OUTSIDE,))
    assert ruling.copy_to == OVERSIGHT
    assert "address for replies" in ruling.person


# ── oversight ────────────────────────────────────────────────────────────────────────────────────


def test_an_external_mail_gets_the_copy_and_one_to_oversight_gets_no_second() -> None:
    assert judged(INSIDE, OUTSIDE).copy_to == OVERSIGHT
    assert judged(OUTSIDE, Party(OVERSIGHT.upper())).copy_to == ""


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        ({"oversight": ""}, "needs an oversight address"),
        ({"oversight": f"me@{DOMAIN}"}, "mailbox of the agents"),
        ({"oversight": "bot@lab.example", "internal": ("bot@lab.example",)}, "mailbox of the agents"),
        ({"oversight_copy": OversightCopy.REFUSE}, "has no bcc"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("approval", list(ApprovalRule))
def test_external_mail_without_a_copy_is_refused_under_every_rule(
    policy: dict[str, Any], sentence: str, approval: ApprovalRule
) -> None:
    by = sender(**policy, approval=approval)
    [refusal] = judged(OUTSIDE, by=by).refusals
    assert sentence in refusal.sentence
    assert "[accounts.work.policy]" in refusal.next_step
    assert refusal.kind is RefusalKind.POLICY
    assert not judged(
        Party(f"bob@{DOMAIN}"), by=sender(**{**policy, "internal": (DOMAIN,)})
    ).refusals


# ── who decides ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("approval", "party", "waits"),
    [
        (A.NEVER, INSIDE, False), (A.NEVER, OUTSIDE, False), (A.NEVER, ANSWERED, False),
        (A.EXTERNAL, INSIDE, False), (A.EXTERNAL, OUTSIDE, True), (A.EXTERNAL, ANSWERED, True),
        (A.COLD, INSIDE, False), (A.COLD, OUTSIDE, True), (A.COLD, ANSWERED, False),
        (A.ALWAYS, INSIDE, True), (A.ALWAYS, OUTSIDE, True), (A.ALWAYS, ANSWERED, True),
    ],
)  # fmt: skip
def test_who_has_to_decide(approval: ApprovalRule, party: Party, waits: bool) -> None:
    ruling = judged(party, by=sender(approval=approval))
    assert bool(ruling.person) is waits
    assert bool(ruling.why_alone) is not waits


def test_one_stranger_among_those_who_have_written_is_cold() -> None:
    both = (ANSWERED, Party("new@other.example"))
    assert judged(*both, by=sender(approval=A.COLD)).person


@pytest.mark.parametrize("approval", [A.EXTERNAL, A.COLD])
def test_what_a_check_found_wants_a_person_even_inside(approval: ApprovalRule) -> None:
    ruling = judged(INSIDE, by=sender(approval=approval), danger="it holds a key.")
    assert "it holds a key" in ruling.person


# ── encryption ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("encryption", "party", "asked", "encrypts", "tries"),
    [
        (ASKED, OUTSIDE, False, False, False), (ASKED, OUTSIDE, True, True, False),
        (POSSIBLE, INSIDE, False, False, True), (POSSIBLE, INSIDE, True, True, False),
        (EncryptionRule.EXTERNAL, INSIDE, False, False, False),
        (EncryptionRule.EXTERNAL, OUTSIDE, False, True, False),
        (EncryptionRule.ALWAYS, INSIDE, False, True, False),
    ],
)  # fmt: skip
def test_what_is_encrypted(
    encryption: EncryptionRule, party: Party, asked: bool, encrypts: bool, tries: bool
) -> None:
    ruling = judged(party, by=sender(encryption=encryption), asks_encryption=asked)
    assert (ruling.encrypts, ruling.tries_encryption) == (encrypts, tries)


def test_a_rule_for_one_recipient_encrypts_the_mail_to_all() -> None:
    assert judged(INSIDE, OUTSIDE, must_encrypt=True).encrypts


# ── caps and recipients ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("parties", "left", "is_refused"),
    [((INSIDE,), 4, False), ((INSIDE,), 5, True), ((OUTSIDE,), 4, True), ((INSIDE, ANSWERED), 2, False)],
)  # fmt: skip
@pytest.mark.parametrize("span", ["hour", "day"])
def test_caps_count_every_mail_with_its_copy(
    parties: tuple[Party, ...], left: int, is_refused: bool, span: str
) -> None:
    by = sender(**{f"per_{span}": 5})
    refusals = judged(*parties, by=by, **{f"left_{span}": left}).refusals
    assert bool(refusals) is is_refused
    assert all("lets 5 mails" in one.sentence for one in refusals)


def test_nobody_and_too_many_are_refused() -> None:
    assert "Nobody" in judged().refusals[0].sentence
    many = tuple(Party(f"n{n}@{DOMAIN}") for n in range(51))
    assert "at most 50" in judged(*many).refusals[0].sentence


def test_one_address_that_cannot_be_read_refuses_the_mail_to_all() -> None:
    [refusal] = judged(INSIDE, Party("", "a@b, c@d")).refusals
    assert refusal.kind is RefusalKind.DRAFT
    assert "a@b, c@d" in refusal.sentence


# ── once more before it leaves ───────────────────────────────────────────────────────────────────

APPROVALS = list(ApprovalRule)
ENCRYPTIONS = [EncryptionRule.ASKED, EncryptionRule.EXTERNAL, EncryptionRule.ALWAYS]
MATRIX = list(itertools.product(APPROVALS, ENCRYPTIONS, (INSIDE, OUTSIDE, ANSWERED), (True, False)))


@pytest.mark.parametrize(("approval", "encryption", "party", "by_person"), MATRIX)
def test_what_was_ruled_to_leave_may_leave_and_nothing_else(
    approval: ApprovalRule, encryption: EncryptionRule, party: Party, by_person: bool
) -> None:
    by = sender(approval=approval, encryption=encryption)
    ruling = judged(party, by=by)
    may = by_person or not ruling.person
    terms = Terms(oversight=ruling.copy_to, by_person=by_person)

    def leaves(*, is_encrypted: bool) -> bool:
        try:
            recheck(by, party.address, terms, is_encrypted=is_encrypted,
                    has_written=party.has_written)  # fmt: skip
        except PolicyRefused:
            return False
        return True

    assert leaves(is_encrypted=True) is may
    assert leaves(is_encrypted=False) is (may and not ruling.encrypts)


@pytest.mark.parametrize(
    ("now", "to", "terms"),
    [
        ({"oversight": "other@people.example"}, OUTSIDE, Terms(oversight=OVERSIGHT, by_person=True)),
        ({"oversight": ""}, OUTSIDE, Terms(oversight=OVERSIGHT, by_person=True)),
        ({}, OUTSIDE, Terms(by_person=True)),
        ({"oversight_copy": OversightCopy.REFUSE}, OUTSIDE, Terms(oversight=OVERSIGHT, by_person=True)),
        ({"oversight": "other@people.example"}, Party(OVERSIGHT), Terms(is_copy=True)),
        ({}, OUTSIDE, Terms(is_copy=True)),
        ({"internal": ("lab.example",)}, INSIDE, Terms(by_person=True)),
    ],
)  # fmt: skip
def test_a_policy_that_became_stricter_stops_what_was_decided_before(
    now: dict[str, Any], to: Party, terms: Terms
) -> None:
    with pytest.raises(PolicyRefused) as refused:
        recheck(sender(**now), to.address, terms, is_encrypted=True, has_written=True)
    assert refused.value.next_step
