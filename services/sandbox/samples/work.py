"""Mail of working agents: tasks handed over, table jobs, marketplace deals, sealed mail.

Closes the trap of a sample mailbox that is only human mail: what an agent's operator reads most are
short, structured reports with correlation ids, usage figures and files by reference.
"""

from __future__ import annotations

import json
from typing import Final

from services.sandbox.samples import files
from services.sandbox.samples.armor import sealed_text
from services.sandbox.samples.draft import Draft, File, Sender
from services.sandbox.samples.people import COLLEAGUES, Cast
from services.sandbox.samples.phrases import Words

ARMOR: Final = sealed_text("sample")
"""An encrypted body; nobody holds a key to it."""

SEALED_FILE: Final = File(
    "findings.pdf.asc", "application/pgp-encrypted", ARMOR.encode(), encrypted=True
)

REPORTERS: Final = ("research", "price-watch", "compliance", "lead-gen", "forecast")
"""Agents that send uploaded reports."""
SEALERS: Final = ("research", "contracts", "ledger", "compliance")
"""Agents that send encrypted mail."""

_TASKS: Final = (
    ("Please check {column} in {dataset}", "{column} in {dataset} looks wrong from row {n4} on."),
    (
        "Task: reconcile {customer} against the ledger",
        "The balance of {customer} is off by {money} EUR.",
    ),
    ("Clean {dataset} {when}", "{dataset} has about {pct} % duplicates and mixed date formats."),
    ("Summarise {topic} for the board", "One page on {topic}, sources at the end, no adjectives."),
    (
        "{ticket}: collect offers for {product}",
        "We need three offers for {product}, delivered to {city}.",
    ),
    (
        "Draft an answer to {customer}",
        "They asked about {product} again. Polite, short, no promises.",
    ),
    (
        "Find {n2} suppliers in {country}",
        "Only those with a VAT id that checks out, sorted by size.",
    ),
    ("Translate the {doc}", "Into Portuguese and German. Keep the tables as they are."),
    ("Compare {doc} with last year's", "List every figure that moved by more than {n1} %."),
    ("Watch {metric} on {host} {when}", "If it passes {pct} % for ten minutes, open an incident."),
    ("Next step for {ticket}", "The customer has answered; the ball is on our side now."),
    (
        "Label {n4} product pictures",
        "Classes are in the sheet; leave out what you are unsure about.",
    ),
    ("Question about {topic}", "Two of our sources disagree. Which one do you trust, and why?"),
    ("Handing over {ticket}", "I am out of quota until tomorrow, please continue where I stopped."),
    ("Verify {n3} addresses before the mailing", "Those in {city} were wrong last time."),
)
_TASK_DETAILS: Final = (
    "The result is wanted {when}.", "Budget: at most {n2} minutes of compute.",
    "Please answer with a CSV, semicolons as separators.", "Ask {person} if anything is unclear.",
    "Do not contact the customer yourself.", "Previous run took {secs} s, so start early.",
    "Keep the original file untouched and work on a copy.", "Skip rows without {column_b}.",
    "Post the numbers in {ticket} as well.", "If in doubt, stop and ask rather than guess.",
    "The last run on this is {uuid}.", "Reference: {ticket}, run {hex8}.",
)  # fmt: skip
_RESULTS: Final = (
    "Job {n4} done: {outcomes} outcomes, {secs} s",
    "{dataset}: {n4} rows processed",
    "Finished {dataset} for {customer}",
    "Job {n4} finished with {n1} warnings",
    "Result of run {hex8}",
    "{dataset} is clean: {n3} duplicates removed",
    "Job {n4} stopped at row {n3}",
    "Batch {n2} of {skill} complete",
    "{n4} records enriched, {n2} left over",
    "Re-run of job {n4} agrees with the first",
)
_NOTES: Final = (
    "Rows with an empty {column} were skipped ({n2}).",
    "Dates were read as day.month.year.",
    "{n1} rows had two currencies; they are in a file of their own.",
    "The checksum of the input was {hex8}{hex8_b}.",
    "Nothing was written back.",
    "Column {column} was rounded to cents.",
    "Please confirm before I import it.",
    "Slowest step: {skill}, {ms} ms per thousand rows.",
    "Encoding of the input was Windows-1252.",
)
_REQUESTS: Final = (
    "Request: {skill} for {n4} items",
    "Process this CSV: {dataset}",
    "{skill}, {n3} documents",
    "Order {hex8}: {skill} {when}",
    "Quote wanted: {skill} in {n1} languages",
    "Buying {n4} outcomes of {skill}",
)
_ANSWERS: Final = (
    "CSV processed: {dataset}",
    "Delivered: {skill}, {outcomes} outcomes",
    "Re: Request: {skill} for {n4} items",
    "{skill} complete, settled at {money} USD",
    "Partial delivery: {outcomes} of {n4}",
    "Your order {hex8} is done",
)
_FINDINGS: Final = (
    "Findings on {topic}", "{topic}: what I found {when}", "Short note on {topic} in {country}",
    "Sources for the {doc}", "{customer}: background", "Draft of the {doc}",
    "Weekly numbers: {topic}",
)  # fmt: skip
_FINDING_LINES: Final = (
    "{n2} sources read, {n1} kept.",
    "The figure of {pct} % comes from a single source.",
    "Prices in {country} moved by {pct} % within {n1} months.",
    "{customer} is the only one that publishes {topic} monthly.",
    "What is missing: anything after {month} {year}.",
    "I would trust the second table more.",
    "Three of the links are behind a paywall.",
    "No hint of a conflict with clause {clause}.",
)


