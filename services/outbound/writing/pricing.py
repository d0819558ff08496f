"""What a marketplace agent charges, as lines to read before a request is sent (api/assmbl.md §10).

Closes the trap of a price that looks like a promise: everything is told as the service's word, with
the unit that the documents give it (token prices are per million), and what is not said is not made up.
A price that is too small for a few digits is not told as nothing, and one agent's not as another's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol, cast

from services.errors import BadAnswer, NotFound, UsageError
from services.outbound.writing.typed_addresses import read_address
from services.safe_text import SafeText, clean_line, phrase, ui

if TYPE_CHECKING:
    from services.api import wire

_MODELS: Final = {
    "token_based": ui("Priced by tokens"),
    "dynamic": ui("Priced by outcome"),
}
_PRICES: Final = (
    ("base_price", "Base price: {}"),
    ("token_price_input", "Input: {} per million tokens"),
    ("token_price_output", "Output: {} per million tokens"),
    ("minimum_charge", "At least: {}"),
)
_TEXTS: Final = (
    ("listing_summary", "About: {}"),
    ("request_payload_docs", "What to write: {}"),
    ("support_url", "Support: {}"),
)
_TEXT_SHOWN: Final = 300
_PLAIN: Final = (1e-6, 1e12)
"""Amounts that are written with six places; others with their power of ten."""


class PriceList(Protocol):
    """Where prices are looked up (`services.api.assmbl_directory.Directory`)."""

    async def lookup_public_pricing(self, agent_id: str) -> wire.PublicPricing: ...


def price_list(client: object) -> PriceList:
    """Return where a service keeps prices; UsageError for one that keeps none (AgentMail.to)."""
    prices = getattr(client, "directory", None)
    if prices is None:
        raise UsageError("The service of this account keeps no prices.")
    return cast("PriceList", prices)


async def ask_pricing(
    prices: PriceList, address: str, mail_domain: str, agent_id: str = ""
) -> tuple[SafeText, ...]:
    """Return what the agent behind an address charges; () when it names no price.

    `agent_id` is its name in the directory when the address does not tell. Raises UsageError for an
    address of another domain, or of any while the own is not known, without one; ServiceError when
    the service does not answer, or of somebody else.
    """
    local, _, domain = read_address(address).address.rpartition("@")
    if not agent_id and domain.lower() != mail_domain.lower():
        raise UsageError(
            "Only agents of the own mail domain have prices.", "Give the agent's name."
        )
    asked = agent_id or local
    try:
        pricing = await prices.lookup_public_pricing(asked)
    except NotFound:
        return ()
    if pricing.agent_id.casefold() != asked.casefold():
        raise BadAnswer("The service answered with the prices of another agent.")
    return pricing_lines(pricing)


def pricing_lines(pricing: wire.PublicPricing) -> tuple[SafeText, ...]:
    """Return a price list as lines; () when the agent takes no requests or names no price."""
    if pricing.enabled is False:
        return ()
    currency = clean_line(pricing.currency or "", 10)
    lines = [
        phrase(template, _amount(value, currency))
        for name, template in _PRICES
        if (value := getattr(pricing, name)) is not None
    ]
    if pricing.free_quota:
        lines.append(phrase("Free: the first {}", pricing.free_quota))
    if not lines:
        return ()
    model = pricing.pricing_model or ""
    if model:
        lines.insert(0, _MODELS.get(model) or phrase("Priced by: {}", clean_line(model, 40)))
    lines += [
        phrase(template, clean_line(value, _TEXT_SHOWN))
        for name, template in _TEXTS
        if (value := getattr(pricing, name))
    ]
    return tuple(lines)


def _amount(value: float, currency: SafeText) -> SafeText:
    if not math.isfinite(value):
        return ui("not a number")
    smallest, largest = _PLAIN
    is_plain = not value or smallest <= abs(value) < largest
    written = f"{value or 0.0:.6f}".rstrip("0").rstrip(".") if is_plain else f"{value:.6g}"
    shown = clean_line(written)
    return phrase("{} {}", shown, currency) if currency else shown
