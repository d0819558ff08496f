"""Newsletters: HTML with hidden preheaders, tracking pixels, tables, sometimes a text twin.

Closes the trap of a clean HTML sample: real letters hide padding, count opens and link through
redirects, and the reader has to show all of that honestly.
"""

from __future__ import annotations

from html import escape
from typing import Final

from services.sandbox.samples.draft import Draft, Sender
from services.sandbox.samples.people import PUBLISHERS, Cast
from services.sandbox.samples.phrases import Words

_SUBJECTS: Final = (
    "{house} #{n3}: {topic}", "What we learned about {topic}", "{n1} reads for {weekday}",
    "{topic}, explained in {n1} charts", "The week in {topic}", "Now in beta: {skill}",
    "{pct} % off {product} until {weekday}", "Meet us in {city}", "Why {topic} matters again",
    "Release {version}: {skill}, faster", "Letter from {city}: {topic}", "Your {month} digest",
    "Last call: {skill} workshop in {city}", "{customer} cut {metric} by {pct} %",
)  # fmt: skip
_HEADINGS: Final = (
    "{topic}: the short version", "A visit to {customer}", "{n1} tools for {skill}",
    "Numbers of the week", "Ask the editor", "From the archive: {topic_b}", "Jobs in {city}",
    "How {customer} does {skill}", "New: {skill_b}", "Errata",
)  # fmt: skip
_PARAGRAPHS: Final = (
    "{customer} moved {n4} records in a night and tells what broke first.",
    "Prices for {product} rose by {pct} % in {country}; we asked three buyers why.",
    "A careful look at {topic}, with data from {n2} firms in {country}.",
    "Most teams measure {metric} and stop there. This one went on and found {n1} surprises.",
    "Our readers sent {n3} answers. The best fit on one page.",
    "The workshop in {city} is nearly full: {n1} places are left.",
    "If you only change one thing about {skill}, change the order of the steps.",
    "{year} was the year of {topic}. Here is what stayed.",
)
_PADDING: Final = "\u200c\u00a0" * 40
_STYLE: Final = (
    "body{margin:0;background:#f4f4f4}.wrap{width:600px}.btn{background:#0a7;color:#fff;"
    "padding:12px 24px}@media(max-width:600px){.wrap{width:100%}}"
)


def newsletter(words: Words, cast: Cast) -> Draft:
    """A letter to many: two in three with a text twin, the rest HTML only."""
    sender = words.rng.choice(PUBLISHERS)
    words["house"] = sender.house
    subject = words.pick(_SUBJECTS)
    return issue(words, cast, sender, subject[0].upper() + subject[1:])


def issue(words: Words, cast: Cast, sender: Sender, subject: str) -> Draft:
    """One issue of a letter under a given subject."""
    base = f"https://click.{sender.domain}/{words['hex8']}"
    stories = [
        (title, text, f"{base}/{number}?u={words['sha']}")
        for number, (title, text) in enumerate(
            zip(words.several(_HEADINGS, 2, 4), words.several(_PARAGRAPHS, 4, 4), strict=False), 1
        )
    ]
    html = _page(subject, sender, stories, base)
    text = _twin(subject, sender, stories, base) if words.chance(0.66) else ""
    headers = (
        ("List-Id", f"<letter.{sender.domain}>"),
        ("List-Unsubscribe", f"<{base}/out>, <mailto:out@{sender.domain}>"),
        ("Precedence", "bulk"),
        ("X-Original-To", cast.address),
    )
    return Draft(
        sender, subject, text, html, headers=headers, kind="newsletter",
        labels=("newsletter",) if words.chance(0.8) else (),
    )  # fmt: skip


def _page(subject: str, sender: Sender, stories: list[tuple[str, str, str]], base: str) -> str:
    rows = "\n".join(
        f'<tr><td style="padding:16px"><h2>{escape(title)}</h2><p>{escape(text)}</p>\n'
        f'<a href="{link}">Read on</a></td></tr>'
        for title, text, link in stories
    )
    return (
        "<!doctype html>\n"
        f"<html><head><title>{escape(subject)}</title><style>{_STYLE}</style></head>\n<body>\n"
        '<div style="display:none;max-height:0;overflow:hidden">'
        f"{escape(stories[0][1])}{_PADDING}</div>\n"
        f'<table class="wrap" align="center"><tr><td><img src="https://cdn.{sender.domain}/logo.png"'
        f' alt="{escape(sender.house)}" width="120"></td></tr>\n'
        f"<tr><td><h1>{escape(subject)}</h1></td></tr>\n{rows}\n"
        f'<tr><td align="center"><a class="btn" href="{base}/all">All stories</a></td></tr>\n'
        f'<tr><td><small>{escape(sender.house)} &middot; <a href="{base}/web">View in browser</a>'
        f' &middot; <a href="{base}/out">Unsubscribe</a></small></td></tr></table>\n'
        f'<img src="{base}/open.gif" width="1" height="1" alt="">\n</body></html>\n'
    )


def _twin(subject: str, sender: Sender, stories: list[tuple[str, str, str]], base: str) -> str:
    blocks = "\n\n".join(f"{title}\n{text}\n{link}" for title, text, link in stories)
    return f"{subject}\n\n{blocks}\n\n-- \n{sender.house}\nUnsubscribe: {base}/out\n"
