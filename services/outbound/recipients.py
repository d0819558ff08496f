"""Whom a mail may go to: completion over the history of the cache, the peers, and what was sent.

Closes two traps: a completion that reads 100,000 messages while somebody types (one document is
decoded for each correspondent, slice by slice, on another thread; a question is answered from what is
there), and a stranger who mails his way to the top of the list: what the operator wrote, and whose
keys he has, counts more than any number of messages that came in.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING, Final

from services.addresses import parse_mailbox
from services.models import RowFlag
from services.outbound.typed_addresses import is_address, same_key
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
_NEEDLE: Final = 200
_WORDS: Final = str.maketrans(dict.fromkeys("@._-+<>()\"',", " "))
_VERIFIED: Final = int(RowFlag.VERIFIED)
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

    @property
    def score(self) -> float:
        """How likely it is meant; what a stranger can raise by himself is capped."""
        told = min(3.0, log2(1 + self.received - self.verified)) + 2 * log2(1 + self.verified)
        kept = (4.0 if self.pinned else 0.0) + (4.0 if self.checked else 0.0)
        return 8 * log2(1 + self.written) + kept + min(told, 12.0)


@dataclass(frozen=True, slots=True)
class _Ranked:
    """What is searched: one text and one correspondent at each place, the likeliest first."""

    texts: tuple[str, ...] = ()
    people: tuple[_Correspondent, ...] = ()


class RecipientIndex:
    """The correspondents of one account; each method may be called on any thread.

    `own` is the account's address, which is never suggested.
    """

    def __init__(self, own: str = "") -> None:
        self._own = same_key(own)
        self._people: dict[str, _Correspondent] = {}
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
            if is_done or len(self._people) >= 2 * self._published:
                self._publish()
            return is_done

    def learn_written(self, recipients: Iterable[tuple[str, int]]) -> None:
        """Take in whom the operator wrote to: address and time; replaces what was known of that.

        It is suggested from the next `learn_messages` on, as are peers.
        """
        with self._lock:
            for person in self._people.values():
                person.written = 0
            for address, at in recipients:
                person_written = self._person(address)
                if person_written is not None:
                    person_written.written += 1
                    person_written.last = max(person_written.last, at)

    def learn_peers(self, peers: Iterable[Peer]) -> None:
        """Take in whose keys are known."""
        with self._lock:
            for peer in peers:
                person = self._person(peer.address)
                if person is not None:
                    person.pinned = peer.pin is not None
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
                _count(self._by_hash[sender], columns.flags[slot], columns.dates[slot])
            if decoded >= SLICE or counted >= SLOTS:
                return False
        return True

    def _forget_messages(self, dates: array[int], count: int) -> None:
        """Begin anew: the log was compacted, so every message has another number."""
        self._dates = dates
        self._low = self._high = count
        self._by_hash.clear()
        for person in self._people.values():
            person.received = person.verified = 0

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
        if name and "@" not in name:
            person.name = person.name or " ".join(name.split())[:100]
        return person

    def _publish(self) -> None:
        people = sorted(self._people.values(), key=_rank)
        self._ranked = _Ranked(tuple(map(_text_of, people)), tuple(people))
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
        there = {same_key(parse_mailbox(entry).address) for entry in before}
        ranked = self._ranked
        found: dict[str, _Correspondent] = {}
        for pattern in _patterns(last.strip()[:_NEEDLE].casefold(), needles):
            for at in _hits(ranked.texts, pattern):
                person = ranked.people[at]
                key = same_key(person.address)
                if key not in there:
                    found.setdefault(key, person)
                if len(found) >= limit:
                    break
            if len(found) >= limit:
                break
        return tuple(map(_suggestion, found.values()))


def _count(person: _Correspondent | None, flags: int, date: int) -> None:
    if person is not None:
        person.received += 1
        person.verified += bool(flags & _VERIFIED)
        person.last = max(person.last, date)


def _patterns(typed: str, needles: list[str]) -> Iterator[list[str]]:
    """Yield what to look for, the best first: the address, beginnings of words, parts of words."""
    if "@" in typed:
        yield [f" {typed}"]
    yield [f" {needle}" for needle in needles]
    yield needles


def _hits(texts: tuple[str, ...], needles: list[str]) -> Iterator[int]:
    first, *others = sorted(needles, key=len, reverse=True)
    for at, text in enumerate(texts):
        if first in text and all(needle in text for needle in others):
            yield at


def _rank(person: _Correspondent) -> tuple[float, int, str]:
    return -person.score, -person.last, person.address


def _text_of(person: _Correspondent) -> str:
    """Return name and address as words and the address as it is, with a blank before each."""
    address = person.address.casefold()
    return f" {person.name.casefold()} {address}".translate(_WORDS) + f" {address}"


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
