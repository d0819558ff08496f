"""The drafts of an inbox on the service, as others handle them, and an office that keeps in step."""

from __future__ import annotations

from typing import Any

import httpx

from services.draft import DraftState
from services.outbound.approvals.server_drafts import ServerDrafts
from services.outbound.approvals.server_links import TABLE
from services.outbound.office import Office
from services.outbound.server_desk import server_drafts_of
from services.outbound_models import OutboxState, ProposalRow
from services.service_config import SendProfile
from tests.services.outbound.v0_stage import V0Stage
from tests.services.sandbox.agentmail_to.v0_control import seg

Json = dict[str, Any]


class Server:
    """The drafts of the stage's inbox as somebody else with a key handles them."""

    def __init__(self, stage: V0Stage) -> None:
        self.stage = stage
        self.path = f"inboxes/{seg(stage.address)}/drafts"
        self.client = stage.v0.client(stage.org.key)

    def make(self, **fields: Any) -> Json:
        body = {"to": [self.stage.sister], "subject": "Plan", "text": "First words."} | fields
        return self._done(self.client.post(self.path, json=body))

    def change(self, draft: Json, **fields: Any) -> Json:
        return self._done(self.client.patch(f"{self.path}/{draft['draft_id']}", json=fields))

    def delete(self, draft: Json) -> None:
        assert self.client.delete(f"{self.path}/{draft['draft_id']}").is_success

    def send(self, draft: Json) -> None:
        self._done(self.client.post(f"{self.path}/{draft['draft_id']}/send", json={}))

    def state(self, draft: Json, send_status: str) -> None:
        self.stage.v0.control("PUT", f"drafts/{draft['draft_id']}", {"send_status": send_status})

    def get(self, draft: Json) -> Json | None:
        answer = self.client.get(f"{self.path}/{draft['draft_id']}")
        return None if answer.status_code == 404 else answer.json()

    @property
    def ids(self) -> set[str]:
        listed = self._done(self.client.get(self.path, params={"limit": 100}))["drafts"]
        return {one["draft_id"] for one in listed}

    @staticmethod
    def _done(answer: httpx.Response) -> Json:
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found


class Room:
    """An office and what keeps it in step with the service."""

    def __init__(self, office: Office, kept: ServerDrafts) -> None:
        self.office = office
        self.kept = kept

    async def look(self) -> list[str]:
        return [str(sentence) for sentence in await self.kept.look()]

    @property
    def rows(self) -> tuple[ProposalRow, ...]:
        return self.office.proposals.rows()

    @property
    def only(self) -> ProposalRow:
        (row,) = self.rows
        return row

    def state(self, draft_id: str) -> DraftState:
        return self.office.drafts.head(draft_id).state

    async def approve(self, draft_id: str = "") -> list[OutboxState]:
        """Show it, decide on what was shown, and send it, as the screens do."""
        draft_id = draft_id or self.only.draft_id
        plan = await self.office.show(draft_id)
        return await self.decide(draft_id, plan.digest)

    async def decide(self, draft_id: str, digest: str) -> list[OutboxState]:
        await self.kept.hold(draft_id)
        entries = await self.office.send(draft_id, digest)
        sent = await self.office.sending.push([one.entry_id for one in entries], 30)
        return [one.state for one in sent]

    def links(self) -> dict[str, Json]:
        return dict(self.office.store.all(TABLE))


async def opened(stage: V0Stage, profile: SendProfile = SendProfile.STRICT, **policy: Any) -> Room:
    office = await stage.open(profile, **policy)
    return Room(office, server_drafts_of(office))
