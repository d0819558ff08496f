"""Signature, templates and prices: what a mail begins with, read from files and from the service."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.api.assmbl import AssmblClient
from services.api.wire import BillingPricing, PublicPricing
from services.errors import BadAnswer, ConfigError, NotFound, ServiceError, UsageError
from services.outbound.writing.pricing import ask_pricing, price_list, pricing_lines
from services.outbound.writing.templates import SIZE_LIMIT, Stationery, Template
from tests.conftest import SandboxControl
from tests.fakes.scripted_service import FakeSleep


@pytest.fixture
def stationery(tmp_path: Path) -> Stationery:
    (tmp_path / "templates").mkdir()
    return Stationery(tmp_path)


def put(stationery: Stationery, name: str, text: str | bytes) -> Path:
    file = stationery.folder / "templates" / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_nothing_there_is_no_signature_and_no_templates(tmp_path: Path) -> None:
    assert Stationery(tmp_path / "none").signature() == ""
    assert Stationery(tmp_path / "none").names() == ()
    with pytest.raises(NotFound, match=r"no template 'x'.*Write one as"):
        Stationery(tmp_path / "none").template("x")


def test_a_signature_is_taken_without_its_rule(stationery: Stationery) -> None:
    (stationery.folder / "signature").write_text("-- \nAda\r\nOps\n\n")
    assert stationery.signature() == "Ada\nOps"


def test_a_template_may_begin_with_fields(stationery: Stationery) -> None:
    put(
        stationery,
        "weekly.txt",
        "Subject: Week\nTo: Bob <bob@x.example>, c@x.example\ncc:\n\nHi\n\nBye\n",
    )
    assert stationery.template("weekly") == Template(
        "Hi\n\nBye", "Week", ("Bob <bob@x.example>", "c@x.example")
    )
    put(stationery, "plain.txt", "Dear all:\n\nSubject: not a field here\n")
    assert stationery.template("plain") == Template("Dear all:\n\nSubject: not a field here")
    put(stationery, "half.txt", "Subject: only this line\nand text right behind it")
    assert stationery.template("half").subject == ""
    assert stationery.names() == ("half", "plain", "weekly")
    with pytest.raises(NotFound, match="There are: half, plain, weekly"):
        stationery.template("none")


def test_a_comma_in_a_name_of_a_template_makes_no_second_recipient(stationery: Stationery) -> None:
    put(stationery, "team.txt", 'To: "Doe, Ann" <ann@x.example>; bob@x.example\n\nHi\n')
    assert stationery.template("team").to == ("Doe Ann <ann@x.example>", "bob@x.example")


@pytest.mark.parametrize("name", ["../config", "a/b", "", ".hidden", "a\0b", "x" * 99, "-x"])
def test_a_template_name_leads_nowhere_else(stationery: Stationery, name: str) -> None:
    with pytest.raises(NotFound):
        stationery.template(name)


def test_files_that_cannot_be_read_as_text_are_told_with_their_place(
    stationery: Stationery,
) -> None:
    put(stationery, "latin.txt", b"\xe4")
    put(stationery, "large.txt", b"x" * (SIZE_LIMIT + 1))
    put(stationery, "people.txt", "To: nobody\n\nHi")
    os.mkfifo(stationery.folder / "templates" / "pipe.txt")
    (stationery.folder / "templates" / "folder.txt").mkdir()
    for name in ("latin", "large", "people", "pipe", "folder"):
        with pytest.raises(ConfigError, match=f"templates/{name}.txt"):
            stationery.template(name)


# ── prices ───────────────────────────────────────────────────────────────────────────────────────


def test_a_price_list_is_told_with_its_units() -> None:
    pricing = PublicPricing(
        agent_id="seller", pricing_model="token_based", currency="USD", base_price=0.01,
        token_price_input=0.1, token_price_output=0.3, free_quota=100, minimum_charge=0.005,
        listing_summary="Summaries\x1b[31m of texts", support_url="https://x.example",
    )  # fmt: skip
    assert pricing_lines(pricing) == (
        "Priced by tokens",
        "Base price: 0.01 USD",
        "Input: 0.1 USD per million tokens",
        "Output: 0.3 USD per million tokens",
        "At least: 0.005 USD",
        "Free: the first 100",
        "About: Summaries␛[31m of texts",
        "Support: https://x.example",
    )


def test_no_price_and_no_requests_are_no_lines() -> None:
    assert pricing_lines(PublicPricing(agent_id="x")) == ()
    assert pricing_lines(PublicPricing(agent_id="x", enabled=False, base_price=1.0)) == ()
    free = PublicPricing(agent_id="x", pricing_model="\u202eflat", base_price=0.0)
    assert pricing_lines(free) == ("Priced by: <RLO>flat", "Base price: 0")


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0.0, "0"), (-0.0, "0"), (0.000001, "0.000001"), (0.0000004, "4e-07"), (5e-324, "4.94066e-324"),
        (1_000_000.0, "1000000"), (1e300, "1e+300"), (-2.5, "-2.5"), (float("nan"), "not a number"),
        (float("inf"), "not a number"),
    ],
)  # fmt: skip
def test_no_price_is_told_as_nothing_or_without_an_end(amount: float, shown: str) -> None:
    pricing = PublicPricing(agent_id="x", base_price=amount, currency="USD")
    assert pricing_lines(pricing) == (
        (f"Base price: {shown} USD",) if "not" not in shown else (f"Base price: {shown}",)
    )


class FakePrices:
    """Always answers with the prices of the same agent."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def lookup_public_pricing(self, agent_id: str) -> PublicPricing:
        self.asked.append(agent_id)
        return PublicPricing(agent_id="Seller", base_price=1.0)


async def test_the_prices_of_one_agent_are_never_told_as_anothers() -> None:
    prices = FakePrices()
    assert await ask_pricing(prices, "seller@a.example", "A.example") == ("Base price: 1",)
    with pytest.raises(BadAnswer, match="another agent"):
        await ask_pricing(prices, "buyer@a.example", "a.example")
    # While the own domain is not known, a name may be that of somebody else's agent.
    with pytest.raises(UsageError, match="own mail domain"):
        await ask_pricing(prices, "seller@elsewhere.example", "")
    assert prices.asked == ["seller", "buyer"]


async def test_prices_are_asked_of_the_service(sandbox: SandboxControl) -> None:
    seller = sandbox.new_agent()
    client = AssmblClient(sandbox.base_url, seller.token, sleep=FakeSleep())
    domain = seller.address.partition("@")[2]
    try:
        await client.admin.put_billing_pricing(
            BillingPricing(pricing_model="dynamic", currency="EUR", base_price=2.5, enabled=True)
        )
        found = await ask_pricing(client.directory, f"Seller <{seller.address}>", domain)
        assert found == ("Priced by outcome", "Base price: 2.5 EUR")
        assert (
            await ask_pricing(client.directory, f"nobody-{seller.agent_id}@{domain}", domain) == ()
        )
        named = await ask_pricing(client.directory, "x@y.example", domain, seller.agent_id)
        assert named == found
        with pytest.raises(UsageError, match="own mail domain"):
            await ask_pricing(client.directory, "x@y.example", domain)
        sandbox.fault("status", operation="lookup_public_pricing", status=503, times=20)
        with pytest.raises(ServiceError):
            await ask_pricing(client.directory, seller.address, domain)
    finally:
        await client.aclose()
        sandbox.remove_agent(seller)


def test_a_service_without_prices_says_so() -> None:
    with pytest.raises(UsageError, match="keeps no prices"):
        price_list(object())
