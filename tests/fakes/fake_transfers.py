"""Files on their way in memory: answers what the Transfers screen asks, and moves what a test moves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from services.events import Event
from services.requests import Request
from services.safe_text import ui
from services.transfer_events import ForgetTransfers, ListTransfers, TransferMoved, TransfersListed
from services.transfer_models import Direction, TransferRow, TransferState
from tests.fakes.rows import NOON

_SHA = "9c1f3be0a4d2577e8b6f0d1c2a3948576e7f8091a2b3c4d5e6f708192a3b4c5d"


def row(
    name: str, state: TransferState, direction: Direction = Direction.DOWN, **more: object
) -> TransferRow:
    """A row; its id is its name."""
    told: dict[str, object] = {"about": ui("Quarterly numbers"), "changed_at": NOON} | more
    return TransferRow(name, direction, state, ui(name), **told)  # type: ignore[arg-type]


ROWS = (
    row("report.pdf", TransferState.FETCHING, done=5_100_000, total=12_400_000, speed=1_200_000,
        can_cancel=True),
    row("plan with a rather long name, second edition.odt", TransferState.SEALING, Direction.UP,
        about=ui("research@agents.example.com: The plan"), done=4_000_000, total=50_000_000,
        can_cancel=True),
    row("figures.xlsx", TransferState.QUEUED, can_cancel=True),
    row("photo.jpg", TransferState.DONE, total=2_100_000, sha256=_SHA,
        path=Path("/home/op/Downloads/photo.jpg"), sentence=ui("Saved as ~/Downloads/photo.jpg.")),
    row("notes.txt", TransferState.LOCKED, can_retry=True,
        sentence=ui("Your key is locked. Unlock it with its passphrase.")),
    row("minutes.pdf", TransferState.FAILED, can_retry=True, total=300_000,
        sentence=ui("The storage host has a fault of its own (status 503). Try again later.")),
    row("draft.odt", TransferState.CANCELLED, Direction.UP),
)  # fmt: skip


class FakeTransfers:
    """Tells its rows; `asked` is what it was asked."""

    def __init__(self, rows: tuple[TransferRow, ...] = ROWS) -> None:
        self.rows = rows
        self.asked: list[Request] = []
        self._emit: Callable[[Event], None] = lambda _: None

    def answer(self, number: int, request: Request, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self.asked.append(request)
        if isinstance(request, ForgetTransfers):
            self.rows = tuple(one for one in self.rows if not one.state.is_over)
        if isinstance(request, ForgetTransfers | ListTransfers):
            emit(TransfersListed(number, self.rows))

    def move(self, moved: TransferRow) -> None:
        """Tell about one file."""
        self._emit(TransferMoved(moved))
