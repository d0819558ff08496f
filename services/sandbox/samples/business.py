"""Mail about money and paper: invoices with PDFs, receipts, reminders, contracts, offers.

Closes the trap of money mail without files: an operator judges attachments and amounts in the list.
"""

from __future__ import annotations

from typing import Final

from services.sandbox.samples import files
from services.sandbox.samples.draft import Draft, File
from services.sandbox.samples.people import COLLEAGUES, SUPPLIERS, Cast
from services.sandbox.samples.phrases import Words

_INVOICES: Final = (
    "Invoice {n4} for {product}", "Your invoice {year}-{n4}", "{house} invoice {n4}, {money} EUR",
    "Rechnung {n4} / {month} {year}", "Invoice {n4} ready for approval", "Credit note {n4}",
    "Second reminder: invoice {n4}", "Payment received, thank you ({money} EUR)",
    "Invoice {n4} is due {due}", "Statement of account, {month}", "Order {hex8} confirmed",
    "Facture {n4}: {product}",
)  # fmt: skip
_OPENINGS: Final = (
    "Dear customer,\n\nplease find the invoice for {product} attached.",
    "{hello},\n\nthe invoice for {month} is ready.",
    "Guten Tag,\n\nanbei erhalten Sie die Rechnung für {product}.",
    "Hello,\n\nthis is an automatic message about your account {n5}.",
    "Bonjour,\n\nveuillez trouver ci-joint la facture pour {product}.",
)
_TERMS: Final = (
    "Amount: {money} EUR", "Due {due}.", "Reference: {ticket}", "Order: {hex8}",
    "VAT is included at the rate of your country.", "Please quote {n4} when you pay.",
    "You can pay by transfer or card.", "Questions? Answer to this mail.",
)  # fmt: skip
_CONTRACTS: Final = (
    "{contract}: clause {clause}",
    "Signature needed: {contract}",
    "New version of the {contract}",
    "{contract} with {customer}",
    "Comments on clause {clause}",
    "{contract} expires {due}",
)
_CONTRACT_LINES: Final = (
    "Clause {clause} now names {country} law.", "They struck the liability cap.",
    "Only the dates changed since version {n1}.",
    "Please check the notice period in clause {clause}.",
    "{customer} wants an answer {when}.", "I marked three places in yellow.",
    "The annex is still missing.", "Nothing here binds us before both have signed.",
)  # fmt: skip


def invoice(words: Words, _cast: Cast) -> Draft:
    """A supplier's invoice, mostly with a PDF."""
    sender = words.rng.choice(SUPPLIERS)
    words["house"] = sender.house
    lines = [words.pick(_OPENINGS), "", *words.several(_TERMS, 2, 5), "", sender.house]
    attached: tuple[File, ...] = ()
    if words.chance(0.8):
        page = (
            f"{sender.house}",
            f"Invoice {words['n4']}",
            words["product"],
            f"Total {words['money']} EUR",
        )
        attached = (files.pdf(f"invoice-{words['n4']}.pdf", page),)
    if words.chance(0.05):
        attached = (*attached, files.csv(f"items-{words['n4']}.csv", words, 8))
    return Draft(
        sender, words.pick(_INVOICES), "\n".join(lines) + "\n", files=attached, kind="invoice",
        labels=("invoices",) if words.chance(0.85) else (),
    )  # fmt: skip


def contract(words: Words, cast: Cast) -> Draft:
    """Talk about a contract, by a person or the agent that reads them."""
    sender = cast.agent("contracts") if words.chance(0.4) else words.rng.choice(COLLEAGUES)
    lines = [words.pick(("{hello},", "Good day,")), "", *words.several(_CONTRACT_LINES, 2, 4)]
    lines += ["", words.pick(("{thanks},",)), sender.name]
    attached: tuple[File, ...] = ()
    if words.chance(0.5):
        page = (words["contract"], f"Version {words['n1']}", f"Clause {words['clause']}")
        attached = (files.pdf(f"{words['contract'].replace(' ', '-')}-v{words['n1']}.pdf", page),)
    subject = words.pick(_CONTRACTS)
    return Draft(
        sender, subject[0].upper() + subject[1:], "\n".join(lines) + "\n", files=attached,
        kind="contract", labels=("contracts",) if words.chance(0.7) else (),
    )  # fmt: skip
