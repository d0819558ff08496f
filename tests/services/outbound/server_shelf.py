"""Drafts on a service of AgentMail.to without manners, or of many: every answer of it is scripted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

from services.api.agentmail_to.client import AgentMailToClient
from tests.fakes.scripted_service import FakeService, FakeSleep, Reply, Seen, answer
from tests.services.outbound.v0_stage import V0Stage

WHEN = "2026-11-01T00:00:00Z"
LATER = "2026-11-02T00:00:00Z"
Json = dict[str, Any]


def draft(draft_id: str, **fields: Any) -> Json:
    return {
        "draft_id": draft_id,
        "to": ["ann@outside.example"],
        "subject": "S",
        "text": "T",
    } | fields


class Shelf:
    """Drafts as the service tells them, in pages; `url` is where its files are."""

    def __init__(self, drafts: Iterable[Json], page: int = 100) -> None:
        self.drafts = {one["draft_id"]: {"updated_at": WHEN} | one for one in drafts}
        self.page = page
        self.url = ""
        self.asked: list[str] = []
        """Ids of the drafts that were asked for."""
        self.listed: list[str] = []
        """Tokens of the pages that were asked for, or the labels."""
        self.silent: set[str] = set()
        """Ids of drafts about which nothing is ever answered."""
        self.begun = asyncio.Event()
        """The first of the drafts `m…` was asked for."""

    def __call__(self, seen: Seen) -> Reply:
        path, _, query = seen.target.partition("?")
        last = path.rpartition("/")[2]
        if path.endswith("/drafts"):
            return self._list({name: texts[0] for name, texts in parse_qs(query).items()})
        if "/attachments/" in path:
            return answer(200, {"attachment_id": last, "download_url": f"{self.url}/{last}"})
        if path.endswith("/inboxes"):
            return answer(200, {"count": 0, "inboxes": []})
        if seen.method == "DELETE":
            del self.drafts[last]
            return answer(200, b"")
        self.asked.append(last)
        if last.startswith("m"):
            self.begun.set()
        if last in self.silent:
            return Reply()
        found = self.drafts.get(last)
        return answer(404, {"code": "not_found"}) if found is None else answer(200, found)

    def change(self, draft_id: str, **fields: Any) -> None:
        """Change a draft: it is the first of the list then."""
        changed = self.drafts.pop(draft_id) | {"updated_at": LATER} | fields
        self.drafts = {draft_id: changed} | self.drafts

    def _list(self, query: dict[str, str]) -> Reply:
        labels, token = query.get("labels", ""), query.get("page_token", "")
        self.listed.append(labels or token)
        found = [one for one in self.drafts.values() if not labels or "send_at" in one]
        at = int(token or 0)
        heads = [
            {"draft_id": one["draft_id"], "updated_at": one["updated_at"]}
            for one in found[at : at + self.page]
        ]
        told: Json = {"count": len(heads), "drafts": heads}
        if at + self.page < len(found):
            told["next_page_token"] = str(at + self.page)
        return answer(200, told)


async def reach(stage: V0Stage, service: FakeService) -> None:
    """Let the stage's inbox lie on that service."""
    await stage.client.aclose()
    url = f"{service.url}/v0/"
    stage.client = AgentMailToClient(url, stage.org.key, stage.address, sleep=FakeSleep())
