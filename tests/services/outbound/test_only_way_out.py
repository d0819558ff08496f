"""No send route is reachable but through the gate, and nothing but the gate makes a ready mail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GATE = Path("services/outbound/gate.py")
ROUTES = re.compile(r'"(?:send_mail|send_marketplace_\w+|/send)"|\bMailSender\b|assmbl_send')


def sources() -> Iterator[tuple[Path, str]]:
    for folder in ("services", "tui", "widgets"):
        for path in (ROOT / folder).rglob("*.py"):
            place = path.relative_to(ROOT)
            if "sandbox" not in place.parts:
                yield place, path.read_text()


def test_only_the_gate_names_what_sends() -> None:
    # The table of routes says that the route exists; the client's docstring says who may use it.
    known = {
        GATE,
        Path("services/api/assmbl_send.py"),
        Path("services/api/routes.py"),
        Path("services/api/assmbl.py"),
    }
    assert {place for place, text in sources() if ROUTES.search(text)} == known


def test_only_the_gate_makes_a_ready_mail() -> None:
    makers = {place for place, text in sources() if re.search(r"(?<!class )\bReadyMail\(", text)}
    assert makers == {GATE}
