"""HTML mail as lines of text: a walk over the parsed page.

Closes three traps. Hostile markup: the parser is linear on every bomb and hidden behind
`_walk_page`, the only place that knows it. Hidden text: what the page's own style hides is left out
and counted. Links that lie: every target is numbered and listed next to the text it stands on.
Nothing is fetched, here or anywhere in the worker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from services.limits import HTML_LIMIT
from services.reading.html_lines import PageLines
from services.reading.html_style import Look, StyleSheet, look_of
from services.reading.link_list import LinkList
from services.reading.parsed_mail import ParsedLine
from services.reading.plain_text import QUOTE_DEPTH_LIMIT

_SKIPPED: Final = frozenset(
    """script template title select datalist svg math iframe object audio video canvas textarea
    noframes noembed""".split()  # noqa: SIM905 - sixty quotes would hide the words
)
_BLOCKS: Final = frozenset(
    """div section article header footer main nav aside address center form fieldset figure
    figcaption table tbody thead tfoot tr dt dd caption legend details summary body html hgroup
    dir""".split()  # noqa: SIM905
)
_SPACED: Final = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "dl", "listing"])
_QUOTES: Final = frozenset(["gmail_quote", "yahoo_quoted", "protonmail_quote", "zmail_extra"])
_QUOTE_IDS: Final = frozenset(["olk_src_body_section", "isforwardcontent"])
_QUOTES_AFTER: Final = frozenset(["stopspelling", "divrplyfwdmsg", "replysplit", "appendonsend"])
_LIST_DEPTH_LIMIT: Final = 8
_RULE: Final = "─" * 20


@dataclass(frozen=True, slots=True)
class HtmlText:
    """A page as text: its lines, the number of hidden characters, whether a limit cut it."""

    lines: list[ParsedLine]
    hidden: int
    cut: bool


class PageEvents(Protocol):
    """What the parser tells about a page, in document order; every start has its end."""

    def start_element(self, tag: str, attrs: tuple[tuple[str, str | None], ...], /) -> None: ...

    def end_element(self, tag: str, /) -> None: ...

    def characters(self, data: str, /) -> None: ...


def load_parser() -> None:
    """Import the HTML parser now, for a process that may open no file later."""
    html_to_text("<p>x", LinkList())


def html_to_text(html: str, links: LinkList, *, reveal: bool = False) -> HtmlText:
    """Lay a page out as lines and number its links; at most HTML_LIMIT characters are read.

    `reveal` shows text that the page hides, in double brackets; it is counted either way.
    """
    walk = HtmlWalk(links, reveal=reveal)
    _walk_page(html[:HTML_LIMIT], walk)
    return walk.finish(cut=len(html) > HTML_LIMIT)


def _walk_page(html: str, events: PageEvents) -> None:
    from turbohtml.saxparse import SaxHandler, sax_parse

    class Handler(SaxHandler):
        start_element = staticmethod(events.start_element)  # type: ignore[assignment]
        end_element = staticmethod(events.end_element)  # type: ignore[assignment]
        characters = staticmethod(events.characters)  # type: ignore[assignment]

    sax_parse(html, Handler())


@dataclass(frozen=True, slots=True)
class _State:
    """What holds inside the element that is open now."""

    look: Look
    skipped: bool = False
    sheet: bool = False
    preformatted: bool = False
    quote: int = 0
    absorbs_quote: bool = False
    """The next blockquote is the quote that has been counted already."""


@dataclass(slots=True)
class _OpenLink:
    url: str
    written_before: int
    text: list[str] = field(default_factory=list)


class HtmlWalk:
    """Turns page events into lines; the state of the open element is kept on a stack."""

    def __init__(self, links: LinkList, *, reveal: bool = False) -> None:
        self._reveal = reveal
        self._page = PageLines()
        self._state = _State(Look())
        self._stack: list[_State] = []
        self._counters: list[int | None] = []
        self._sheet = StyleSheet()
        self._links = links
        self._link: _OpenLink | None = None
        self._hidden = 0
        self._openers = self._table_of_openers()
        self._closers: dict[str, Callable[[], None]] = {
            "a": self._close_link,
            "ol": self._close_list,
            "ul": self._close_list,
            "li": self._close_item,
            "td": self._page.close_cell,
            "th": self._page.close_cell,
            "pre": self._page.blank_line,
            "blockquote": self._page.blank_line,
        }

    def _table_of_openers(self) -> dict[str, Callable[[dict[str, str]], None]]:
        return {
            "a": self._open_link,
            "area": self._list_target,
            "form": self._list_target,
            "br": self._line_break,
            "hr": self._rule,
            "img": self._image,
            "input": self._button,
            "ol": self._open_list,
            "ul": self._open_bullets,
            "li": self._open_item,
            "td": self._open_cell,
            "th": self._open_cell,
            "pre": self._open_pre,
            "style": self._open_sheet,
            "blockquote": self._open_blockquote,
        }

    # ── events ───────────────────────────────────────────────────────────────────────────────────

    def start_element(self, tag: str, attrs: tuple[tuple[str, str | None], ...]) -> None:
        """Open an element."""
        self._stack.append(self._state)
        attributes = {name: value or "" for name, value in attrs} if attrs else {}
        if attributes:
            look = look_of(self._state.look, attributes, self._sheet)
            if look is not self._state.look:
                self._state = replace(self._state, look=look)
            self._mark_quote(tag, attributes)
        opener = self._openers.get(tag)
        if opener is not None:
            opener(attributes)
        elif tag in _SPACED:
            self._page.blank_line()
        elif tag in _BLOCKS:
            self._page.break_line()
        elif tag in _SKIPPED:
            self._state = replace(self._state, skipped=True)

    def end_element(self, tag: str) -> None:
        """Close an element."""
        closer = self._closers.get(tag)
        if closer is not None:
            closer()
        elif tag in _SPACED:
            self._page.blank_line()
        elif tag in _BLOCKS:
            self._page.break_line()
        before = self._stack.pop() if self._stack else _State(Look())
        if before.quote != self._state.quote:
            self._page.blank_line()
            self._page.quote = before.quote
        self._state = before

    def characters(self, data: str) -> None:
        """Take a run of text."""
        state = self._state
        if state.sheet:
            self._sheet.add(data)
            return
        if state.skipped:
            return
        if self._link is not None:
            self._link.text.append(data)
        if state.look.hides:
            self._hidden += len(data) - sum(map(data.count, " \t\r\n\f\u00a0"))
            if self._reveal and data.strip():
                self._page.flow(f" ⟦{data.strip()}⟧ ")
        elif state.preformatted:
            self._page.preformatted(data)
        else:
            self._page.flow(data)

    def finish(self, *, cut: bool) -> HtmlText:
        """End the page."""
        self._close_link()
        return HtmlText(self._page.finish(), self._hidden, cut)

    # ── quotes ───────────────────────────────────────────────────────────────────────────────────

    def _mark_quote(self, tag: str, attributes: dict[str, str]) -> None:
        """Raise the quote level where a mail program marks what it quotes."""
        identity = attributes.get("id", "").lower().removeprefix("x_")
        classes = attributes.get("class", "")
        if identity in _QUOTES_AFTER and self._stack:
            self._quote_deeper(absorbs=False)
            self._stack[-1] = replace(self._stack[-1], quote=self._state.quote)
        elif tag != "blockquote" and (
            identity in _QUOTE_IDS or (classes and not _QUOTES.isdisjoint(classes.split()))
        ):
            self._quote_deeper(absorbs=True)

    def _quote_deeper(self, *, absorbs: bool) -> None:
        self._page.blank_line()
        depth = min(self._state.quote + 1, QUOTE_DEPTH_LIMIT)
        self._state = replace(self._state, quote=depth, absorbs_quote=absorbs)
        self._page.quote = depth

    def _open_blockquote(self, _attributes: dict[str, str]) -> None:
        self._page.blank_line()
        if self._state.absorbs_quote:
            self._state = replace(self._state, absorbs_quote=False)
        else:
            self._quote_deeper(absorbs=False)

    # ── lists, tables, breaks ────────────────────────────────────────────────────────────────────

    def _open_list(self, attributes: dict[str, str]) -> None:
        self._between_lists()
        start = attributes.get("start", "1")[:9]
        self._counters.append(int(start) if start.isascii() and start.isdigit() else 1)

    def _open_bullets(self, _attributes: dict[str, str]) -> None:
        self._between_lists()
        self._counters.append(None)

    def _between_lists(self) -> None:
        if self._counters:
            self._page.break_line()
        else:
            self._page.blank_line()

    def _close_list(self) -> None:
        if self._counters:
            self._counters.pop()
        self._between_lists()

    def _open_item(self, _attributes: dict[str, str]) -> None:
        self._page.break_line()
        depth = min(len(self._counters), _LIST_DEPTH_LIMIT)
        number = self._counters[-1] if self._counters else None
        if number is not None:
            self._counters[-1] = number + 1
        mark = "•" if number is None else f"{number}."
        self._page.prefix = "  " * max(0, depth - 1) + mark + " "

    def _close_item(self) -> None:
        self._page.break_line()
        self._page.prefix = ""

    def _open_cell(self, _attributes: dict[str, str]) -> None:
        self._page.open_cell()

    def _open_pre(self, _attributes: dict[str, str]) -> None:
        self._page.blank_line()
        self._state = replace(self._state, preformatted=True)

    def _open_sheet(self, _attributes: dict[str, str]) -> None:
        self._state = replace(self._state, sheet=True)

    def _line_break(self, _attributes: dict[str, str]) -> None:
        if not self._state.look.hides:
            self._page.line_feed()

    def _rule(self, _attributes: dict[str, str]) -> None:
        self._page.blank_line()
        if not self._state.look.hides:
            self._page.put(_RULE)
            self._page.blank_line()

    # ── images, buttons, links ───────────────────────────────────────────────────────────────────

    def _image(self, attributes: dict[str, str]) -> None:
        pixel = any(attributes.get(side, "") in ("0", "1") for side in ("width", "height"))
        if pixel or self._state.look.hides or self._state.skipped:
            return
        words = " ".join(attributes.get("alt", "")[:600].split())[:300]
        if self._link is not None:
            self._link.text.append(words)
        if words or self._link is not None:
            self._page.flow(f" [image: {words}] " if words else " [image] ")

    def _button(self, attributes: dict[str, str]) -> None:
        shown = attributes.get("type", "").lower() in ("submit", "button", "reset")
        if shown and not self._state.look.hides:
            self._page.flow(f" [{attributes.get('value', '')[:300]}] ")

    def _open_link(self, attributes: dict[str, str]) -> None:
        self._close_link()
        url = attributes.get("href", "").strip()
        if url and not url.startswith("#") and not self._state.skipped:
            self._link = _OpenLink(url, self._page.written)

    def _close_link(self) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        number = self._links.number(link.url, "".join(link.text))
        if number and self._page.written > link.written_before:
            self._page.attach(f" [{number}]")

    def _list_target(self, attributes: dict[str, str]) -> None:
        """List a target that no text stands on: an area of an image map, a form."""
        self._page.break_line()
        url = attributes.get("href") or attributes.get("action") or ""
        if url.strip() and not url.startswith("#"):
            self._links.number(url, attributes.get("alt", ""))
