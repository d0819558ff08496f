"""The ways out that an account has, by what is configured: its own service, and Amazon SES.

Closes the trap of a mail that leaves by the wrong service because a connection was taken for
another one: what is connected must be of the account's kind. What is not configured is not loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.draft import VIA_SES
from services.errors import ConfigError
from services.outbound.gate.transport import WITHOUT_END, Transport
from services.policy_config import Repeats
from services.service_config import AGENTMAIL_TO

if TYPE_CHECKING:
    from services.config import Account
    from services.outbound.gate.sender import OwnInboxes
    from services.ports import MailProvider


def ways_out(account: Account, provider: MailProvider) -> dict[str, Transport]:
    """Return the transports of a connected account by `OutboundMail.via`; ConfigError for a mismatch."""
    ways = {"": _own(account, provider)}
    if account.ses is not None:
        from services.outbound.gate.transports.ses import SesWayOut

        ways[VIA_SES] = SesWayOut(account.ses)
    return ways


def own_inboxes(account: Account, provider: MailProvider) -> OwnInboxes | None:
    """Return what tells the inboxes of the account's key; None where a key has one mailbox."""
    if account.kind != AGENTMAIL_TO:
        return None
    from services.api.agentmail_to.client import AgentMailToClient
    from services.api.agentmail_to.inboxes import Inboxes, OwnAddresses

    if not isinstance(provider, AgentMailToClient):
        raise _mismatch(account)
    return OwnAddresses(Inboxes(provider.door))


def remembers(account: Account, via: str) -> int:
    """Return for how many seconds the service of a way out delivers a repeated key once."""
    if via == VIA_SES:
        return 0
    if account.kind == AGENTMAIL_TO:
        from services.outbound.gate.transports.agentmail_to import REMEMBERED

        return REMEMBERED
    return WITHOUT_END if account.repeats is Repeats.SUPPRESSED else 0


def _own(account: Account, provider: MailProvider) -> Transport:
    if account.kind == AGENTMAIL_TO:
        from services.api.agentmail_to.client import AgentMailToClient
        from services.outbound.gate.transports.agentmail_to import AgentMailToTransport

        if not isinstance(provider, AgentMailToClient):
            raise _mismatch(account)
        return AgentMailToTransport(provider, account.profile)
    from services.api.assmbl import AssmblClient
    from services.outbound.gate.transports.assmbl import AssmblTransport

    if not isinstance(provider, AssmblClient):
        raise _mismatch(account)
    return AssmblTransport.of(provider, repeats=account.repeats is Repeats.SUPPRESSED)


def _mismatch(account: Account) -> ConfigError:
    return ConfigError(
        f'The account "{account.name}" is connected to another kind of service.',
        "Check its kind and base_url in the configuration.",
    )
