"""Lays the mailbox out in time: which kind of mail arrives when, and what its owner did with it.

Closes the trap of mail spread like sand: agents get mail in work hours and little at weekends, what
is new is unread, what is old is archived, and a conversation runs over days.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from services.sandbox.records import Delivery
from services.sandbox.samples import alerts, business, hostile, letters, strangers, threads, work
from services.sandbox.samples.assembly import Place, assemble, summary
from services.sandbox.samples.draft import Draft, SampleMail
from services.sandbox.samples.front import FRONT
from services.sandbox.samples.people import Cast, cast_for
from services.sandbox.samples.phrases import Words

_DAY: Final = 86_400
_HOURS: Final = (1, 1, 1, 1, 1, 2, 4, 8, 16, 20, 20, 18, 12, 16, 20, 18, 16, 12, 7, 5, 4, 3, 2, 2)
_ZONES: Final = (0, 0, 0, 60, 60, 120, 330, -300, -480, 540)
_MIX: Final[tuple[tuple[Callable[[Words, Cast], Draft] | None, int], ...]] = (
    (None, 17), (work.task, 13), (work.job, 11), (alerts.build, 12), (alerts.alarm, 8),
    (business.invoice, 8), (work.marketplace, 7), (work.findings, 6), (letters.newsletter, 6),
    (alerts.notice, 4), (business.contract, 3), (strangers.cold, 2), (strangers.first_contact, 1),
    (strangers.fraud, 1), (work.sealed, 2), (alerts.bounce, 1),
)  # fmt: skip
"""Kinds with their weights; None opens a conversation."""
_MAKERS: Final = tuple(maker for maker, _ in _MIX)
_WEIGHTS: Final = tuple(accumulate(weight for _, weight in _MIX))
_HOSTILE_FROM: Final = 26
_HOSTILE_EVERY: Final = 47
_HOSTILE_LATER: Final = 1_009


@dataclass(frozen=True, slots=True)
class _Slot:
    """The place of one later mail of a conversation."""

    thread: threads.Thread
    position: int


def mails(
    count: int, *, address: str, now: float, seed: int = 7, front: bool = True
) -> Iterator[SampleMail]:
    """Yield `count` mails to `address`, oldest first, none later than `now` (seconds, UTC).

    The same arguments give the same bytes. The newest fifteen are those of the first screen, which
    a second mailbox beside the first does without (`front` False).
    """
    first = 0 if front else len(FRONT)
    count += first
    until = int(now) if front else int(now) + 60 * FRONT[-1].minutes
    times = _times(count, until, seed)
    slots = _conversations(times, seed)
    cast = cast_for(address)
    for index in range(count - 1, first - 1, -1):
        yield _mail(index, times, slots.pop(index, None), cast, seed)


def _mail(index: int, times: list[int], slot: _Slot | None, cast: Cast, seed: int) -> SampleMail:
    rng = random.Random(seed * 1_000_003 + index)  # noqa: S311 - sample data
    draft = _draft(index, slot, Words(rng), cast)
    place_name = f"{seed} {index} {cast.address}".encode()
    tag = hashlib.blake2b(place_name, digest_size=20).hexdigest()
    zone = _ZONES[sum(draft.sender.domain.encode()) % len(_ZONES)]
    place = Place(cast.address, times[index], tag, zone)
    raw = assemble(draft, place)
    is_read, archived = _fate(index, len(times), rng)
    delivery = Delivery(
        raw,
        verified=draft.sender.verified,
        received_at=times[index],
        labels=draft.labels,
        is_read=is_read,
        archived=archived,
        trust_tier="verified" if draft.sender.verified else "unverified",
        traffic_type="marketplace" if draft.marketplace_id else "direct",
        message_id=tag,
        summary=summary(draft, raw, cast.address),
    )
    return SampleMail(delivery, draft.kind or "front", draft.broken)


def _draft(index: int, slot: _Slot | None, words: Words, cast: Cast) -> Draft:
    if index < len(FRONT):
        return FRONT[index].make(words, cast)
    if (number := _hostile_number(index)) is not None:
        return hostile.draft(number, cast)
    if slot:
        return threads.draft(slot.thread, slot.position, cast)
    maker = words.rng.choices(_MAKERS[1:], cum_weights=_LATER_WEIGHTS)[0]
    assert maker is not None
    return maker(words, cast)


_LATER_WEIGHTS: Final = tuple(accumulate(weight for _, weight in _MIX[1:]))


def _hostile_number(index: int) -> int | None:
    early = _HOSTILE_EVERY * len(hostile.KINDS) + _HOSTILE_FROM
    if _HOSTILE_FROM <= index < early and (index - _HOSTILE_FROM) % _HOSTILE_EVERY == 0:
        return (index - _HOSTILE_FROM) // _HOSTILE_EVERY
    if index >= early and index % _HOSTILE_LATER == 0:
        return index // _HOSTILE_LATER
    return None


def _fate(index: int, count: int, rng: random.Random) -> tuple[bool, bool]:
    """Say whether a mail has been read and archived: one in ten unread, mostly the newest."""
    if index < len(FRONT):
        return FRONT[index].is_read, False
    age = index / max(count, 1)
    unread = rng.random() < 0.045 + 0.6 * max(0.0, 1 - age / 0.25) ** 2
    archived = age > 0.08 and rng.random() < (0.05 + 0.25 * age) * (0.3 if unread else 1)
    return not unread, archived


# ── time ─────────────────────────────────────────────────────────────────────────────────────────


def _times(count: int, now: int, seed: int) -> list[int]:
    """Return the arrival times, newest first: the first screen by hand, the rest day by day."""
    times = [now - 60 * front.minutes for front in FRONT[:count]]
    rng = random.Random(seed)  # noqa: S311 - sample data
    a_day = max(14.0, count / 900)
    midnight = now - now % _DAY
    newest = times[-1] if times else now
    while len(times) < count:
        weekend = (midnight // _DAY + 3) % 7 >= 5
        share = a_day * (0.35 if weekend else 1.25) * (0.6 + 0.8 * rng.random())
        hours = rng.choices(range(24), weights=_HOURS, k=max(1, round(share)))
        found = sorted(
            (midnight + 3_600 * hour + rng.randrange(3_600) for hour in hours), reverse=True
        )
        times.extend(at for at in found if at < newest)
        midnight -= _DAY
    return times[:count]


def _conversations(times: list[int], seed: int) -> dict[int, _Slot]:
    """Choose which places belong to which conversation; a place belongs to one."""
    rng = random.Random(seed + 1)  # noqa: S311 - sample data
    slots: dict[int, _Slot] = {}
    taken: set[int] = set()
    spread = max(3, len(times) // 60)
    for index in range(len(FRONT), len(times)):
        if index in taken or rng.random() >= _MIX[0][1] / _WEIGHTS[-1] / 2.4:
            continue
        places = _places(index, len(times), taken, min(spread, 40), rng)
        taken.update(places)
        thread = threads.Thread(rng.getrandbits(48), tuple(times[at] for at in reversed(places)))
        for position, at in enumerate(reversed(places)):
            slots[at] = _Slot(thread, position)
    return slots


def _places(newest: int, count: int, taken: set[int], spread: int, rng: random.Random) -> list[int]:
    places = [newest]
    for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 5))):
        at = places[-1] + 1 + rng.randrange(spread)
        if at >= count or at in taken or _hostile_number(at) is not None:
            break
        places.append(at)
    return places
