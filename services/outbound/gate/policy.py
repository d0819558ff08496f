"""Whether a mail may leave, by the operator's policy alone: a pure function, asked again at sending.

Closes the traps of research/mail_clients.md §6 and api/agentmail_to.md §13: a domain that only ends
like one of ours, an address that a parser reads in two ways, an external mail whose oversight copy
is left out because none is configured. Whatever cannot be told counts as external, and what is
external needs a copy. Facts come in, a ruling comes out; nothing is asked and nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from services.draft import SERVICE_AGENT
from services.errors import PolicyRefused
from services.outbound.gate.plan import Refusal, RefusalKind
from services.outbound.gate.sender import Sender
from services.policy_config import (
    ApprovalRule,
    EncryptionRule,
    OversightCopy,
    Policy,
    is_plain_address,
)

if TYPE_CHECKING:
    from services.outbound.gate.ready import Terms

__all__ = [
    "DAY", "HOUR", "PERSON_DECIDES", "RECIPIENTS_LIMIT", "Case", "History", "NoHistory", "Party",
    "Ruling", "Sender", "Traffic", "recheck", "require_room", "rule",
]  # fmt: skip

HOUR: Final = 3_600
DAY: Final = 24 * HOUR
RECIPIENTS_LIMIT: Final = 50
PERSON_DECIDES: Final = "A person has to decide: "
"""How a ruling begins that wants a person; the reason follows."""


class Traffic(Protocol):
    """Counts what an account has sent, for caps (`services.outbound.outbox.outbox`)."""

    def left_since(self, moment: int) -> int: ...


class History(Protocol):
    """What the mailbox knows of somebody. Addresses are bare; a claim of a stranger is no history.

    `has_written`: there is verified mail from the address, in the conversation of message `answers`
    when one is named. `was_written_to`: something was sent there before. `known_addresses`: whom
    the operator writes with, to find addresses that only look like theirs.
    """

    def has_written(self, address: str, answers: str = "") -> bool: ...

    def was_written_to(self, address: str) -> bool: ...

    def known_addresses(self) -> Iterable[str]: ...


class NoHistory:
    """Nobody is known: everybody is a first contact, and every external mail is cold."""

    def has_written(self, address: str, answers: str = "") -> bool:  # noqa: ARG002
        """Nobody has."""
        return False

    def was_written_to(self, address: str) -> bool:  # noqa: ARG002
        """Nobody was."""
        return False

    def known_addresses(self) -> Iterable[str]:
        """Nobody's."""
        return ()


@dataclass(frozen=True, slots=True)
class Party:
    """One recipient: the bare address, "" when what was typed names no single one."""

    address: str
    typed: str = ""
    has_written: bool = False
    """In the conversation that the mail answers."""


@dataclass(frozen=True, slots=True)
class Case:
    """What the policy is asked about. `left_hour` and `left_day` count mails before this one."""

    parties: tuple[Party, ...]
    reply_to: tuple[Party, ...] = ()
    asks_encryption: bool = False
    must_encrypt: bool = False
    """The operator's rule for one of the recipients demands it."""
    must_encrypt_oversight: bool = False
    """The same of the oversight address, which gets what goes outside."""
    danger: str = ""
    """What a check found that a person should see before it leaves."""
    left_hour: int = 0
    left_day: int = 0
    has_bcc: bool = False
    """The service sends a blind copy along; else oversight is a mail of its own."""
    is_elsewhere: bool = False
    """It lies on the service as well, where others change it, send it and take it away."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policy says. `person` is why a person has to decide, "" with `why_alone`."""

    external: frozenset[str]
    copy_to: str
    """Who gets a mail of its own as oversight; "" when `oversight` is a recipient anyway."""
    bcc: str
    """Who gets a blind copy of every mail as oversight, where the service has that."""
    oversight: str
    """Who sees all of it, "" where nothing goes outside."""
    encrypts: bool
    tries_encryption: bool
    why_encrypted: str
    person: str
    why_alone: str
    refusals: tuple[Refusal, ...]


