"""What every test stands on: an isolated environment and one real sandbox a session.

(every test) whatever reaches a send route comes from the gate
sandbox   the running service and its test controls (one a session and worker)
agent     a fresh mailbox with its own token; its mail and faults are gone after the test
other     another mailbox
api       an httpx client with that token; every exchange is checked against the OpenAPI document
contract  the check itself, for other clients: `contract.check(response)`
disk      a fresh folder for tests that write a lot
deliver   puts a mail with files into the agent's mailbox
v0        AgentMail.to's door of the sandbox with its test controls
org       a fresh organization behind it: two inboxes, a key of everything
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from services.sandbox.process import SandboxProcess
from services.sandbox.records import Agent
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control

_UNWANTED = ("TEXTUAL", "SSH_", "AGENTMAIL_", "XDG_", "LC_")
_UNWANTED_NAMES = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "LINES", "TMUX", "LANGUAGE",
                   "MAIL_DOMAIN", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy",
                   "https_proxy", "all_proxy", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY")  # fmt: skip


@pytest.fixture(autouse=True)
def isolation(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nothing of the operator's own home, terminal, zone, language or keyring is seen by a test."""
    for name in tuple(os.environ):
        if name.startswith(_UNWANTED) or name in _UNWANTED_NAMES:
            if name == "TEXTUAL_SNAPSHOT_TEMPDIR":
                continue  # where the snapshot plugin gathers its pictures
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name, folder in (("CONFIG", ".config"), ("DATA", ".local/share"), ("STATE", ".local/state"),
                         ("CACHE", ".cache"), ("RUNTIME", ".run")):  # fmt: skip
        suffix = "DIR" if name == "RUNTIME" else "HOME"
        monkeypatch.setenv(f"XDG_{name}_{suffix}", str(home / folder))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    time.tzset()
    return home


_MEMORY_DISK = Path("/dev/shm")


@pytest.fixture
def disk() -> Iterator[Path]:
    """A fresh folder, in memory where the system offers that: nothing is proved by a slow disk."""
    fast = _MEMORY_DISK.is_dir() and os.access(_MEMORY_DISK, os.W_OK)
    with tempfile.TemporaryDirectory(dir=_MEMORY_DISK if fast else None) as folder:
        yield Path(folder)


ROOT = Path(__file__).resolve().parents[1]
GATE = str(ROOT / "services" / "outbound" / "gate" / "gate.py")


@pytest.fixture(scope="session", autouse=True)
def only_the_gate_sends() -> Iterator[None]:
    """Whatever this process gives a service to send comes from the gate, or from a test itself."""
    from services.api.http import HttpDoor
    from services.api.ses import SesTransport

    ask, send_raw = HttpDoor.ask, SesTransport.send_raw

    async def watched(self: HttpDoor, method: str, path: str, **more: Any) -> Any:
        if method == "POST" and path.rpartition("/")[2].startswith(("send", "reply", "forward")):
            assert _may_send(), f"{method} {path} went past the gate"
        return await ask(self, method, path, **more)

    async def watched_ses(self: SesTransport, *args: Any, **more: Any) -> Any:
        assert _may_send(), "a mail by Amazon SES went past the gate"
        return await send_raw(self, *args, **more)

    HttpDoor.ask = watched  # type: ignore[method-assign]
    SesTransport.send_raw = watched_ses  # type: ignore[method-assign]
    yield
    HttpDoor.ask = ask  # type: ignore[method-assign]
    SesTransport.send_raw = send_raw  # type: ignore[method-assign]


def _may_send() -> bool:
    """Tell whether the gate is among the callers, or nothing of the program but the wire itself."""
    frame: FrameType | None = sys._getframe(1)
    callers = set()
    while frame is not None:
        callers.add(frame.f_code.co_filename)
        frame = frame.f_back
    ours = tuple(str(ROOT / folder) + os.sep for folder in ("services", "tui", "widgets"))
    wire = str(ROOT / "services" / "api") + os.sep
    program = {name for name in callers if name.startswith(ours) and not name.startswith(wire)}
    return GATE in program or not program


