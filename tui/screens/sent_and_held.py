"""The screens of what the agent itself sent and of what was kept from it, as the service lists both.

Closes the trap of an operator who sees only what came in: what another program sent with the same
inbox, and mail that an agent waits for in vain because it lies among spam, is listed here.
"""

from __future__ import annotations

from services.safe_text import ui
from services.shelves import Shelf
from tui.screens.shelf import ShelfScreen


class AllSentScreen(ShelfScreen):
    """What was sent from the inbox, by whatever program."""

    HEADING = ui("All sent mail")
    SHELF = Shelf.SENT
    ASKING = ui("Asking the service what was sent from this inbox …")
    EMPTY = ui("The service lists nothing that was sent from this inbox.")


class HeldScreen(ShelfScreen):
    """What the service keeps out of the inbox."""

    HEADING = ui("Held mail")
    SHELF = Shelf.HELD
    ASKING = ui("Asking the service what it keeps out of the inbox …")
    EMPTY = ui(
        "The service holds nothing back: neither spam nor mail of blocked senders, "
        "as far as the API key may see it."
    )
