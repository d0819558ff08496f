"""Addresses that only look like one that is known.

Closes the trap of an address that a person reads as a colleague's: letters of other scripts, digits
in place of letters, `rn` for `m`, hyphens and dots moved, one letter off, a known domain in front of
another one. What is found is told; it is external anyway (`services.outbound.gate.policy`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from services.hosts import look_alike, readable_host

_SAME_LOOK: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_SAME_LETTER: Final = str.maketrans("01345789|!", "oleastbgll")
_NO_MARKS: Final = str.maketrans("", "", "-_.")
_SHORTEST: Final = 5
"""Letters of a domain from which one letter off is told as a look-alike."""
_LABELS: Final = 20
_LONGEST: Final = 255


class LookAlikes:
    """Known addresses and domains, ready to be compared with; remembers what it was asked."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(one.lower() for one in known)
        self._domains = {one.rpartition("@")[2] for one in self._known} - {""}
        self._by_look = {_look(domain): domain for domain in sorted(self._domains)}
        self._by_cut: dict[str, set[str]] = {}
        for domain in self._domains:
            for cut in _cuts(domain):
                self._by_cut.setdefault(cut, set()).add(domain)
        self._people = {(domain_of(one), _look(local_of(one))): one for one in self._known}
        self._answers: dict[str, str] = {}

    def of(self, address: str) -> str:
        """Return the known address or domain that an address only looks like, "" when none."""
        named = address.lower()
        if named in self._known:
            return ""
        local, domain = local_of(named), domain_of(named)
        twin = self._people.get((domain, _look(local)), "") if local else ""
        return look_alike(local) or twin or self._domain(domain)

    def _domain(self, domain: str) -> str:
        if domain not in self._answers:
            self._answers[domain] = self._compared(domain)
        return self._answers[domain]

    def _compared(self, domain: str) -> str:
        twin = look_alike(domain)
        if twin or domain in self._domains:
            return twin
        near = {known for cut in _cuts(domain) for known in self._by_cut.get(cut, ())}
        near = {known for known in near if _one_apart(domain, known)}
        near |= {part for part in _disguised(domain) if part in self._domains}
        near.add(self._by_look.get(_look(readable_host(domain)), ""))
        return min((one for one in near if one and not _is_family(domain, one)), default="")


def local_of(address: str) -> str:
    """Return what stands before the last @, "" without one."""
    return address.rpartition("@")[0]


def domain_of(address: str) -> str:
    """Return what stands behind the last @, or all of it."""
    return address.rpartition("@")[2]


def _look(text: str) -> str:
    """Return what a text looks like at a glance."""
    plain = text.translate(_SAME_LETTER).translate(_NO_MARKS)
    for pair, letter in _SAME_LOOK:
        plain = plain.replace(pair, letter)
    return plain.replace("l", "i")


def _is_family(domain: str, known: str) -> bool:
    """Tell a domain above or below a known one, which is no disguise."""
    return domain.endswith(f".{known}") or known.endswith(f".{domain}")


def _cuts(domain: str) -> set[str]:
    """Return a domain with each of its letters left out, and itself: two that are one letter apart
    have one of these in common."""
    if len(domain) < _SHORTEST:
        return set()
    return {domain, *(domain[:at] + domain[at + 1 :] for at in range(len(domain)))}


def _disguised(domain: str) -> Iterator[str]:
    """Yield what a domain shows in front of its own end: `ours.example` of `ours.example.evil.org`."""
    labels = domain.split(".")[:_LABELS]
    for start in range(len(labels)):
        for end in range(start + 1, len(labels) + (start == 0)):
            yield ".".join(labels[start:end])
    for at, letter in enumerate(domain[:_LONGEST]):
        if letter == "-":
            yield domain[:at]


def _one_apart(one: str, other: str) -> bool:
    """Tell whether one letter was put in, left out, changed, or two were swapped."""
    if abs(len(one) - len(other)) > 1:
        return False
    short, long = sorted((one, other), key=len)
    pairs = enumerate(zip(short, long, strict=False))
    start = next((at for at, (a, b) in pairs if a != b), len(short))
    rest, long_rest = short[start:], long[start:]
    if len(short) != len(long):
        return rest == long_rest[1:]
    swapped = rest[:2] == long_rest[:2][::-1] and rest[2:] == long_rest[2:]
    return rest[1:] == long_rest[1:] or swapped