def task(words: Words, cast: Cast) -> Draft:
    """Work handed to the agent by another agent or a colleague."""
    words["person"] = words.rng.choice(COLLEAGUES).name
    subject, first = words.rng.choice(_TASKS)
    sender = words.rng.choice(COLLEAGUES if words.chance(0.3) else cast.agents)
    lines = [words.pick(("{hello},", "{hello},", "Task for you.")), "", words.pick((first,))]
    lines += [
        "",
        *words.several(_TASK_DETAILS, 1, 4),
        "",
        words.pick(("{thanks}", "-- ")),
        sender.name,
    ]
    attached: tuple[File, ...] = ()
    if words.chance(0.25):
        attached = (files.csv(words["dataset"], words, 6 + int(words.rng.random() * 20)),)
    labels = ("tasks",) if words.chance(0.6) else ()
    return Draft(
        sender, words.pick((subject,)), "\n".join(lines) + "\n", files=attached, kind="task",
        labels=labels, correlation_id=f"corr-{words['hex8']}",
    )  # fmt: skip


def job(words: Words, cast: Cast) -> Draft:
    """The report of a finished table job, with its result as a file."""
    sender = cast.agent(
        words.rng.choice(("csv-worker", "janitor", "csv-worker", "vision", "forecast"))
    )
    words["outcomes"] = words["n3"]
    rows = int(words["n4"])
    facts = [
        f"input     {words['dataset']}", f"rows in   {rows}",
        f"rows out  {rows - int(words['n2'])}",
        f"time      {words['secs']} s", f"run       {words['hex8']}",
    ]  # fmt: skip
    lines = [words.pick(("{dataset} is done.", "The job has finished.", "Result attached.")), ""]
    lines += ["  " + fact for fact in facts] + ["", *words.several(_NOTES, 1, 3)]
    result = files.csv(f"result-{words['hex8']}.csv", words, 5 + int(words.rng.random() * 25))
    attached: tuple[File, ...] = (result,) if words.chance(0.7) else ()
    if words.chance(0.12):
        attached = (*attached, files.document("usage.json", _usage(words)))
    return Draft(
        sender, words.pick(_RESULTS), "\n".join(lines) + "\n", files=attached, kind="job",
        labels=("jobs",), correlation_id=f"job-{words['n4']}",
    )  # fmt: skip


def marketplace(words: Words, cast: Cast) -> Draft:
    """A request to buy the agent's work, or a paid answer with usage figures."""
    words["outcomes"] = words["n3"]
    sender = _trader(words, cast)
    request_id = f"mr-{words['uuid']}"
    if words.chance(0.5):
        body = {"file_url": f"https://files.{sender.domain}/{words['hex8']}/{words['dataset']}"}
        body |= {"task": words["skill"], "max_price": f"{words['money']} USD", "due": words["when"]}
        subject = words.pick(_REQUESTS)
    else:
        body = {"status": "done" if words.chance(0.9) else "partial", "task": words["skill"]}
        body |= {"usage": _usage(words)}  # type: ignore[dict-item]
        subject = words.pick(_ANSWERS)
    headers = (("X-AgentMail-Idempotency-Key", f"{request_id}-1"),)
    return Draft(
        sender, subject[0].upper() + subject[1:], json.dumps(body, indent=2) + "\n",
        headers=headers, kind="marketplace",
        labels=("marketplace",) if words.chance(0.5) else (), marketplace_id=request_id,
        correlation_id=f"order-{words['hex8']}",
    )  # fmt: skip


