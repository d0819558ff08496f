"""No send route is reachable but through the gate, and nothing but the gate makes a ready mail.

Here the sources are read; `tests/conftest.py` watches the wire in every test (`only_the_gate_sends`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.api.http import HttpDoor
from services.redact import Secret
from tests.fakes.scripted_service import FakeService, answer

ROOT = Path(__file__).resolve().parents[3]
GATE = Path("services/outbound/gate")
WAYS = GATE / "transports"
ROUTES = re.compile(r'"(?:send_marketplace_\w+|/send)"|\bMailSender\b|assmbl_send')
OPERATION = re.compile(r'"send_mail"')
"""In services it is the route's name; screens have commands of that name."""


def sources() -> Iterator[tuple[Path, str]]:
    for folder in ("services", "tui", "widgets"):
        for path in (ROOT / folder).rglob("*.py"):
            place = path.relative_to(ROOT)
            if "sandbox" not in place.parts:
                yield place, path.read_text()


def names_what_sends(place: Path, text: str) -> bool:
    found = ROUTES.search(text)
    return bool(found or (place.parts[0] == "services" and OPERATION.search(text)))


def test_only_the_gate_names_what_sends() -> None:
    # The table of routes says that the route exists; the client's docstring says who may use it.
    known = {
        WAYS / "assmbl.py",
        Path("services/api/assmbl_send.py"),
        Path("services/api/routes.py"),
        Path("services/api/assmbl.py"),
    }
    assert {place for place, text in sources() if names_what_sends(place, text)} == known


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


async def test_the_spy_on_the_wire_sees_a_send_that_passes_the_gate_by() -> None:
    async with FakeService(answer(200, {})) as service:
        door = HttpDoor(service.url, Secret("token"))
        code = compile(
            "async def smuggle(door): await door.ask('POST', '/send', body=b'{}')",
            str(ROOT / "services" / "smuggler.py"),
            "exec",
        )
        space: dict[str, object] = {}
        exec(code, space)
        with pytest.raises(AssertionError, match="past the gate"):
            await space["smuggle"](door)  # type: ignore[operator]
        await door.aclose()
        assert service.seen == []
