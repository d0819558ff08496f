"""The running /v0 door as tests see it: its test controls, an organization, mail to put into it."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
from agentmail import AgentMail, AgentMailEnvironment
from agentmail.attachments.types.send_attachment import SendAttachment

if TYPE_CHECKING:
    from tests.conftest import SandboxControl


@dataclass(frozen=True)
class Org:
    """An organization of one test: `one` and `two` are the ids of its inboxes."""

    organization_id: str
    pod_id: str
    key: str
    one: str
    two: str


class V0Control:
    """The door of a running sandbox and its test controls."""

    def __init__(self, sandbox: SandboxControl) -> None:
        access = sandbox.process.agentmail_to
        self.sandbox = sandbox
        self.access = access
        self.base_url = access.base_url
        self.root = access.base_url.removesuffix("/v0/")
        self.ws_url = access.ws_url
        self.http = httpx.Client(base_url=self.root, trust_env=False)

    def control(self, method: str, path: str, body: object = None, **query: str) -> Any:
        """Call a test control; it must succeed."""
        answer = self.http.request(method, f"/_sandbox/{path}", json=body, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def new_org(self) -> Org:
        """Make an organization with two inboxes."""
        names = [f"v{secrets.token_hex(5)}" for _ in range(2)]
        made = self.control("POST", "organizations", {"inboxes": names})
        return Org(made["organization_id"], made["pod_id"], made["api_key"], *made["inboxes"])

    def key(self, org: Org, **fields: Any) -> str:
        """Make a key: pod_id, inbox_id, permissions, expires_at."""
        body = {"organization_id": org.organization_id, **fields}
        return str(self.control("POST", "keys", body)["api_key"])

    def receive(self, inbox_id: str, raw: str | bytes = "", **fields: Any) -> dict[str, str]:
        """Let an inbox receive a mail: message_id, labels, received_at. Returns both ids."""
        data = raw.encode() if isinstance(raw, str) else raw
        encoded = base64.b64encode(data).decode()
        return self.control("POST", "mail", {"inbox_id": inbox_id, "raw_base64": encoded, **fields})

    def sent(self, inbox_id: str) -> list[dict[str, Any]]:
        """What an inbox has sent: request, recipients, operation, idempotency_key, raw_mime."""
        return self.control("GET", "sent", inbox_id=inbox_id)["sent"]

    def client(self, key: str) -> httpx.Client:
        """A plain HTTP client with a key."""
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.base_url, headers=headers, trust_env=False)


def mail(subject: str = "Hello", text: str = "Some text.", **headers: str) -> str:
    """A plain mail from a stranger; underscores in names of headers are dashes."""
    given = {
        "From": "Ada <ada@elsewhere.example>", "To": "someone@agents.example.com",
        "Subject": subject, "Message-ID": f"<{secrets.token_hex(8)}@elsewhere.example>",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }  # fmt: skip
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
    return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"


def seg(text: str) -> str:
    """One path segment, escaped whole."""
    return quote(text, safe="")


def client_of(v0: V0Control, key: str) -> AgentMail:
    environment = AgentMailEnvironment(http=v0.root, websockets=v0.ws_url.removesuffix("/v0"))
    quiet = httpx.Client(trust_env=False, follow_redirects=True)
    return AgentMail(environment=environment, api_key=key, httpx_client=quiet)


def attachment(name: str = "note.txt", data: bytes = b"enclosed") -> SendAttachment:
    return SendAttachment(
        filename=name, content_type="text/plain", content=base64.b64encode(data).decode()
    )