def findings(words: Words, cast: Cast) -> Draft:
    """A research note of another agent, sometimes with an uploaded file named by reference."""
    sender = cast.agent(words.rng.choice(REPORTERS))
    lines = [words.pick(("{hello},", "Summary first.", "In short:")), ""]
    lines += [f"- {line}" for line in words.several(_FINDING_LINES, 3, 6)]
    lines += ["", words.pick(("More in {ticket}.", "Full text on request.", "Ask for sources."))]
    text = "\n".join(lines) + "\n"
    attached: tuple[File, ...] = ()
    if words.chance(0.3):
        attached = (shared_report(sender),)
        text += _footer(attached)
    subject = words.pick(_FINDINGS)
    label = "leads" if sender.agent_id == "lead-gen" else "research"
    return Draft(
        sender, subject[0].upper() + subject[1:], text, files=attached, kind="findings",
        labels=(label,) if words.chance(0.5) else (), correlation_id=f"corr-{words['hex8']}",
    )  # fmt: skip


def sealed(words: Words, cast: Cast) -> Draft:
    """Encrypted mail: an armored body, sometimes an encrypted file by reference."""
    sender = cast.agent(words.rng.choice(SEALERS))
    subject = words.pick(
        (
            "Encrypted task {ticket}",
            "Findings on {topic}",
            "Key figures, {month} {year}",
            "{ticket} (sealed)",
            "Payroll, {month} {year}",
        )
    )
    text = ARMOR
    attached: tuple[File, ...] = ()
    if words.chance(0.3):
        attached = (sealed_report(sender),)
        text += _footer(attached)
    return Draft(
        sender, subject[0].upper() + subject[1:], text, files=attached, kind="sealed",
        encrypted=True, labels=("sealed",) if words.chance(0.3) else (),
    )  # fmt: skip


def shared_report(sender: Sender) -> File:
    """The uploaded report that the sender's mails refer to; one object per agent."""
    report = files.pdf("report.pdf", (f"Report of {sender.name}", "Sample data.", "Page 1 of 1"))
    key = f"uploads/{sender.agent_id}/5a0f2c1e-7b64-4d53-a1c8-9e0b6f3d2a17-report.pdf"
    return File(report.name, report.content_type, report.data, key)


def sealed_report(sender: Sender) -> File:
    """The uploaded encrypted report that the sender's sealed mails refer to."""
    key = f"uploads/{sender.agent_id}/c41d7e90-2b35-4f6a-b8d1-05e7a9c3f682-{SEALED_FILE.name}"
    return File(SEALED_FILE.name, SEALED_FILE.content_type, SEALED_FILE.data, key, encrypted=True)


def _footer(attached: tuple[File, ...]) -> str:
    lines = ["", "---", "Attachments (links valid for 7 days):"]
    for file in attached:
        path = f"https://files.agents.example.com/{file.object_key}"
        lines.append(f"- {file.name} ({len(file.data)} bytes): {path}?X-Amz-Expires=604800")
    return "\n".join(lines) + "\n"


def _trader(words: Words, cast: Cast) -> Sender:
    if words.chance(0.4):
        return words.rng.choice(cast.agents)
    house = words.rng.choice(
        ("tablefarm", "quotecraft", "deepsift", "mapsmith", "lexiport", "cellwise")
    )
    verified = house not in ("cellwise", "mapsmith")
    role = words.rng.choice(("buyer", "seller", "broker"))
    return Sender(f"{house.title()} {role}", f"{role}@{house}.example", verified, role, house)


def _usage(words: Words) -> dict[str, object]:
    return {
        "outcomes_returned": int(words["n3"]),
        "tokens_input": int(words["n5"]),
        "tokens_output": int(words["n4"]),
        "compute_ms": int(words["ms"]),
    }
