"""What tests of `draft` share: proposals of an agent, and a look at what is kept of them."""

from __future__ import annotations

import asyncio
from typing import Any

from services.outbound.office import Office
from tests.tui.key_stage import Script
from tui.profile import open_profile

BOT = ("--from-agent", "bot")
DO_NOT = "Do not send it again."


def in_office(work: Any) -> Any:
    """Do something as the app would, on the same files."""

    async def run() -> Any:
        async with open_profile("me").office() as office:
            return await work(office)

    return asyncio.run(run())


def kept(draft_id: str) -> Any:
    """A draft as it is kept."""

    async def get(office: Office) -> Any:
        return await office.draft(draft_id)

    return in_office(get)


def proposed(script: Script, *words: str, subject: str = "Report") -> str:
    """The id of a proposal."""
    to = script.address("peer")
    told = script.json(
        "me", "draft", *BOT, "--to", to, "--subject", subject, "--body", "Done.", *words, code=3
    )
    return str(told["id"])
