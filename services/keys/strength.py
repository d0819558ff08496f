"""A hint how hard a passphrase is to guess; it advises, it never refuses.

Closes the trap of rules ("one digit, one sign") that call `P4ssw0rd!` strong: what counts is how many
tries it takes, so repeated letters, runs along the keyboard, years, common passwords and one's own
name count next to nothing, and a word counts as a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from math import log2
from typing import Final

from services.redact import Secret
from services.safe_text import SafeText, ui

_TOKENS: Final = re.compile(r"[^\W\d_]+|\d+|[\W_]+")
_YEAR: Final = re.compile(r"(19|20)\d\d")
_RUNS: Final = (
    "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "01234567890",
)  # fmt: skip
_COMMON: Final = frozenset({
    "password", "passwort", "passphrase", "secret", "letmein", "welcome", "admin", "administrator",
    "login", "master", "monkey", "dragon", "football", "baseball", "sunshine", "princess",
    "iloveyou", "shadow", "superman", "batman", "trustno", "test", "guest", "changeme", "default",
    "summer", "winter", "spring", "autumn", "hello", "whatever", "computer", "internet", "server",
    "root", "love", "mail", "agent", "agentmail", "openpgp", "pgp", "gpg", "key", "qwerty", "asdf",
})  # fmt: skip
_LEET: Final = str.maketrans("013457@$", "oieastas")
_VOWELS: Final = frozenset("aeiouyäöüéèáíóúаеёиоуыэюя")
_RANDOM_LEAST: Final = 8
"""Characters from which a text that changes kind all the time counts as drawn by chance."""
_LEAST: Final = 40.0
_GOOD: Final = 56.0
_BEST: Final = 75.0


class Level(Enum):
    """How a passphrase stands."""

    NONE = "none"
    WEAK = "weak"
    FAIR = "fair"
    GOOD = "good"
    STRONG = "strong"


@dataclass(frozen=True, slots=True)
class Strength:
    """The level, its bits (tries as a power of two, a guess), and a sentence with the next step."""

    level: Level
    bits: int
    sentence: SafeText


_SENTENCES: Final = {
    Level.NONE: ui("No passphrase: whoever can read the key's file can read your mail."),
    Level.WEAK: ui(
        "Weak: guessed quickly by whoever gets the file. Five words or more are better."
    ),
    Level.FAIR: ui("Fair: add a word or two."),
    Level.GOOD: ui("Good."),
    Level.STRONG: ui("Strong."),
}


def strength(passphrase: Secret, *, known: Iterable[str] = ()) -> Strength:
    """Judge a passphrase; `known` is what an attacker knows anyway (name, address). Under 1 ms."""
    told = {word for text in known for word in re.findall(r"\w{3,}", text.lower())}
    bits = _bits(passphrase.reveal()[:512], told)
    level = _level(bits) if passphrase else Level.NONE
    return Strength(level, int(bits), _SENTENCES[level])


def _level(bits: float) -> Level:
    if bits < _LEAST:
        return Level.WEAK
    if bits < _GOOD:
        return Level.FAIR
    return Level.GOOD if bits < _BEST else Level.STRONG


def _bits(text: str, told: set[str]) -> float:
    plain = text.lower()
    if _is_easy(plain, told) or _is_easy(plain.translate(_LEET), told):
        return 12.0
    tokens = _TOKENS.findall(text)
    if len(tokens) * 2.5 > len(text) and len(text) >= _RANDOM_LEAST:
        return log2(_alphabet(text)) * len(_without_runs(plain))
    seen: set[str] = set()
    total = 0.0
    for token in tokens:
        low = token.lower()
        total += 1.0 if low in seen else _token_bits(token, low, told)
        seen.add(low)
    return total


def _alphabet(text: str) -> int:
    """Return how many characters there are of the kinds that occur."""
    kinds = (
        (26, any(char.islower() for char in text)),
        (26, any(char.isupper() for char in text)),
        (10, any(char.isdigit() for char in text)),
        (20, any(not char.isalnum() for char in text)),
    )
    return sum(size for size, occurs in kinds if occurs)


def _is_easy(plain: str, told: set[str]) -> bool:
    letters = "".join(char for char in plain if char.isalpha())
    return letters in _COMMON or letters in told


def _token_bits(token: str, low: str, told: set[str]) -> float:
    if low in told or low in _COMMON:
        return 4.0
    distinct = _without_runs(low)
    if token.isdigit():
        return 6.5 if _YEAR.fullmatch(token) else 3.3 * len(distinct)
    if not token.isalpha():
        return 2.0 + 3.5 * (len(distinct) - 1)
    # A capital in front is what everybody does; capitals inside are worth something.
    capitals = 2.0 if token[1:] != low[1:] and not token.isupper() else 0.5 * (token != low)
    if _sounds_like_words(low):
        # A word of a large dictionary, longer ones being two.
        return min(4.7 * len(distinct), 12.0 * max(1.0, len(low) / 8)) + capitals
    return 4.7 * len(distinct) + capitals


def _without_runs(low: str) -> str:
    """Drop the letters that follow from the one before: repeated, or next on the keyboard."""
    kept = low[:1]
    for before, char in pairwise(low):
        pair = before + char
        if before != char and not any(pair in run or pair in run[::-1] for run in _RUNS):
            kept += char
    return kept


def _sounds_like_words(low: str) -> bool:
    vowels = sum(char in _VOWELS for char in low) / len(low)
    return 0.2 <= vowels <= 0.65 and not re.search(r"[^aeiouyäöü]{5}", low)
