"""Host names in links and addresses: where a link really goes, and what only looks like a name.

Closes the trap of names that read as another: letters of two scripts in one word, Cyrillic that
looks Latin, a user name in front of the host, a text that names one host and leads to another.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_CONTROLS: Final = re.compile(r"[\x00-\x20\x7f]")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]{0,30}):")
_HOST_IN_TEXT: Final = re.compile(
    r"(?<![@\w.\-])(https?://|www\.)?((?:[^\W_](?:[\w\-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24})(?![\w@\-])",
    re.IGNORECASE,
)
_COMMON_ENDS: Final = frozenset(
    """com net org edu gov mil int info biz io co app dev ai me tv eu us uk de fr nl es it ru cn jp kr
    in br au ca ch at be dk se no fi pl cz ua tr gr pt ie il za mx ar cl nz hk sg tw ro hu bg sk si
    lt lv ee hr rs by kz xyz online site shop top club live store tech cloud email bank example""".split()  # noqa: SIM905
)
_TWINS: Final = str.maketrans(
    "аеорсухіјѕԁһӏԛԝѵвкмнтгзαορτυνκιχηβμεрόΑΒΕΖΗΙΚΜΝΟΡΤΥΧАВЕКМНОРСТХІЈЅıɡɑοո։օ",
    "aeopcyxijsdhlqwvbkmhtr3aoptuvkixnbuepoABEZHIKMNOPTYXABEKMHOPCTXIJSigaon:o",
)


def scheme_of(url: str) -> str:
    """Return the scheme in lower case; empty for a relative target."""
    match = _SCHEME.match(_CONTROLS.sub("", url[:200]))
    return match.group(1).lower() if match else ""


def host_of(url: str) -> str:
    """Return the host that a browser would go to, as ASCII; empty when there is none.

    Reads a target as browsers do: controls are dropped, a backslash is a slash.
    """
    authority = _authority(url)
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return ascii_host(host.partition(":")[0].rstrip("."))


def hides_host(url: str) -> bool:
    """Tell whether a user name stands before the host, which only misleads."""
    return "@" in _authority(url)


def ascii_host(host: str) -> str:
    """Write a host name as the network knows it: labels outside ASCII become `xn--…`."""
    folded = unicodedata.normalize("NFKC", host).lower()
    return ".".join(_ascii_label(label) for label in folded[:300].split("."))


def readable_host(host: str) -> str:
    """Write the `xn--` labels of a host in their own letters."""
    if "xn--" not in host:
        return host
    return ".".join(_own_letters(label) for label in host.split("."))


def hosts_in(text: str) -> list[str]:
    """Find host names that a text shows, as ASCII; words that merely hold a dot are left out."""
    plain = "".join(
        c for c in unicodedata.normalize("NFKC", text[:500]) if unicodedata.category(c) != "Cf"
    )
    found: list[str] = []
    for match in _HOST_IN_TEXT.finditer(plain):
        name = match.group(2).lower()
        if match.group(1) or name.rpartition(".")[2] in _COMMON_ENDS:
            found.append(ascii_host(name))
    return found


def same_site(one: str, other: str) -> bool:
    """Tell whether one host is the other, or lies under it."""
    one, other = one.removeprefix("www."), other.removeprefix("www.")
    return one == other or one.endswith("." + other) or other.endswith("." + one)


def look_alike(name: str) -> str:
    """Return what a name only looks like; empty when it is what it looks like.

    `name` is a host, an address or a word. The answer is the Latin spelling of letters from other
    scripts that read as Latin; for a word that mixes scripts without such a reading, the name itself.
    """
    shown = readable_host(name)
    if shown.isascii():
        return ""
    for word in re.split(r"[^\w]+", shown):
        if word.isascii():
            continue
        scripts = {script for script in map(_script, word) if script}
        twin = word.translate(_TWINS)
        if twin.isascii() and ("." in shown or "@" in shown or len(scripts) > 1):
            return shown.translate(_TWINS)
        if len(scripts) > 1 and not scripts <= _WRITTEN_TOGETHER:
            return shown
    return ""


_SCRIPTS: Final = frozenset(
    """LATIN CYRILLIC GREEK ARMENIAN GEORGIAN CHEROKEE COPTIC HEBREW ARABIC THAI DEVANAGARI CJK
    HIRAGANA KATAKANA HANGUL BOPOMOFO""".split()  # noqa: SIM905
)
_WRITTEN_TOGETHER: Final = frozenset(["LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"])


@lru_cache(maxsize=4_096)
def _script(char: str) -> str:
    """Return the script of a letter; empty for digits, marks and letters without one."""
    if not char.isalpha():
        return ""
    name = unicodedata.name(char, "").partition(" ")[0]
    return name if name in _SCRIPTS else ""


def _authority(url: str) -> str:
    plain = _CONTROLS.sub("", url[:4_000]).replace("\\", "/")
    match = _SCHEME.match(plain)
    if match is not None:
        if match.group(1).lower() not in ("http", "https", "ftp", "ws", "wss"):
            return ""
        rest = plain[match.end() :].lstrip("/")
    elif plain.startswith("//"):
        rest = plain.lstrip("/")
    elif plain.lower().startswith("www."):
        rest = plain
    else:
        return ""
    return re.split(r"[/?#]", rest, maxsplit=1)[0]


def _ascii_label(label: str) -> str:
    if label.isascii():
        return label
    try:
        return "xn--" + label.encode("punycode").decode("ascii")
    except UnicodeError:
        return label


def _own_letters(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
