"""Mail in an inbox of the sandbox, and how it stands there: for the tests of the client."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

from services.api.agentmail_to.client import AgentMailToClient
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, mail, seg


def fill(v0: V0Control, inbox_id: str, count: int) -> list[str]:
    """Put numbered mail into an inbox, a second apart; their ids, oldest first."""
    return [
        v0.receive(inbox_id, mail(f"No. {number}"), received_at=1_700_000_000.0 + number)[
            "message_id"
        ]
        for number in range(count)
    ]


async def all_ids(client: AgentMailToClient, **filters: Any) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = await client.list_inbox(cursor=cursor, **filters)
        found += [item.message_id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


def server_labels(v0: V0Control, org: Org, message_id: str) -> set[str]:
    with v0.client(org.key) as http:
        return set(http.get(f"inboxes/{org.one}/messages/{seg(message_id)}").json()["labels"])


def with_files(*files: tuple[str, bytes]) -> bytes:
    made = EmailMessage()
    made["From"], made["Subject"] = "a@b.example", "Files"
    made.set_content("See files.")
    for name, data in files:
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes()
