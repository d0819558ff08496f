"""Armor: what is written is read everywhere, whatever is read ends at once."""

from __future__ import annotations

import os
import random

import pysequoia
import pytest

from services.crypto.armor import ArmorKind, ArmorSpan, crc24, decode, encode, find
from services.crypto.errors import Damaged
from services.errors import CryptoError
from tests.fakes.openpgp_packets import slow_crc24

DATA = bytes(range(256)) * 3


def test_the_checksum_has_the_published_check_value() -> None:
    assert crc24(b"123456789") == 0x21CF02
    assert crc24(b"") == 0xB704CE


def test_the_folded_checksum_equals_the_bit_loop_for_every_short_length_and_around_the_chunks() -> (
    None
):
    chance = random.Random(1)
    lengths = [*range(330), 1257, 65_535, 65_536, 65_537, 70_000]
    for length in lengths:
        data = chance.randbytes(length)
        assert crc24(data) == slow_crc24(data), length


def test_a_checksum_can_be_continued_piece_by_piece() -> None:
    data = random.Random(2).randbytes(200_000)
    crc = crc24(data[:70_001])
    assert crc24(data[70_001:], crc) == crc24(data)


@pytest.mark.parametrize("kind", list(ArmorKind))
@pytest.mark.parametrize("length", [1, 2, 3, 47, 48, 49, 5_000])
def test_what_is_written_is_read_again(kind: ArmorKind, length: int) -> None:
    data = os.urandom(length)
    armor = encode(data, kind)
    assert decode(armor, kind) == data
    assert decode(armor.decode(), kind) == data
    lines = armor.decode().splitlines()
    assert max(map(len, lines)) <= 64
    assert b"\r" not in armor


def test_sequoia_and_we_write_the_same_bytes() -> None:
    ours = encode(DATA, ArmorKind.MESSAGE)
    theirs = pysequoia.armor(DATA, pysequoia.ArmorKind.Message)
    assert b"".join(ours.split()) == b"".join(str(theirs).encode().split())


ARMOR = encode(DATA, ArmorKind.MESSAGE).decode()
HEAD, BODY = ARMOR.split("\n\n")
LINES = BODY.splitlines()
CHECKSUM = next(line for line in LINES if line.startswith("="))

VARIANTS = {
    "as written": ARMOR,
    "CRLF": ARMOR.replace("\n", "\r\n"),
    "headers": ARMOR.replace("\n\n", "\nVersion: GnuPG v2\nComment: x: y\nHash:\n\n", 1),
    "a header with letters of any kind": ARMOR.replace("\n\n", "\nComment: grün\n\n", 1),
    "no final newline": ARMOR.rstrip("\n"),
    "ASCII text around": f"Hello,\n\n{ARMOR}\nBest wishes\n",
    "text of any kind around": f"Grüße 😀\n\n{ARMOR}\n— a footer —\n",
    "no checksum": ARMOR.replace(CHECKSUM + "\n", ""),
    "wrong checksum": ARMOR.replace(CHECKSUM, "=AAAA"),
    "trailing spaces": ARMOR.replace("\n", " \t\n"),
    "a blank line that holds a space": ARMOR.replace("\n\n", "\n \n", 1),
    "unwrapped": f"{HEAD}\n\n{''.join(LINES[:-2])}\n{CHECKSUM}\n{LINES[-1]}\n",
    "ninety headers": ARMOR.replace("\n\n", "\n" + "a: b\n" * 90 + "\n", 1),
    "no blank line": ARMOR.replace("\n\n", "\n", 1),
    "headers and no blank line": ARMOR.replace("\n\n", "\nVersion: 1\n", 1),
    "a byte order mark and a blank line": f"\ufeff\n{ARMOR}",
}


@pytest.mark.parametrize("text", VARIANTS.values(), ids=VARIANTS.keys())
def test_every_way_that_mail_brings_armor_is_read(text: str) -> None:
    assert decode(text, ArmorKind.MESSAGE) == DATA
    assert decode(text.encode(), ArmorKind.MESSAGE) == DATA


