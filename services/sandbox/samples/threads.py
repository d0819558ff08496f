"""Conversations between a person and the agent: replies that quote, in the styles of real clients.

Closes the trap of threads that only share a subject: every reply names what it answers in
In-Reply-To and References, and quotes it as Gmail, Outlook, Apple Mail or Thunderbird would.
The agent's own turns are not in the inbox, they are seen in quotes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Final

from services.sandbox.samples import files
from services.sandbox.samples.draft import Draft, File, Sender
from services.sandbox.samples.people import COLLEAGUES, Cast
from services.sandbox.samples.phrases import Words

_STYLES: Final = ("gmail", "outlook", "apple", "thunderbird", "inline", "top")
_LOCAL_STYLES: Final = {
    "Chloé Dubois": "french", "Hannah Fischer": "german", "Ellen Brandt": "german",
    "Jonas Weber": "german",
}  # fmt: skip
_SUBJECTS: Final = (
    "{contract}: wording", "Lunch {weekday}, {city} office?", "{customer}: open points", "{topic}",
    "Offer for {product}", "{ticket}", "Numbers for {month} {year}", "Visit to {city}",
    "Agenda {weekday} {hour}",
    "Question on {dataset}", "{doc}", "Price of {product}", "Feedback from {customer}",
    "Handover of {ticket} before my holiday", "Access to {service}", "Plan for {month} {year}",
    "Delivery to {city}", "Hiring: {skill}", "Who owns {repo}?", "Typos in the {doc}",
)  # fmt: skip
_FIRST: Final = (
    "Could you look at {column} in {dataset} {when}?",
    "{customer} asked about {product} again.",
    "I would like to settle clause {clause} {when}.",
    "Do we have numbers on {topic}?",
    "The {doc} needs a second pair of eyes.",
    "Can you move the meeting to {weekday} {hour}?",
    "We need somebody in {city} next month.",
    "Please collect what we know about {topic}.",
)
_MORE: Final = (
    "It is not urgent, but it should not wait for {month} either.",
    "{person} knows the background.",
    "The last figure I have is {money} EUR.", "Budget is {n2} hours.", "See {ticket}.",
    "I attached what I have.", "Keep {customer} out of the loop for now.",
    "Version {n1} is the right one.", "Let me know if the tone is off.",
)  # fmt: skip
_ANSWERS: Final = (
    "That works for me, let us do it {when}.", "Not quite: {column} is net, not gross.",
    "Good catch. I changed clause {clause}.", "Please go ahead.", "Can we say {money} EUR instead?",
    "I talked to {customer}; they agree.", "Wait until {weekday}, I want to ask {person} first.",
    "Looks right now, thank you!", "One thing is still missing: the list for {city}.",
    "I would drop the second paragraph.", "Then let us skip {n1} and {n2}.", "Perfect 👍",
)  # fmt: skip
_AGENT: Final = (
    "I checked {dataset}: {n4} rows, {n2} of them without {column}.", "Done, see {ticket}.",
    "I found three sources on {topic}; two agree.", "The meeting is moved to {weekday} {hour}.",
    "Shall I send it to {customer} as well?", "The draft is attached. Clause {clause} is new.",
    "I could not confirm the figure of {money} EUR.",
)  # fmt: skip
_MONTHS: Final = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.",
"oct.", "nov.", "déc.")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation: its seed and the times of its incoming mails, oldest first."""

    seed: int
    times: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Turn:
    author: Sender
    mime_id: str
    at: int
    text: str


def draft(thread: Thread, position: int, cast: Cast) -> Draft:
    """Return the mail at one position (0 is the first) of a conversation."""
    words = Words(random.Random(thread.seed))  # noqa: S311 - sample data
    person = words.rng.choice(COLLEAGUES)
    style = _LOCAL_STYLES.get(person.name) or words.rng.choice(_STYLES)
    words["person"] = words.rng.choice(COLLEAGUES).name
    subject = words.pick(_SUBJECTS)
    subject = subject[0].upper() + subject[1:]
    turns = _turns(thread, position, person, cast, words)
    own, earlier = turns[-1], turns[:-1]
    text = own.text
    html = ""
    if earlier:
        text = _quoting(style, own, earlier[-1], subject)
        html = _gmail_page(own, earlier[-1]) if style == "gmail" and words.chance(0.4) else ""
    attached: tuple[File, ...] = ()
    if "attach" in own.text and words.chance(0.8):
        attached = (
            files.pdf(f"{words['doc'].split()[0]}-v{words['n1']}.pdf", (subject, person.name)),
        )
    if earlier:
        subject = (
            f"{'AW' if style == 'german' else 'RE' if style == 'outlook' else 'Re'}: {subject}"
        )
    return Draft(
        person, subject, text, html, files=attached, headers=_references(earlier), kind="thread",
        mime_id=own.mime_id,
        labels=("contracts",) if "lause" in own.text and words.chance(0.5) else (),
    )  # fmt: skip


