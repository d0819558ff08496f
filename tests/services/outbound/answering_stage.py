"""Mail that tests answer: from Ann to the own address, in clear or encrypted."""

from __future__ import annotations

from typing import Any

from services.draft import DraftKind
from services.outbound.log.lending import Original
from services.outbound.writing.replying import Begun, Desktop, begin_answer
from services.reading.render import parse_mail, present
from services.safe_text import ui
from services.seal_models import SealFacts, SealState
from services.shown_mail import BodyLine, LineKind, RenderedMessage
from services.wire_values import InboxItem

OWN = "me@agents.example.com"
DESKTOP = Desktop(OWN, now=1_790_000_500)


def original(*head: str, body: str = "First line.\n\nSecond.", **fields: Any) -> Original:
    """A mail from Ann to the own address; header lines of `head` take the place of the usual ones."""
    usual = [
        "From: Ann <ann@x.example>",
        f"To: {OWN}",
        "Subject: plans",
        "Date: Mon, 12 Oct 2026 14:03:00 +0000",
        "Message-ID: <1@x.example>",
    ]
    given = {line.partition(":")[0].lower() for line in head}
    lines = [*head, *(line for line in usual if line.partition(":")[0].lower() not in given)]
    raw = "\r\n".join((*lines, "", body)).encode()
    item = InboxItem(
        "m1",
        **{"sender": "Ann <ann@x.example>", "recipient": OWN, "sender_verified": True, **fields},
    )
    return Original(item, raw, present(parse_mail(raw)))


def sealed(state: SealState, *head: str) -> Original:
    """The same mail, encrypted: opened with its text inside, or not."""
    lines = [BodyLine(ui("Our words about the key"), LineKind.NOTICE)]
    if state is SealState.OPENED:
        lines = [BodyLine(ui("inside"))]
    outside = BodyLine(ui("from outside"), outside=True)
    plain = original(*head)
    message = RenderedMessage(
        ui("Ann"), ui("ann@x.example"), ui(OWN), ui("plans"), 0, (*lines, outside),
        encrypted=True, seal=SealFacts(state),
    )  # fmt: skip
    return Original(plain.item, plain.raw, message)


def begin(kind: DraftKind, mail: Original, desktop: Desktop = DESKTOP) -> Begun:
    return begin_answer(kind, mail, desktop)
