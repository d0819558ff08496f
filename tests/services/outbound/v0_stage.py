"""An office over an inbox of the sandbox's AgentMail.to door, and what it has sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.api.agentmail_to.client import AgentMailToClient
from services.config import Account
from services.keys.keychain import Keychain
from services.outbound.office import Office
from services.policy_config import Policy
from services.service_config import SendProfile
from tests.fakes.scripted_service import FakeSleep
from tests.services.outbound.office_stage import DOMAIN, Clock, FakeLender
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control


@dataclass
class V0Stage:
    """One inbox with its office; `overseer` gets what goes outside."""

    v0: V0Control
    folder: Path
    directory: Any
    overseer: str
    org: Org = field(init=False)
    client: AgentMailToClient = field(init=False)
    clock: Clock = field(default_factory=Clock)
    offices: list[Office] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.org = self.v0.new_org()
        key, inbox = self.org.key, self.org.one
        self.client = AgentMailToClient(self.v0.base_url, key, inbox, sleep=FakeSleep())
        self.chain = Keychain(
            key_folder=self.folder / "keys", account_folder=self.folder / "account",
            address=inbox, mail_domain=DOMAIN,
        )  # fmt: skip
        self.chain.connect(self.directory)

    @property
    def address(self) -> str:
        return self.org.one

    @property
    def sister(self) -> str:
        """Another inbox of the same key."""
        return self.org.two

    def account(self, profile: SendProfile = SendProfile.STRICT, **policy: Any) -> Account:
        terms = {"oversight": self.overseer, "undo_seconds": 0, "approval_hours": 100} | policy
        return Account(
            "swarm", "agentmail.to", self.v0.base_url.rstrip("/"), address=self.address,
            policy=Policy(**terms), profile=profile,
        )  # fmt: skip

    async def open(self, profile: SendProfile = SendProfile.STRICT, **policy: Any) -> Office:
        """Open the office, as another process would."""
        lender = FakeLender(self.client, self.chain)
        account = self.account(profile, **policy)
        office = await Office.open(account, self.folder / "account", lender, self.clock)
        self.offices.append(office)
        return office

    def sent(self) -> list[dict[str, Any]]:
        """What the service has taken of this inbox."""
        return self.v0.sent(self.address)

    def bodies(self) -> list[dict[str, Any]]:
        return [one["request"] for one in self.sent()]

    def audited(self, office: Office) -> list[tuple[str, str]]:
        """Action and reason of each line of the audit log, oldest first."""
        rows = sorted(office.audit.rows().rows, key=lambda row: row.number)
        return [(str(row.action), str(row.reason)) for row in rows]

    async def close(self) -> None:
        for office in self.offices:
            await office.close()
        self.chain.close()
        await self.client.aclose()
        self.v0.http.close()