def _turns(thread: Thread, position: int, person: Sender, cast: Cast, words: Words) -> list[_Turn]:
    agent = Sender(cast.name, cast.address)
    turns: list[_Turn] = []
    for number in range(position + 1):
        at = thread.times[number]
        if turns:
            between = (turns[-1].at + at) // 2
            text = f"{words.pick(_AGENT)}\n\n{cast.name}\n"
            turns.append(_Turn(agent, _mime_id(thread, number, cast.address, "b"), between, text))
        lines = words.several(_ANSWERS if turns else _FIRST, 1, 2) + words.several(_MORE, 0, 2)
        opening = words.pick(("{hello} " + cast.name + ",\n\n", "{hello},\n\n", ""))
        closing = words.pick(("{thanks},", "{thanks}", "-- "))
        text = f"{opening}{' '.join(lines)}\n\n{closing}\n{person.name}\n"
        if text.endswith(f"-- \n{person.name}\n"):
            text += f"{person.role}, {person.house}\n"
        turns.append(_Turn(person, _mime_id(thread, number, person.address, "a"), at, text))
    return turns


def _mime_id(thread: Thread, number: int, address: str, side: str) -> str:
    return f"{thread.seed & 0xFFFF_FFFF_FFFF:012x}.{number}{side}@{address.rpartition('@')[2]}"


def _references(earlier: list[_Turn]) -> tuple[tuple[str, str], ...]:
    if not earlier:
        return ()
    ids = [f"<{turn.mime_id}>" for turn in earlier]
    return (("In-Reply-To", ids[-1]), ("References", "\r\n ".join(ids)))


# ── quoting ──────────────────────────────────────────────────────────────────────────────────────


def _quoting(style: str, own: _Turn, other: _Turn, subject: str) -> str:
    when = datetime.fromtimestamp(other.at, UTC)
    who = f"{other.author.name} <{other.author.address}>"
    quoted = "".join(f"> {line}".rstrip() + "\n" for line in other.text.splitlines())
    if style == "outlook":
        return (
            f"{own.text}\n________________________________\nFrom: {who}\n"
            f"Sent: {when:%A, %B} {when.day}, {when:%Y %I:%M %p}\nTo: {own.author.name}\n"
            f"Subject: RE: {subject}\n\n{other.text}"
        )
    if style == "inline":
        return f"{other.author.name} wrote:\n{quoted}\n{own.text}"
    if style == "top":
        head = f"-----Original Message-----\nFrom: {who}\nSubject: {subject}\n\n"
        return f"{own.text}\n{head}{other.text}"
    return f"{own.text}\n{_attribution(style, when, who)}\n{quoted}"


def _attribution(style: str, when: datetime, who: str) -> str:
    if style == "apple":
        return f"On {when.day} {when:%b %Y, at %H:%M}, {who} wrote:\n"
    if style == "thunderbird":
        return f"On {when.month}/{when.day}/{when:%y %H:%M}, {who.partition(' <')[0]} wrote:"
    if style == "german":
        return f"Am {when:%d.%m.%y} um {when:%H:%M} schrieb {who.partition(' <')[0]}:"
    if style == "french":
        return f"Le {when.day} {_MONTHS[when.month - 1]} {when:%Y à %H:%M}, {who} a écrit :"
    return f"On {when:%a, %b} {when.day}, {when:%Y at %I:%M %p} {who}\nwrote:\n"


def _gmail_page(own: _Turn, other: _Turn) -> str:
    when = datetime.fromtimestamp(other.at, UTC)
    mine, theirs = (escape(turn.text).replace("\n", "<br>\n") for turn in (own, other))
    return (
        f'<div dir="ltr">{mine}</div><br>'
        '<div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
        f"On {when:%a, %b} {when.day}, {when:%Y at %I:%M %p} {escape(other.author.name)} &lt;"
        f'<a href="mailto:{other.author.address}">{other.author.address}</a>&gt; wrote:<br></div>'
        f'<blockquote class="gmail_quote" style="margin:0 0 0 .8ex">{theirs}</blockquote></div>\n'
    )