def rule(sender: Sender, case: Case) -> Ruling:
    """Judge a mail to all its recipients."""
    outside = [party for party in case.parties if _is_external(sender, party)]
    elsewhere = [party for party in case.reply_to if _is_external(sender, party)]
    is_external = bool(outside or elsewhere)
    # Of whom nobody knows who it is, that is said and nothing else: it may be one of ours.
    is_named = any(party.address for party in (*outside, *elsewhere))
    refusals = [
        *_who(case),
        *(_oversight(sender, has_bcc=case.has_bcc) if is_named else ()),
    ]
    oversight = sender.policy.oversight if is_external and not refusals else ""
    named = [party for party in case.parties if party.address.lower() == oversight]
    bcc = oversight if case.has_bcc else ""
    copy_to = "" if named or bcc else oversight
    copies = len(case.parties) - len(named) if bcc else int(bool(copy_to))
    refusals += _caps(sender.policy, case, len(case.parties) + copies)
    person, alone = _approval(sender.policy, case, outside, is_external=is_external)
    encrypts, why = _encryption(sender.policy, case, is_external=is_external)
    tries = not encrypts and sender.policy.encryption is EncryptionRule.WHEN_POSSIBLE
    external = frozenset(party.address.lower() for party in outside)
    return Ruling(
        external, copy_to, bcc, oversight, encrypts, tries, why, person, alone, tuple(refusals)
    )


def recheck(
    sender: Sender,
    to: str,
    terms: Terms,
    *,
    is_encrypted: bool,
    has_written: bool,
    bcc: tuple[str, ...] | None = None,
) -> None:
    """Judge a mail of the outbox once more, before it is sealed and before it leaves.

    `bcc` is None where the service has none. Raises PolicyRefused when the policy of now would not
    have let it go as it was decided.
    """
    policy = sender.policy
    if bcc and bcc != (policy.oversight,):
        raise PolicyRefused(_OTHER_OVERSIGHT, _ANEW)
    if terms.is_copy:
        _recheck_copy(sender, to, terms, is_encrypted=is_encrypted)
        return
    is_external = _is_external(sender, Party(to))
    if is_external and to.lower() != policy.oversight:
        _require_oversight(sender, terms, bcc)
    if policy.encryption is EncryptionRule.ALWAYS or (
        is_external and policy.encryption is EncryptionRule.EXTERNAL
    ):
        _require_encrypted(is_encrypted=is_encrypted)
    if not terms.by_person and (
        terms.agent == SERVICE_AGENT
        or _needs_person(policy, is_external=is_external, is_cold=not has_written)
    ):
        raise PolicyRefused(_NO_PERSON, _ANEW)


_ANEW: Final = "Nothing was sent. Review it again."
_OTHER_OVERSIGHT: Final = "The oversight address is another one since this was decided."
_NO_PERSON: Final = "The policy wants a person to approve this mail; none has."


def require_room(policy: Policy, traffic: Traffic, now: int, count: int) -> None:
    """Raise PolicyRefused when so many more mails are too many for the caps.

    Asked in the transaction that queues them: until then others may have queued theirs.
    """
    if policy.per_hour or policy.per_day:
        left = traffic.left_since(now - HOUR), traffic.left_since(now - DAY)
        for refusal in _caps(policy, Case((), left_hour=left[0], left_day=left[1]), count):
            raise PolicyRefused(refusal.sentence, refusal.next_step)


def _recheck_copy(sender: Sender, to: str, terms: Terms, *, is_encrypted: bool) -> None:
    """A copy holds the whole text of a mail to outside, and leaves before it."""
    for refusal in _oversight(sender, has_bcc=False):
        raise PolicyRefused(refusal.sentence, refusal.next_step)
    policy = sender.policy
    if to.lower() != policy.oversight:
        raise PolicyRefused(_OTHER_OVERSIGHT, _ANEW)
    if policy.encryption in (EncryptionRule.ALWAYS, EncryptionRule.EXTERNAL):
        _require_encrypted(is_encrypted=is_encrypted)
    if not terms.by_person and _needs_person(policy, is_external=True, is_cold=False):
        raise PolicyRefused(_NO_PERSON, _ANEW)


def _is_external(sender: Sender, party: Party) -> bool:
    # What names no address is "", as is an oversight address that is not set.
    is_overseer = bool(party.address) and party.address.lower() == sender.policy.oversight
    return not is_overseer and not sender.is_internal(party.address)


def _require_oversight(sender: Sender, terms: Terms, bcc: tuple[str, ...] | None) -> None:
    oversight = sender.policy.oversight
    for refusal in _oversight(sender, has_bcc=bcc is not None):
        raise PolicyRefused(refusal.sentence, refusal.next_step)
    if terms.oversight != oversight or (bcc is not None and oversight not in bcc):
        raise PolicyRefused(
            "This mail goes outside and has no copy for the oversight address of now.", _ANEW
        )


def _require_encrypted(*, is_encrypted: bool) -> None:
    if not is_encrypted:
        raise PolicyRefused("The policy wants this mail encrypted; it is not.", _ANEW)


# ── the parts of a ruling ────────────────────────────────────────────────────────────────────────


