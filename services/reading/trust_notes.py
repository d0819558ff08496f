"""What the trust panel tells about a mail: one sentence a fact, with the mail's own words cleaned.

Closes the trap of warnings built from mail text: the sentences are ours, the worker only names them
and hands over what fills their places, and that is cleaned here like everything else.
"""

from __future__ import annotations

from typing import Final

from services.addresses import Address, addresses_within
from services.hosts import look_alike, same_site
from services.reading.parsed_mail import Note, ParsedMail
from services.safe_text import SafeText, clean_line, phrase

SENTENCES: Final = {
    "hidden-html": "The message hides {} characters of text from a reader who sees it as HTML.",
    "hidden-characters": "The message holds {} invisible characters.",
    "no-single-from": "From does not name exactly one address: {}",
    "no-from": "From names no address.",
    "many-from": "The message has {} From fields; the first is shown.",
    "name-holds-address": "The sender's name contains another address: {}",
    "look-alike-sender": "The sender {} mixes letters of different scripts; it reads like {}",
    "reply-elsewhere": "Replies go to another domain: {}",
    "cut-raw": "The message has {} bytes; only the first 25,000,000 were read.",
    "cut-headers": "Header fields were too many or too long; some are cut.",
    "cut-parts": "The message has more than 1,000 parts; the rest was not read.",
    "cut-depth": "Parts are nested deeper than 50 levels; the inner ones were not opened.",
    "cut-text": "The text is too long; its end is not shown.",
    "cut-html": "An HTML part is too long; its end is not shown.",
    "cut-links": "{} more links are not listed.",
    "damaged": "The message is damaged; what could be read is shown.",
    "outside-armor": "Some text stands outside the encrypted block and is not protected.",
    "file-list": "Under the encrypted block stands the list of the files, in clear as always.",
    "says-encrypted": "A header says that the message is encrypted; it holds no encrypted block.",
    "link-warnings": "Links that need a second look: {}. The list of links says why.",
}
_VALUE_LIMIT: Final = 300


def sentences(
    mail: ParsedMail, *, hidden_characters: int, link_warnings: int
) -> tuple[SafeText, ...]:
    """Return the notes of a mail, the gravest first."""
    notes = [*sender_notes(mail)]
    if link_warnings:
        notes.append(Note("link-warnings", (str(link_warnings),)))
    if mail.hidden_characters:
        notes.append(Note("hidden-html", (str(mail.hidden_characters),)))
    if hidden_characters:
        notes.append(Note("hidden-characters", (str(hidden_characters),)))
    notes.extend(mail.notes)
    return tuple(_sentence(note) for note in dict.fromkeys(notes))


def sender_notes(mail: ParsedMail) -> list[Note]:
    """Look at who the mail says it is from."""
    named = [sender for sender in mail.sender if sender.address]
    notes: list[Note] = []
    froms = sum(1 for name, _ in mail.headers if name.lower() == "from")
    if froms > 1:
        notes.append(Note("many-from", (str(froms),)))
    if not named:
        notes.append(Note("no-from"))
    elif len(named) > 1:
        notes.append(Note("no-single-from", (", ".join(one.address for one in named[:5]),)))
    for sender in mail.sender[:5]:
        notes.extend(_name_notes(sender))
    if len(named) == 1:
        elsewhere = [one.address for one in mail.reply_to if _is_elsewhere(one, named[0])]
        if elsewhere:
            notes.append(Note("reply-elsewhere", (", ".join(elsewhere[:5]),)))
    return notes


def _name_notes(sender: Address) -> list[Note]:
    notes: list[Note] = []
    others = [
        other for other in addresses_within(sender.name) if other.lower() != sender.address.lower()
    ]
    if others and sender.address:
        notes.append(Note("name-holds-address", (others[0],)))
    for text in (sender.address, sender.name):
        twin = look_alike(text)
        if twin:
            notes.append(Note("look-alike-sender", (text, twin)))
    return notes


def _is_elsewhere(reply: Address, sender: Address) -> bool:
    return bool(reply.domain) and not same_site(reply.domain, sender.domain)


def _sentence(note: Note) -> SafeText:
    template = SENTENCES.get(note.code, "")
    places = template.count("{}")
    values = [clean_line(value, _VALUE_LIMIT) for value in note.values[:places]]
    values += [clean_line("")] * (places - len(values))
    return phrase(template, *values)
