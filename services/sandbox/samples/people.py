"""Who writes to the agent: other agents, colleagues, suppliers, machines, and strangers.

Closes the trap of trust that changes from mail to mail: whether a sender is verified belongs to the
sender, so the list shows the same mark beside the same name everywhere.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from services.sandbox.samples.draft import Sender

_AGENT_NAMES: Final = (
    ("Ledger Agent", "ledger", "bookkeeping"), ("Research Agent", "research", "findings"),
    ("CSV Worker", "csv-worker", "tables"), ("Nightly Build", "nightly", "builds"),
    ("Dispatch", "dispatch", "task queue"), ("Contract Reader", "contracts", "clauses"),
    ("Lead Finder", "lead-gen", "leads"), ("Translator", "translate", "languages"),
    ("Price Watch", "price-watch", "markets"), ("Support Triage", "triage", "tickets"),
    ("Freight Planner", "freight", "shipping"), ("Vision Tagger", "vision", "images"),
    ("Data Janitor", "janitor", "clean-up"), ("Forecaster", "forecast", "numbers"),
    ("Compliance Check", "compliance", "rules"), ("Scheduler", "scheduler", "calendar"),
    ("Billing Agent", "billing", "usage"), ("Archivist", "archive", "records"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cast:
    """The agent whose mailbox it is, and the other agents of its mail domain, all verified."""

    address: str
    agents: tuple[Sender, ...]

    def agent(self, local: str) -> Sender:
        """Return one of the other agents by the part before the @."""
        return next(agent for agent in self.agents if agent.agent_id == local)

    @property
    def name(self) -> str:
        """What people call the agent: `ops-bot` becomes `Ops Bot`."""
        return self.address.partition("@")[0].replace("-", " ").title()


def cast_for(address: str) -> Cast:
    """Return the cast for one mailbox address."""
    domain = address.rpartition("@")[2]
    return Cast(
        address,
        tuple(Sender(name, f"{local}@{domain}", True, role) for name, local, role in _AGENT_NAMES),
    )


COLLEAGUES: Final = tuple(
    Sender(name, f"{local}@{domain}", True, role, house)
    for name, local, domain, role, house in (
        ("Maria Ortiz", "maria.ortiz", "harborlight.example", "Legal counsel", "Harborlight"),
        ("Jonas Weber", "jonas.weber", "harborlight.example", "Head of operations", "Harborlight"),
        ("Aiko Tanaka", "aiko", "harborlight.example", "Data lead", "Harborlight"),
        ("Priya Raman", "priya.raman", "harborlight.example", "Finance", "Harborlight"),
        ("Tom Okafor", "tom", "harborlight.example", "Site reliability", "Harborlight"),
        ("Zoltán Kovács", "zoltan.kovacs", "harborlight.example", "Purchasing", "Harborlight"),
        ("Søren Lindqvist", "soren", "fjordline.example", "Account manager", "Fjordline Tools"),
        ("Chloé Dubois", "c.dubois", "marlowefinch.example", "Partner", "Marlowe & Finch"),
        ("Daniel Abebe", "d.abebe", "okonjo.example", "Logistics", "Okonjo Logistics"),
        ("Katarzyna Wójcik", "kwojcik", "quillon.example", "Editor", "Quillon Press"),
        ("Miguel Santos", "miguel.santos", "terranova.example", "Quality", "Terranova Foods"),
        ("Hannah Fischer", "h.fischer", "tessellate.example", "Procurement", "Tessellate GmbH"),
        ("Ravi Menon", "ravi", "halcyon.example", "Engineering", "Halcyon Solar"),
        ("Ellen Brandt", "ellen.brandt", "castellan.example", "Claims", "Castellan Insurance"),
        ("Noor Haddad", "noor", "rosewater.example", "IT", "Rosewater Clinics"),
        ("Luca Bianchi", "luca.bianchi", "voltabikes.example", "Founder", "Volta Bikes"),
        ("Greta Nyström", "greta", "nimbus.example", "Shop manager", "Nimbus Bakery"),
        ("佐藤 健", "sato.ken", "kitsune.example", "開発部", "Kitsune Robotics"),
        ("Оксана Мельник", "oksana", "brightwater.example", "Reservations", "Brightwater Hotels"),
        ("سارة منصور", "sara.mansour", "adleroptik.example", "Sales", "Adler Optik"),
    )
)

SUPPLIERS: Final = tuple(
    Sender(name, address, verified, role, house)
    for name, address, verified, role, house in (
        (
            "Aldergrove Cloud Billing",
            "billing@aldergrove.example",
            True,
            "hosting",
            "Aldergrove Cloud",
        ),
        ("Tidewater Hosting", "invoices@tidewater.example", True, "servers", "Tidewater Hosting"),
        (
            "Kestrel Metrics",
            "accounts@kestrelmetrics.example",
            True,
            "monitoring",
            "Kestrel Metrics",
        ),
        ("Papermill Stationers", "rechnung@papermill.example", True, "paper", "Papermill"),
        ("Osprey Freight", "ar@ospreyfreight.example", True, "freight", "Osprey Freight"),
        ("Lingua Bureau", "finance@linguabureau.example", True, "translation", "Lingua Bureau"),
        ("Copperline Telecom", "no-reply@copperline.example", True, "telephone", "Copperline"),
        ("Greenfield Energy", "service@greenfield.example", True, "power", "Greenfield Energy"),
        ("Basalt Insurance", "policies@basalt.example", True, "insurance", "Basalt"),
        ("Corner Café Catering", "orders@cornercafe.example", False, "catering", "Corner Café"),
        ("Meridian Domains", "renewals@meridiandomains.example", True, "domains", "Meridian"),
        ("Studio Lachs", "hallo@studiolachs.example", False, "design", "Studio Lachs"),
    )
)

MACHINES: Final = tuple(
    Sender(name, address, True, role, house)
    for name, address, role, house in (
        ("Forge CI", "ci@forge.example", "ci", "Forge"),
        ("Pipeline", "noreply@pipeline.example", "ci", "Pipeline"),
        ("Kestrel Alerts", "alerts@kestrelmetrics.example", "monitoring", "Kestrel Metrics"),
        ("Pagehawk", "incident@pagehawk.example", "paging", "Pagehawk"),
        ("Statusboard", "updates@statusboard.example", "status", "Statusboard"),
        ("Vault Watch", "security@vaultwatch.example", "security", "Vault Watch"),
        ("Backup Robot", "backup@harborlight.example", "backup", "Harborlight"),
        ("Calendar", "calendar@harborlight.example", "calendar", "Harborlight"),
    )
)

PUBLISHERS: Final = tuple(
    Sender(name, address, verified, role, house)
    for name, address, verified, role, house in (
        (
            "The Agent Gazette",
            "hello@agentgazette.example",
            True,
            "agents at work",
            "Agent Gazette",
        ),
        ("Rust & Resin", "letter@rustresin.example", True, "workshop notes", "Rust & Resin"),
        ("Freight Weekly", "weekly@freightweekly.example", True, "shipping news", "Freight Weekly"),
        ("Plain Text Club", "club@plaintext.example", True, "writing", "Plain Text Club"),
        ("Ledger Lines", "news@ledgerlines.example", True, "accounting", "Ledger Lines"),
        ("Tidewater Product", "product@tidewater.example", True, "product news", "Tidewater"),
        ("Open Data Digest", "digest@opendata.example", False, "open data", "Open Data Digest"),
        ("Conference Radar", "radar@confradar.example", False, "events", "Conference Radar"),
        ("Kestrel Metrics Blog", "blog@kestrelmetrics.example", True, "monitoring", "Kestrel"),
        ("Café Journal ☕", "journal@cornercafe.example", False, "coffee", "Corner Café"),
    )
)

_FIRST: Final = [
    "Ada",
    "Bela",
    "Chen",
    "Dora",
    "Emil",
    "Fatima",
    "Gus",
    "Hana",
    "Ivan",
    "Jürgen",
    "Kofi",
    "Lena",
    "Mina",
    "Noor",
    "Omar",
    "Petra",
    "Quinn",
    "Rosa",
    "Sven",
    "Tomás",
    "Uma",
    "Vera",
    "Wen",
    "Xin",
    "Yara",
    "Zoe",
    "Akira",
    "Bruno",
    "Clara",
    "Dmitri",
    "Eve",
    "Farid",
    "Gita",
    "Hugo",
    "Inês",
    "Jamal",
]
_LAST: Final = [
    "Abbott",
    "Bauer",
    "Castro",
    "Dvořák",
    "Eriksen",
    "García",
    "Hughes",
    "Ito",
    "Jensen",
    "Lee",
    "Müller",
    "Nagy",
    "Okoro",
    "Patel",
    "Quist",
    "Rossi",
    "Silva",
    "Ueda",
    "Varga",
    "Young",
    "Zhang",
    "Adeyemi",
    "Blum",
    "Costa",
    "Demir",
    "Endo",
    "Farkas",
    "Gupta",
    "Haas",
    "Ivanova",
]
_HOUSES: Final = [
    "growthpilot",
    "leadrocket",
    "seofalcon",
    "parcelpost-tracking",
    "cloud-storage-desk",
    "fast-funding",
    "brandlift",
    "mailboostr",
    "hirewave",
    "pixelforge",
    "dealflow",
    "contactly",
    "rankwise",
    "outreachly",
    "datamint",
    "quickquote",
]
_ENDINGS: Final = ("example", "example.com", "example.net", "example.org")
_PLAIN: Final = str.maketrans("üřáčíãõêôöñÖżźéóšžŽ", "uraciaoeoonOzzeoszZ")


def stranger(rng: random.Random) -> Sender:
    """A person whom nobody knows; never verified."""
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    local = f"{first}.{last}".lower().translate(_PLAIN)
    local = "".join(char for char in local if char.isascii())
    house = rng.choice(_HOUSES)
    return Sender(
        f"{first} {last}", f"{local}@{house}.{rng.choice(_ENDINGS)}", False, "", house.capitalize()
    )
