"""What waits in the demo: three mails that agents want to send, and a draft of the operator's own.

Closes the trap of a demo whose Approvals and Drafts are empty, so that what the program is for is
not seen. Written while the sandbox starts, which is waiting anyway: the first frame comes no later.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from services.draft import Draft
from services.errors import MailError
from services.outbound.approvals.proposals import Proposals
from services.outbound.drafts.draft_store import Drafts
from services.outbound.gate.policy import Sender
from services.outbound.log.audit import AUDIT_FILE, AuditLog
from services.outbound.log.store import OutboundStore

_MINUTE: Final = 60
_HOUR: Final = 3_600
_INTRO: Final = """\
Hello,

I read that you compare tools for the mail of agents. Could we talk for twenty minutes this week?

Lead Generation, for the ops team
"""
_INVOICE: Final = """\
Invoice 4821 was paid this morning and is booked under March.
"""
_OFFER: Final = """\
Dear Ms Costa,

thank you for your patience. We can offer you {offer}.
The invoice follows once you agree.

Kind regards
Support
"""
_OFFERS: Final = ("20 % off", "10 % off until Friday")
_DRAFT: Final = """\
Two things about the supplier list:

- column F still names the old owner of two of them
- who asked for the third offer?
"""


@dataclass(frozen=True, slots=True)
class _Desk:
    """The outgoing mail of the demo's account; each write was made so many seconds `ago`."""

    store: OutboundStore
    folder: Path
    now: float

    def write(self, ago: int) -> Drafts:
        return Drafts(self.store, clock=self._clock(ago))

    def propose(self, draft: Draft, agent: str, reason: str, ago: int) -> Draft:
        made = replace(draft, reason=reason, made_at=int(self.now) - ago)
        return self._proposals(ago).propose(made, agent)

    def revise(self, draft: Draft, agent: str, ago: int) -> None:
        self._proposals(ago).revise(draft, agent)

    def _proposals(self, ago: int) -> Proposals:
        clock = self._clock(ago)
        audit = AuditLog(self.folder / AUDIT_FILE, self.store, clock)
        return Proposals(Sender("ops-bot"), self.store, self.write(ago), audit, clock=clock)

    def _clock(self, ago: int) -> Callable[[], float]:
        return lambda: self.now - ago


def furnish(folder: Path, domain: str) -> bool:
    """Write them into an account's folder; False when the demo must go on without.

    `domain` is the mail domain of the demo's agents.
    """
    with suppress(MailError):
        desk = _Desk(OutboundStore.open(folder), folder, time.time())
        try:
            _fill(desk, domain)
        finally:
            desk.store.close()
        return True
    return False


def _fill(desk: _Desk, domain: str) -> None:
    text = _OFFER.format(offer=_OFFERS[0])
    offer = _mail("ines.costa@bindery.example", "Your complaint about order 1907", text)
    reason = "She asked twice; 20 % is what the last two got."
    first = desk.propose(offer, "support", reason, 2 * _HOUR)
    newer = replace(first, body=_OFFER.format(offer=_OFFERS[1]))
    invoice = _mail(f"billing@{domain}", "Invoice 4821 is paid", _INVOICE)
    desk.propose(invoice, "ledger", "billing wants to be told of each payment", 50 * _MINUTE)
    desk.revise(newer, "support", 11 * _MINUTE)
    intro = _mail("sales@bigco.example", "Intro call?", _INTRO)
    desk.propose(intro, "lead-gen", "on the list of this week", 4 * _MINUTE)
    own = _mail(f"research@{domain}", "Supplier list, column F", _DRAFT)
    desk.write(26 * _MINUTE).save(own)


def _mail(to: str, subject: str, body: str) -> Draft:
    return replace(Draft.begin(), to=(to,), subject=subject, body=body)
