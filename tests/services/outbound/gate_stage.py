"""What tests of the gate send, and how they look at what arrived, was uploaded or left behind."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path
from typing import Any

import httpx

from services.draft import Draft
from services.reading.mime import raw_bytes
from tests.conftest import SandboxControl
from tests.fakes.sending import written
from tests.services.outbound.conftest import Party, Storage

CANARY = "the canary sings at noon"


def draft(to: str, *files: Path, sealed: bool = True, text: str = CANARY) -> Draft:
    return written(to, "Quarterly numbers", text, sealed=sealed, files=files, correlation_id="c-1")


def mail(to: str, *files: Path, **more: Any) -> Draft:
    """A mail in clear."""
    return written(to, "Numbers", "the canary sings", sealed=False, files=files, **more)


async def read(reader: Party) -> tuple[str, Any]:
    """The newest mail of a mailbox: its id and itself, parsed."""
    item = (await reader.inbox())[-1]
    fetched = await reader.client.get_message(item.message_id)
    raw = raw_bytes(fetched.raw_mime)
    return item.message_id, email.message_from_bytes(raw, policy=email.policy.default)


def fetch(url: str) -> bytes:
    return httpx.get(url, trust_env=False).content


def change(path: Path) -> None:
    path.write_bytes(b"another content")


def nothing_left(sandbox: SandboxControl, storage: Storage, sender: Party) -> bool:
    return nothing_uploaded(sandbox, storage, sender) and not list(sender.spool.glob("*/*"))


def nothing_uploaded(sandbox: SandboxControl, storage: Storage, sender: Party) -> bool:
    return not (sandbox.sent(sender.agent) or storage.keys_of(sender.agent))
