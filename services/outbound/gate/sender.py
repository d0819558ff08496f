"""Who sends, and which addresses are ours: listed exactly, or at exactly a domain that is ours alone.

Closes the trap of a domain that is shared with everybody: at AgentMail.to all customers have their
addresses at one domain, so only the inboxes of the own key, each by its whole address, are internal
there (reference 004, api/agentmail_to.md §13.5). Whatever cannot be told is not ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from services.policy_config import DEFAULT_POLICY, SHARED_DOMAINS, Policy, is_plain_address
from services.service_config import AGENTMAIL_TO

if TYPE_CHECKING:
    from services.config import Account


class OwnInboxes(Protocol):
    """Tells the inboxes of an account's key (`services.api.agentmail_to`)."""

    async def addresses(self) -> frozenset[str]:
        """Return the whole address of each; ServiceError when the service did not tell all of them."""
        ...


@dataclass(frozen=True, slots=True)
class Sender:
    """The account that a mail leaves from; `address` "" when only the service knows it.

    `inboxes` are the addresses that are ours besides what the policy lists; `also` is the account's
    own address where mail leaves as another one.
    """

    account: str
    address: str = ""
    mail_domain: str = ""
    policy: Policy = DEFAULT_POLICY
    inboxes: frozenset[str] = frozenset()
    also: str = ""

    @classmethod
    def of(cls, account: Account, address: str = "", inboxes: Iterable[str] = ()) -> Sender:
        """Return a configured account as a sender; `address` as the keychain knows it."""
        own = (account.address or address).lower()
        if account.kind == AGENTMAIL_TO:
            ours = frozenset(one.lower() for one in (*inboxes, own) if one)
            return cls(account.name, own, "", account.policy, ours)
        domain = account.mail_domain or own.rpartition("@")[2]
        return cls(account.name, own, domain.lower(), account.policy)

    def leaving_as(self, identity: str) -> Sender:
        """Return the same account where its mail comes from another address; "" for its own."""
        return replace(self, address=identity.lower(), also=self.address) if identity else self

    def is_internal(self, address: str) -> bool:
        """Tell whether an address is one of ours: listed exactly, or at exactly a listed domain.

        False for whatever is no plain address, for every domain under or beside a listed one, and
        for a way through ours to somewhere else (`who%elsewhere@ours`), unless listed as it is.
        """
        if not is_plain_address(address):
            return False
        local, _, domain = address.lower().rpartition("@")
        ours = self.internal
        if f"{local}@{domain}" in ours:
            return True
        return domain in ours and not any(mark in local for mark in "%!")

    @property
    def is_overseer(self) -> bool:
        """Whether the oversight address is a mailbox of the agents, and so nobody's eyes."""
        oversight = self.policy.oversight
        return oversight in (self.address, self.also) or oversight in self.internal

    @property
    def internal(self) -> tuple[str, ...]:
        """The addresses and domains that are ours."""
        listed = self.policy.internal
        if listed is None:
            listed = (self.mail_domain,) if self.mail_domain else ()
        return (*(one for one in listed if one not in SHARED_DOMAINS), *sorted(self.inboxes))