BROKEN = {
    "nothing": "",
    "text": "Hello",
    "cut before the end": ARMOR[: len(ARMOR) // 2],
    "no begin": BODY,
    "another kind": ARMOR.replace("MESSAGE", "SIGNATURE"),
    "two": ARMOR + ARMOR,
    "a letter that is none": ARMOR.replace(LINES[1], "!" + LINES[1][1:]),
    "a lost letter": ARMOR.replace(LINES[1], LINES[1][1:]),
    "padding in the middle": ARMOR.replace(LINES[1], "====" + LINES[1][4:]),
    "one inside another": f"{HEAD}\n\n{LINES[0]}\n{ARMOR}{BODY}",
    "the end of another": ARMOR.replace("END PGP MESSAGE", "END PGP SIGNATURE"),
    "a hundred headers": ARMOR.replace("\n\n", "\n" + "a: b\n" * 100 + "\n", 1),
    "an empty one": f"{HEAD}\n\n{LINES[-1]}\n",
    "quoted": "\n".join(f"> {line}" for line in ARMOR.splitlines()),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_single_whole_block_is_refused(text: str) -> None:
    if text == BROKEN["one inside another"]:
        assert decode(text, ArmorKind.MESSAGE) == DATA  # the outer one never ends
        return
    with pytest.raises(Damaged):
        decode(text, ArmorKind.MESSAGE)


def test_blocks_are_found_in_order_with_what_stands_between_them() -> None:
    key = encode(b"key", ArmorKind.PUBLIC_KEY)
    message = encode(DATA, ArmorKind.MESSAGE)
    text = b"Hello\n" + key + b"middle\n" + message + b"end"
    spans = find(text)
    assert [span.kind for span in spans] == [ArmorKind.PUBLIC_KEY, ArmorKind.MESSAGE]
    assert text[spans[0].start : spans[0].end] == key.rstrip(b"\n")
    assert text[spans[0].end : spans[1].start] == b"\nmiddle\n"
    assert text[spans[1].end :] == b"\nend"


def test_a_marker_within_a_line_is_none() -> None:
    message = encode(DATA, ArmorKind.MESSAGE)
    assert find(b"see " + message) == ()
    assert find(message.replace(b"-----END", b" -----END")) == ()
    assert find(message) == (ArmorSpan(0, len(message) - 1, ArmorKind.MESSAGE),)


CRLF = "\r\n"
HANGING = {
    "a cleartext signature of sixteen blank pairs": (
        f"-----BEGIN PGP SIGNED MESSAGE-----{CRLF * 32}x"
    ),
    "twenty-two lines that stock PGPy never finishes": (
        f"-----BEGIN PGP SIGNED MESSAGE-----{CRLF}" + f"a{CRLF}" * 22
    ),
    "forty headers and no body, message": (
        f"-----BEGIN PGP MESSAGE-----{CRLF}" + f"a: b{CRLF}" * 40 + "x"
    ),
    "forty headers and no body, key": (
        f"-----BEGIN PGP PUBLIC KEY BLOCK-----{CRLF}" + f"a: b{CRLF}" * 40 + "x"
    ),
    "a megabyte of headers": "-----BEGIN PGP MESSAGE-----\n" + "a: b\n" * 200_000,
    "headers to the end": (
        "-----BEGIN PGP MESSAGE-----\n" + "a: b\n" * 200_000 + "-----END PGP MESSAGE-----\n"
    ),
    "a hundred thousand begins": "-----BEGIN PGP MESSAGE-----\n" * 100_000,
    "a hundred thousand ends": "-----END PGP MESSAGE-----\n" * 100_000,
    "a megabyte of dashes": "-" * 1_000_000,
    "a megabyte of spaces behind a marker": "-----BEGIN PGP MESSAGE-----" + " " * 1_000_000 + "x",
    "a megabyte of equal signs": (
        "-----BEGIN PGP MESSAGE-----\n\n" + "=" * 1_000_000 + "\n-----END PGP MESSAGE-----"
    ),
    "a hundred thousand checksums": (
        "-----BEGIN PGP MESSAGE-----\n\n" + "=AAAA \n" * 100_000 + "-----END PGP MESSAGE-----"
    ),
    "a header of a megabyte": (
        "-----BEGIN PGP MESSAGE-----\n" + "a" * 1_000_000 + ":\n\n-----END PGP MESSAGE-----"
    ),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", [ArmorKind.MESSAGE, ArmorKind.PUBLIC_KEY])
@pytest.mark.parametrize("text", HANGING.values(), ids=HANGING.keys())
def test_armor_made_to_hang_a_reader_is_answered(text: str, kind: ArmorKind) -> None:
    """Stock PGPy needs 10 s for the first and does not come back from the next three."""
    find(text.encode())
    with pytest.raises(CryptoError):
        decode(text, kind)