class SandboxControl:
    """A running sandbox and its test controls (services/sandbox/control_door.py)."""

    def __init__(self, process: SandboxProcess) -> None:
        self.process = process
        self.base_url = process.base_url
        self.s3_url = process.s3_url
        self.smtp = process.smtp
        self.accounts = process.accounts
        self.ses = process.ses
        self.http = httpx.Client(base_url=process.base_url, trust_env=False, verify=False)

    def new_agent(self, agent_id: str | None = None) -> Agent:
        """Make a mailbox; without a name it gets a random one."""
        about = self._call("POST", "agents", {"agent_id": agent_id} if agent_id else {})
        return Agent(about["agent_id"], about["address"], about["token"])

    def remove_agent(self, agent: Agent) -> None:
        """Forget a mailbox, its mail and the faults ordered for it."""
        self._call("DELETE", f"agents/{agent.agent_id}")

    def add_mail(self, agent: Agent, raw: bytes | str, **fields: Any) -> str:
        """Put a mail into a mailbox; fields: verified, received_at, labels, is_read, archived,
        trust_tier, traffic_type, message_id. Returns the message id."""
        data = raw.encode() if isinstance(raw, str) else raw
        encoded = base64.b64encode(data).decode()
        body = {"agent_id": agent.agent_id, "raw_base64": encoded, **fields}
        return self._call("POST", "mail", body)["message_id"]

    def call(self, agent: Agent, method: str, path: str, body: object = None) -> Any:
        """Call the API as an agent and return the JSON of an answer that must be a success."""
        headers = {"Authorization": f"Bearer {agent.token}"}
        answer = self.http.request(method, path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def clear_mail(self, agent: Agent) -> None:
        """Delete all mail of a mailbox."""
        self._call("DELETE", f"mail/{agent.agent_id}")

    def fill(self, agent: Agent, count: int, seed: int = 7) -> None:
        """Put sample mail into a mailbox."""
        self._call("POST", "fill", {"agent_id": agent.agent_id, "count": count, "seed": seed})

    def fault(self, kind: str, agent: Agent | None = None, **fields: Any) -> None:
        """Order a fault (services/sandbox/faults.py); without agent it hits everybody."""
        named = {"agent_id": agent.agent_id} if agent else {}
        self._call("POST", "faults", {"kind": kind, **named, **fields})

    def hit(self) -> None:
        """Wait until every ordered fault has hit a call."""
        until = time.monotonic() + PATIENCE
        while self._call("GET", "faults")["faults"]:
            assert time.monotonic() < until

    def clear_faults(self) -> None:
        """Take back all faults."""
        self._call("DELETE", "faults")

    def requests(self, agent: Agent | None = None) -> list[dict[str, Any]]:
        """What was asked: door, method, path, operation, header names, status."""
        query = f"?agent_id={agent.agent_id}" if agent else ""
        return self._call("GET", f"requests{query}")["requests"]

    def sent(self, agent: Agent) -> list[dict[str, Any]]:
        """What an agent has sent: to, local, raw_mime, and the request as it came."""
        return self._call("GET", f"sent?agent_id={agent.agent_id}")["sent"]

    def settings(self, **values: Any) -> None:
        """Switch footer, upload_ttl, download_ttl, clock_offset."""
        self._call("PUT", "settings", values)

    def reset(self) -> None:
        """Take back all faults and settings, forget the requests."""
        self._call("POST", "reset")

    def _call(self, method: str, path: str, body: object = None) -> Any:
        answer = self.http.request(method, f"/_sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="session")
def sandbox_session() -> Iterator[SandboxControl]:
    process = SandboxProcess.start()
    control = SandboxControl(process)
    yield control
    control.http.close()
    process.stop()


@pytest.fixture
def sandbox(sandbox_session: SandboxControl) -> Iterator[SandboxControl]:
    """The session's sandbox; faults, settings and seen requests are reset after the test."""
    yield sandbox_session
    sandbox_session.reset()


@pytest.fixture
def agent(sandbox: SandboxControl) -> Iterator[Agent]:
    """A fresh, empty mailbox."""
    made = sandbox.new_agent()
    yield made
    sandbox.remove_agent(made)


@dataclass(frozen=True)
class ContractCheck:
    """Checks exchanges against the OpenAPI document; what is outside the contract passes."""

    api: Any

    def check(self, response: httpx.Response) -> None:
        """Raise when a request or an answer breaks the contract; usable as an httpx event hook."""
        from openapi_core.datatypes import RequestParameters
        from werkzeug.datastructures import Headers, ImmutableMultiDict

        request = response.request
        if request.url.path.startswith("/_sandbox") or not _is_json(response):
            return
        response.read()
        asked = _Asked(
            host_url=f"{request.url.scheme}://{request.url.netloc.decode()}",
            path=request.url.raw_path.decode().partition("?")[0],
            method=request.method.lower(),
            body=request.content or None,
            content_type=request.headers.get("content-type", ""),
            parameters=RequestParameters(
                query=ImmutableMultiDict(request.url.params.multi_items()),
                header=Headers(list(request.headers.items())),
                cookie={},
                path={},
            ),
        )
        answered = _Answered(
            data=response.content,
            status_code=response.status_code,
            content_type="application/json",
            headers=Headers(list(response.headers.items())),
        )
        if response.status_code < 400:
            self.api.validate_request(asked)
        self.api.validate_response(asked, answered)

    async def check_async(self, response: httpx.Response) -> None:
        """Do the same as an event hook of an httpx.AsyncClient."""
        await response.aread()
        await asyncio.to_thread(self.check, response)


@dataclass
class _Asked:
    host_url: str
    path: str
    method: str
    body: bytes | None
    content_type: str
    parameters: Any


@dataclass
class _Answered:
    data: bytes
    status_code: int
    content_type: str
    headers: Any


def _is_json(response: httpx.Response) -> bool:
    return response.headers.get("content-type", "").startswith("application/json")


@pytest.fixture
def other(sandbox: SandboxControl) -> Iterator[Agent]:
    """Another mailbox."""
    made = sandbox.new_agent()
    yield made
    sandbox.remove_agent(made)


@pytest.fixture(scope="session")
def contract() -> ContractCheck:
    """The check of exchanges against the generated OpenAPI document."""
    from openapi_core import OpenAPI

    from services.api.openapi import document

    return ContractCheck(OpenAPI.from_dict(document()))


@pytest.fixture
def api(sandbox: SandboxControl, agent: Agent, contract: ContractCheck) -> Iterator[httpx.Client]:
    """A plain HTTP client of the fresh mailbox; every exchange is checked against the contract."""
    with httpx.Client(
        base_url=sandbox.base_url,
        headers={"Authorization": f"Bearer {agent.token}"},
        event_hooks={"response": [contract.check]},
        trust_env=False,
        verify=False,
    ) as client:
        yield client


Deliver = Callable[..., str]


@pytest.fixture
def deliver(sandbox: SandboxControl, agent: Agent) -> Deliver:
    """Puts a mail with these files (name, bytes, type) into the mailbox; returns its id."""

    def put(*files: tuple[str, bytes, str]) -> str:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "x@y.example", agent.address, "files"
        mail.set_content("See the files.")
        for name, data, kind in files:
            main, _, sub = kind.partition("/")
            mail.add_attachment(data, main, sub, filename=name)
        return sandbox.add_mail(agent, mail.as_bytes())

    return put


@pytest.fixture
def v0(sandbox: SandboxControl) -> V0Control:
    """AgentMail.to's door of the session."""
    from tests.services.sandbox.agentmail_to.v0_control import V0Control

    return V0Control(sandbox)


@pytest.fixture
def org(v0: V0Control) -> Iterator[Org]:
    """An organization of this test; its inboxes are gone after it."""
    from tests.services.sandbox.agentmail_to.v0_control import seg

    made = v0.new_org()
    yield made
    v0.sandbox.clear_faults()
    with v0.client(made.key) as client:
        for inbox_id in (made.one, made.two):
            client.delete(f"inboxes/{seg(inbox_id)}")
