"""The vocabulary: templates with {places} that are filled from word tables, the same for one seed.

Closes the trap of sample mail that looks like one mail repeated: a few hundred templates times a
few hundred words, with one mail keeping its own words consistent from subject to signature.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from math import gcd
from typing import Final

_TABLES: Final[dict[str, tuple[str, ...]]] = {
    "repo": (
        "ledger-core", "mail-gateway", "pricing-api", "orders-web", "agent-runtime", "csv-worker",
        "payments-bridge", "search-index", "docs-site", "vault-sync", "billing-reports",
        "mobile-app", "etl-nightly", "auth-proxy", "image-resizer", "terraform-live",
    ),
    "branch": ("main", "release/1.9", "release/2.0", "develop", "hotfix/rounding", "canary"),
    "arch": ("arm64", "amd64", "windows-2022", "macos-14", "alpine", "python 3.13"),
    "job": ("unit tests", "integration", "lint", "package", "deploy", "migrate", "end-to-end"),
    "host": (
        "web-01", "web-07", "db-primary", "db-replica-2", "queue-3", "edge-fra1", "edge-iad2",
        "cache-04", "worker-11", "worker-26", "gpu-02", "nas-backup",
    ),
    "service": (
        "checkout", "inbox-api", "search", "login", "webhooks", "exports", "image CDN",
        "rate limiter", "presign service", "scheduler", "ledger", "mail processor",
    ),
    "region": ("eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-southeast-2",
    "sa-east-1"),
    "customer": (
        "Marlowe & Finch", "Tessellate GmbH", "Okonjo Logistics", "Blue Heron Dairy",
        "Castellan Insurance", "Fjordline Tools", "Sagrada Textiles", "Kitsune Robotics",
        "Adler Optik", "Nimbus Bakery", "Pemberton Rail", "Quillon Press", "Rosewater Clinics",
        "Halcyon Solar", "Brightwater Hotels", "Volta Bikes", "Iris & Elm", "Terranova Foods",
    ),
    "country": (
        "Germany", "Portugal", "Kenya", "Japan", "Brazil", "Canada", "Poland", "India", "Chile",
        "Norway", "Vietnam", "Italy",
    ),
    "city": (
        "Lisbon", "Hamburg", "Nairobi", "Osaka", "Porto", "Toronto", "Gdańsk", "Pune", "Bergen",
        "Valencia", "Leeds", "Ghent",
    ),
    "topic": (
        "supplier risk", "battery recycling", "customs codes", "churn in the Nordics",
        "open-source licences", "cold-chain sensors", "packaging rules", "grid tariffs",
        "invoice fraud", "hotel occupancy", "freight rates", "the EU data act", "lead scoring",
        "returns by size", "support backlog", "warehouse heat maps", "currency exposure",
    ),
    "dataset": (
        "orders_{mon}.csv", "returns_q{q}.csv", "suppliers.csv", "leads-{city}.csv",
        "sensor-{n3}.csv", "price_list_{year}.csv", "payroll_{mon}.csv", "inventory-{n2}.csv",
        "tickets_open.csv", "shipments_{n3}.csv", "vat_check.csv", "contacts_dedup.csv",
    ),
    "column": (
        "net_total", "vat_id", "postcode", "delivered_at", "email", "unit_price", "currency",
        "sku", "iban", "country_code", "weight_kg", "column F",
    ),
    "month": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
    "mon": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
    "hour": ("9:00", "10:30", "11:00", "noon", "14:00", "15:30", "16:00", "end of day"),
    "contract": (
        "framework agreement", "data processing agreement", "lease for the {city} office",
        "maintenance contract", "non-disclosure agreement", "reseller contract", "SLA annex B",
        "statement of work {n2}", "licence terms", "supplier code of conduct",
    ),
    "clause": ("2", "4.2", "5", "7", "8.3", "9.1", "11.3", "12", "14.2", "16"),
    "due": ("in {n1} days", "in {n2} days", "on {weekday}", "tomorrow", "next week",
    "on 1 {month}"),
    "doc": (
        "quarterly report", "offer for {customer}", "budget draft", "onboarding guide",
        "risk register", "press note", "board deck", "price sheet", "test plan", "release notes",
        "incident review", "meeting notes",
    ),
    "product": (
        "annual plan", "team licence", "storage add-on", "support hours", "translation credits",
        "sensor kit", "API calls", "colocation", "freight", "consulting days", "domain renewal",
    ),
    "skill": (
        "CSV clean-up", "invoice extraction", "sentiment scoring", "address validation",
        "contract summaries", "product matching", "translation", "image tagging",
        "table extraction", "lead enrichment", "deduplication", "tariff classification",
    ),
    "metric": ("p99 latency", "error rate", "queue depth", "disk usage", "memory", "CPU load"),
    "thanks": ("Thanks", "Many thanks", "Best", "Best regards", "Cheers", "Kind regards",
    "All the best"),
    "hello": ("Hi", "Hello", "Good morning", "Hey", "Dear team", "Hi there", "Hi all"),
    "when": (
        "today", "tomorrow", "this week", "by {weekday}", "before {hour}", "before the weekend",
        "by end of {weekday}", "when you get a moment", "within the hour", "next week",
    ),
}  # fmt: skip


def _hex(size: int) -> Callable[[random.Random], str]:
    return lambda rng: f"{rng.getrandbits(4 * size):0{size}x}"


def _number(low: int, high: int) -> Callable[[random.Random], str]:
    return lambda rng: str(low + int(rng.random() * (high - low)))


def _uuid(rng: random.Random) -> str:
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _money(rng: random.Random) -> str:
    return f"{12 + 40_000 * rng.random() ** 4:,.2f}"


def _ticket(rng: random.Random) -> str:
    return (
        f"{('OPS', 'FIN', 'WEB', 'LEG', 'DATA')[int(rng.random() * 5)]}-{_number(120, 4_120)(rng)}"
    )


_MAKERS: Final[dict[str, Callable[[random.Random], str]]] = {
    "n1": _number(2, 9),
    "n2": _number(11, 99),
    "n3": _number(101, 999),
    "n4": _number(1_204, 9_870),
    "n5": _number(10_240, 98_700),
    "q": _number(1, 5),
    "year": _number(2024, 2027),
    "pct": lambda rng: f"{rng.random() * 40 + 0.2:.1f}",
    "ms": _number(180, 4_900),
    "secs": lambda rng: f"{rng.random() * 60 + 0.4:.1f}",
    "money": _money,
    "version": lambda rng: (
        f"{int(rng.random() * 4)}.{int(rng.random() * 20)}.{int(rng.random() * 12)}"
    ),
    "sha": _hex(7),
    "hex8": _hex(8),
    "uuid": _uuid,
    "ticket": _ticket,
}


class Words(dict[str, str]):
    """Fills the {places} of templates; a place keeps its word within one mail.

    `{repo_b}` is a second word of the table `repo`.
    """

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.rng = rng

    def __missing__(self, place: str) -> str:
        name = place.partition("_")[0]
        maker = _MAKERS.get(name)
        if maker:
            value = maker(self.rng)
        else:
            table = _TABLES[name]
            value = table[int(self.rng.random() * len(table))]
            if "{" in value:
                value = value.format_map(self)
        self[place] = value
        return value

    def pick(self, templates: Sequence[str]) -> str:
        """Choose one template and fill it."""
        return templates[int(self.rng.random() * len(templates))].format_map(self)

    def several(self, templates: Sequence[str], low: int, high: int) -> list[str]:
        """Choose and fill `low` to `high` different templates."""
        size = len(templates)
        count = min(size, low + int(self.rng.random() * (high - low + 1)))
        at, step = int(self.rng.random() * size), 1 + int(self.rng.random() * (size - 1))
        # A step without a common divisor visits each once; Random.sample is ten times slower.
        while gcd(step, size) > 1:
            step -= 1
        return [templates[(at + step * turn) % size].format_map(self) for turn in range(count)]

    def chance(self, share: float) -> bool:
        """Say yes in `share` of all cases (0 to 1)."""
        return self.rng.random() < share
