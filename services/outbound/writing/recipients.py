"""Whom a mail may go to: completion over the history of the cache, the peers, and what was sent.

Closes two traps: a completion that reads 100,000 messages while somebody types (one document is
decoded for each correspondent, slice by slice, on another thread; a question is answered from what is
there), and a stranger who mails his way to the top of the list: what the operator wrote, and whose
keys he has, counts more than any number of messages that came in.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from math import log2
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from services.addresses import parse_mailbox
from services.models import RowFlag
from services.outbound.writing.typed_addresses import is_address, same_key
from services.outbound_models import RecipientSuggestion
from services.safe_text import EMPTY, SafeText, clean_address, clean_line, phrase, ui

if TYPE_CHECKING:
    from services.cache.snapshot import MailSnapshot
    from services.keys.peers import Peer

SUGGESTIONS: Final = 8
SLICE: Final = 500
"""Documents that are decoded in one go: about 10 ms."""
SLOTS: Final = 20_000
"""Messages that are counted in one go."""
MOST_LOOKS: Final = 10_000
"""Correspondents that one search looks at closely: about 10 ms."""
_MOST_WORDS: Final = 4
_LATER: Final = 1e12
"""Makes a tie-break of a time: seconds since the epoch are far below it."""
_NEEDLE: Final = 200
_WORDS: Final = str.maketrans(dict.fromkeys("@._-+<>()\"',", " "))
_VERIFIED: Final = int(RowFlag.VERIFIED)
_RANK: Final = attrgetter("rank")
_YOU_WROTE: Final = ui("you wrote")
_PEER: Final = ui("peer")
_WROTE: Final = ui("wrote to you")


@dataclass(slots=True)
class _Correspondent:
    address: str
    name: str = ""
    received: int = 0
    verified: int = 0
    written: int = 0
    last: int = 0
    pinned: bool = False
    checked: bool = False
    text: str = ""
    """Name and address as words and the address as it is, a blank before each; "" to be made."""
    rank: float = 0.0
    """What the list is sorted by, the smallest first."""

    def settle(self) -> None:
        """Bring text and rank up to date."""
        self.rank = -(self.score + self.last / _LATER)
        if not self.text:
            address = self.address.casefold()
            words = f" {self.name.casefold()} {address}".translate(_WORDS)
            self.text = f"{words} {address}\n"

    @property
    def score(self) -> float:
        """How likely it is meant; what a stranger can raise by himself is capped."""
        told = min(3.0, log2(1 + self.received - self.verified)) + 2 * log2(1 + self.verified)
        kept = (4.0 if self.pinned else 0.0) + (4.0 if self.checked else 0.0)
        return 8 * log2(1 + self.written) + kept + min(told, 12.0)


@dataclass(frozen=True, slots=True)
class _Ranked:
    """What is searched: all texts in one, the likeliest correspondent first.

    `starts` says where the text of each begins, and at its end how long all of it is.
    """

    text: str = ""
    starts: array[int] = field(default_factory=lambda: array("I", [0]))
    people: tuple[_Correspondent, ...] = ()

    def find(self, needles: list[str]) -> Iterator[_Correspondent]:
        """Yield whose text holds all of these, the likeliest first; gives up after MOST_LOOKS."""
        text, starts = self.text, self.starts
        if len(needles) > 1:
            # Mostly a long word is missing altogether; counting all of them costs more.
            needles = sorted(needles, key=len, reverse=True)
            if needles[0] in text:
                needles = sorted(needles, key=text.count)
        rare, *others = needles
        at = text.find(rare)
        for _ in range(MOST_LOOKS):
            if at < 0:
                return
            place = bisect_right(starts, at) - 1
            begin, end = starts[place], starts[place + 1]
            if all(text.find(needle, begin, end) >= 0 for needle in others):
                yield self.people[place]
            at = text.find(rare, end)


class RecipientIndex:
    """The correspondents of one account; each method may be called on any thread.

    `own` is the account's address, which is never suggested.
    """

    def __init__(self, own: str = "") -> None:
        self._own = same_key(own)
        self._people: dict[str, _Correspondent] = {}
        self._changed: dict[str, _Correspondent] = {}
        self._by_hash: dict[int, _Correspondent | None] = {}
        self._dates: array[int] | None = None
        self._low = self._high = 0
        self._ranked = _Ranked()
        self._published = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._ranked.people)

    # ── learning ─────────────────────────────────────────────────────────────────────────────────

    def learn_messages(self, snapshot: MailSnapshot) -> bool:
        """Count the next slice of messages, newest first; True when all are counted.

        Call it again until then. What came since the last time is counted first.
        """
        with self._lock:
            is_done = self._advance(snapshot)
            if self._changed and (is_done or len(self._people) >= 2 * self._published):
                self._publish()
            return is_done

    def learn_written(self, recipients: Iterable[tuple[str, int]]) -> None:
        """Take in whom the operator wrote to: address and time; replaces what was known of that.

        It is suggested from the next `learn_messages` on, as are peers.
        """
        with self._lock:
            for known in self._people.values():
                if known.written:
                    self._change(known).written = 0
            for address, at in recipients:
                person = self._person(address)
                if person is not None:
                    self._change(person).written += 1
                    person.last = max(person.last, at)

    def learn_peers(self, peers: Iterable[Peer]) -> None:
        """Take in whose keys are known; replaces what was known of that."""
        with self._lock:
            for known in self._people.values():
                if known.pinned:
                    self._change(known).pinned = known.checked = False
            for peer in peers:
                person = self._person(peer.address)
                if person is not None:
                    self._change(person).pinned = peer.pin is not None
                    person.checked = peer.pin is not None and bool(peer.pin.verified_at)

    def _advance(self, snapshot: MailSnapshot) -> bool:
        columns = snapshot.columns
        if self._dates is not columns.dates:
            self._forget_messages(columns.dates, len(columns.flags))
        decoded = 0
        for counted, slot in enumerate(self._pending(len(columns.flags)), 1):
            if columns.alive(slot):
                sender = columns.senders[slot]
                if sender not in self._by_hash:
                    self._by_hash[sender] = self._sender_of(snapshot, slot)
                    decoded += 1
                person = self._by_hash[sender]
                if person is not None:
                    _count(self._change(person), columns.flags[slot], columns.dates[slot])
            if decoded >= SLICE or counted >= SLOTS:
                return False
        return True

    def _forget_messages(self, dates: array[int], count: int) -> None:
        """Begin anew: the log was compacted, so every message has another number."""
        self._dates = dates
        self._low = self._high = count
        self._by_hash.clear()
        for person in self._people.values():
            self._change(person).received = person.verified = 0

    def _pending(self, count: int) -> Iterator[int]:
        while self._high < count:
            self._high += 1
            yield self._high - 1
        while self._low > 0:
            self._low -= 1
            yield self._low

    def _sender_of(self, snapshot: MailSnapshot, slot: int) -> _Correspondent | None:
        sender = parse_mailbox(str(snapshot.document_at(slot).get("s", ""))[:2_000])
        return self._person(sender.address, sender.name)

    def _person(self, address: str, name: str = "") -> _Correspondent | None:
        key = same_key(address)
        if key == self._own or not is_address(address.strip()):
            return None
        person = self._people.get(key)
        if person is None:
            person = self._people[key] = _Correspondent(address.strip())
        if name and not person.name and "@" not in name:
            person.name, person.text = " ".join(name.split())[:100], ""
        return self._change(person)

    def _change(self, person: _Correspondent) -> _Correspondent:
        self._changed[person.address] = person
        return person

    def _publish(self) -> None:
        for person in self._changed.values():
            person.settle()
        self._changed = {}
        people = sorted(self._people.values(), key=_RANK)
        texts = [person.text for person in people]
        starts = array("I", accumulate(map(len, texts), initial=0))
        self._ranked = _Ranked("".join(texts), starts, tuple(people))
        self._published = len(people)

    # ── asking ───────────────────────────────────────────────────────────────────────────────────

    def suggest(self, text: str, *, limit: int = SUGGESTIONS) -> tuple[RecipientSuggestion, ...]:
        """Complete what stands behind the last comma of a field; best first, () for no text.

        Addresses that begin like the text go first, then words that begin like it, then words that
        hold it; recipients that stand in the field already are left out.
        """
        *before, last = text.replace(";", ",").split(",")
        needles = last[:_NEEDLE].casefold().translate(_WORDS).split()
        if not needles:
            return ()
        there = _There(before)
        found: dict[str, _Correspondent] = {}
        for pattern in _patterns(last.strip()[:_NEEDLE].casefold(), needles[:_MOST_WORDS]):
            for person in self._ranked.find(pattern):
                if person.address not in there:
                    found.setdefault(person.address, person)
                if len(found) >= limit:
                    return tuple(map(_suggestion, found.values()))
        return tuple(map(_suggestion, found.values()))


class _There:
    """The recipients that stand in a field already; read only when one may be among them."""

    def __init__(self, entries: list[str]) -> None:
        self._entries = [entry.casefold() for entry in entries]

    def __contains__(self, address: str) -> bool:
        key = same_key(address)
        found = (entry for entry in self._entries if key in entry)
        return any(same_key(parse_mailbox(entry).address) == key for entry in found)


def _count(person: _Correspondent, flags: int, date: int) -> None:
    person.received += 1
    person.verified += bool(flags & _VERIFIED)
    person.last = max(person.last, date)


def _patterns(typed: str, needles: list[str]) -> Iterator[list[str]]:
    """Yield what to look for, the best first: the address, beginnings of words, parts of words."""
    if "@" in typed:
        yield [f" {typed}"]
    yield [f" {needle}" for needle in needles]
    yield needles


def _suggestion(person: _Correspondent) -> RecipientSuggestion:
    source = _YOU_WROTE if person.written else _PEER if person.pinned else _WROTE
    return suggestion(person.address, source, name=person.name, has_key=person.pinned)


def suggestion(
    address: str, source: SafeText, *, name: str = "", has_key: bool = False
) -> RecipientSuggestion:
    """Return a completion; the address alone goes into the field, a name is the stranger's word."""
    shown_name = clean_line(name, 60) if name else EMPTY
    shown = clean_address(address)
    return RecipientSuggestion(
        address, phrase("{} <{}>", shown_name, shown) if shown_name else shown, source, has_key
    )