def _who(case: Case) -> list[Refusal]:
    if not case.parties:
        return [Refusal(RefusalKind.DRAFT, "Nobody is named as recipient.", "Fill in To.")]
    refusals = [
        Refusal(
            RefusalKind.DRAFT,
            f"“{party.typed}” does not name exactly one address.",
            "Write each recipient as name@host.example.",
        )
        for party in (*case.parties, *case.reply_to)
        if not is_plain_address(party.address)
    ]
    if len(case.parties) > RECIPIENTS_LIMIT:
        most = f"A mail has at most {RECIPIENTS_LIMIT} recipients; this one has {{}}."
        told = most.format(len(case.parties))
        refusals.append(Refusal(RefusalKind.DRAFT, told, "Write the others a mail of their own."))
    return refusals


def _oversight(sender: Sender, *, has_bcc: bool) -> list[Refusal]:
    """Say why external mail cannot leave at all."""
    policy = sender.policy
    place = f"[accounts.{sender.account}.policy]"
    if not policy.oversight:
        return [
            Refusal(
                RefusalKind.POLICY,
                "Mail to outside needs an oversight address, and none is set.",
                f'Set oversight = "name@host.example" under {place} in the configuration; '
                "an app that runs takes it up when it is opened again.",
            )
        ]
    if sender.is_overseer:
        return [
            Refusal(
                RefusalKind.POLICY,
                "The oversight address is a mailbox of the agents themselves.",
                f"Set oversight under {place} to the address of a person.",
            )
        ]
    if policy.oversight_copy is OversightCopy.REFUSE and not has_bcc:
        return [
            Refusal(
                RefusalKind.POLICY,
                "This service has no bcc, and the policy does not allow a second mail in its place.",
                f'Set oversight_copy = "linked" under {place} to send the copy as a mail of its own.',
            )
        ]
    return []


def _caps(policy: Policy, case: Case, count: int) -> list[Refusal]:
    refusals = []
    spans = (("hour", policy.per_hour, case.left_hour), ("day", policy.per_day, case.left_day))
    for span, cap, left in spans:
        if cap and left + count > cap:
            refusals.append(
                Refusal(
                    RefusalKind.POLICY,
                    f"The policy lets {cap} mails an {span} leave; {left} have left and this makes "
                    f"{count} more.".replace("an day", "a day"),
                    f"Send it later, or raise per_{span}.",
                )
            )
    return refusals


def _needs_person(policy: Policy, *, is_external: bool, is_cold: bool) -> bool:
    match policy.approval:
        case ApprovalRule.ALWAYS:
            return True
        case ApprovalRule.EXTERNAL:
            return is_external
        case ApprovalRule.COLD:
            return is_external and is_cold
        case ApprovalRule.NEVER:
            return False


def _approval(
    policy: Policy, case: Case, outside: list[Party], *, is_external: bool
) -> tuple[str, str]:
    is_cold = not outside or not all(party.has_written for party in outside)
    if case.is_elsewhere:
        # Only a decision looks whether it is still there, as it was: else it leaves twice.
        return f"{PERSON_DECIDES}it is a draft on the service, which can send it too.", ""
    if policy.approval is ApprovalRule.NEVER:
        return "", "the policy asks for no approval"
    if _needs_person(policy, is_external=is_external, is_cold=is_cold):
        return _why_person(policy, outside, is_external=is_external), ""
    if case.danger:
        return f"{PERSON_DECIDES}{case.danger}", ""
    if not is_external:
        return "", "everybody is internal"
    return "", "everybody outside has written in this conversation"


def _why_person(policy: Policy, outside: list[Party], *, is_external: bool) -> str:
    if policy.approval is ApprovalRule.ALWAYS:
        return f"{PERSON_DECIDES}the policy wants it for all mail."
    if policy.approval is ApprovalRule.COLD:
        cold = [party for party in outside if not party.has_written]
        who = cold[0].typed or cold[0].address if cold else "the address for replies"
        return f"{PERSON_DECIDES}{who} is outside and has not written here."
    assert is_external
    who = outside[0].typed or outside[0].address if outside else "the address for replies"
    more = f" and {len(outside) - 1} more" if len(outside) > 1 else ""
    verb = "are" if more else "is"
    return f"{PERSON_DECIDES}{who}{more} {verb} outside."


def _encryption(policy: Policy, case: Case, *, is_external: bool) -> tuple[bool, str]:
    if case.asks_encryption:
        return True, ""
    if case.must_encrypt:
        return True, "your rule for a recipient demands it"
    if is_external and case.must_encrypt_oversight:
        return True, "your rule for the oversight address demands it"
    if policy.encryption is EncryptionRule.ALWAYS:
        return True, "the policy encrypts all mail"
    if is_external and policy.encryption is EncryptionRule.EXTERNAL:
        return True, "the policy encrypts mail to outside"
    return False, ""
