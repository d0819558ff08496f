"""No send route is reachable but through the gate, and nothing but the gate makes a ready mail.

Here the sources are read; `tests/conftest.py` watches the wire in every test (`only_the_gate_sends`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from services.api.agentmail_to.routes import ROUTES, SEND_ROUTES
from services.api.agentmail_to.send import STRICT_KEYS, WIDE_KEYS, Letter
from services.api.http import HttpDoor
from services.api.ses import SesTransport
from services.redact import Secret
from services.service_config import SesPlace
from tests.fakes.scripted_service import FakeService, answer

ROOT = Path(__file__).resolve().parents[3]
GATE = Path("services/outbound/gate")
WAYS = GATE / "transports"
NAMES = {
    "assmbl": re.compile(r'"(?:send_marketplace_\w+|/send)"|\bMailSender\b|assmbl_send'),
    "agentmail_to": re.compile(
        r"\bLetterSender\b|agentmail_to\.send\b|agentmail_to import send\b|\bSEND_ROUTES\b"
    ),
    "ses": re.compile(r"\bSesTransport\b|\bsend_raw\b|from services\.api\.ses import|\bboto3\."),
}
OPERATION = re.compile(r'"send_mail"')
"""In services it is the route's name; screens have commands of that name."""
API = Path("services/api")
KNOWN = {
    # The table of routes says that the route exists; the client's docstring says who may use it.
    "assmbl": {WAYS / "assmbl.py", API / "assmbl_send.py", API / "routes.py", API / "assmbl.py"},
    "agentmail_to": {
        WAYS / "agentmail_to.py",
        API / "agentmail_to" / "send.py",
        API / "agentmail_to" / "routes.py",
        API / "agentmail_to" / "wire.py",
        API / "agentmail_to" / "__init__.py",
    },
    "ses": {WAYS / "ses.py", API / "ses.py"},
}


def sources() -> Iterator[tuple[Path, str]]:
    for folder in ("services", "tui", "widgets"):
        for path in (ROOT / folder).rglob("*.py"):
            place = path.relative_to(ROOT)
            if "sandbox" not in place.parts:
                yield place, path.read_text()


def names_what_sends(place: Path, text: str, service: str) -> bool:
    operation = place.parts[0] == "services" and service == "assmbl" and OPERATION.search(text)
    return bool(NAMES[service].search(text) or operation)


@pytest.mark.parametrize("service", NAMES)
def test_only_the_way_out_of_a_service_names_what_sends_there(service: str) -> None:
    found = {place for place, text in sources() if names_what_sends(place, text, service)}
    assert found == KNOWN[service]


def test_the_mailbox_of_agentmail_to_has_no_route_that_sends() -> None:
    sending = re.compile(r"/(?:send|reply|reply-all|forward)$")
    assert [name for name, route in ROUTES.items() if sending.search(route.path)] == []
    assert {route.path.rpartition("/")[2] for route in SEND_ROUTES.values()} == {"send", "reply"}


def test_what_is_sent_there_can_hold_no_html_and_name_nobody_unseen() -> None:
    forbidden = {"html", "cc", "reply_all", "reply_to", "labels", "track_opens", "send_at"}
    for route in SEND_ROUTES.values():
        assert route.request is not None
        assert forbidden.isdisjoint(route.request.__struct_fields__)
    assert {field.name for field in fields(Letter)} == WIDE_KEYS
    assert {"to", "bcc", "subject", "text"} == STRICT_KEYS


@pytest.mark.parametrize(
    ("made", "maker"),
    [
        ("ReadyMail", GATE / "transport.py"),
        ("SealedMail", GATE / "gate.py"),
        ("OutboundMail", Path("services/outbound/gate/fan_out.py")),
        ("Plan", Path("services/outbound/gate/planning.py")),
    ],
)
def test_what_leaves_is_made_in_one_place(made: str, maker: Path) -> None:
    makes = re.compile(rf"(?<!class )\b{made}\(")
    services = ((place, text) for place, text in sources() if place.parts[0] == "services")
    assert {place for place, text in services if makes.search(text)} == {maker}


SENDS = ("/send", "/inboxes/a/messages/send", "/inboxes/a/messages/b/reply-all",
         "/inboxes/a/drafts/b/send")  # fmt: skip


@pytest.mark.parametrize("path", SENDS)
async def test_the_spy_on_the_wire_sees_a_send_that_passes_the_gate_by(path: str) -> None:
    async with FakeService(answer(200, {})) as service:
        door = HttpDoor(service.url, Secret("token"))
        code = compile(
            "async def smuggle(door, path): await door.ask('POST', path, body=b'{}')",
            str(ROOT / "services" / "smuggler.py"),
            "exec",
        )
        space: dict[str, object] = {}
        exec(code, space)
        with pytest.raises(AssertionError, match="past the gate"):
            await space["smuggle"](door, path)  # type: ignore[operator]
        await door.aclose()
        assert service.seen == []


async def test_the_spy_sees_a_mail_by_ses_that_passes_the_gate_by() -> None:
    transport = SesTransport(SesPlace("a@b.example", endpoint="http://127.0.0.1:9"))
    code = compile(
        "async def smuggle(ses): await ses.send_raw(b'', to='c@d.example')",
        str(ROOT / "services" / "smuggler.py"),
        "exec",
    )
    space: dict[str, object] = {}
    exec(code, space)
    with pytest.raises(AssertionError, match="past the gate"):
        await space["smuggle"](transport)  # type: ignore[operator]
