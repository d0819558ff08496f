"""Packets: every form of length, and nothing that is cut is taken for whole."""

from __future__ import annotations

import random

import pytest

from services.crypto.errors import Damaged, TooLarge
from services.crypto.packets import Packet, Tag, join, join_all, new_length, read_header, split
from tests.fakes.openpgp_gnupg import Gnupg

BODY = bytes(range(251)) * 40


@pytest.mark.parametrize("length", [0, 1, 191, 192, 193, 8_383, 8_384, 10_000])
def test_every_new_length_is_read_as_written(length: int) -> None:
    body = bytes(length)
    assert split(join(Tag.LITERAL, body)) == (Packet(Tag.LITERAL, body),)


@pytest.mark.parametrize(
    ("head", "length"),
    [(b"\xa0\x05", 5), (b"\xa1\x01\x00", 256), (b"\xa2\x00\x00\x01\x02", 258), (b"\xa3", 40)],
)
def test_every_old_length_is_read(head: bytes, length: int) -> None:
    body = BODY[:length]
    assert split(head + body) == (Packet(Tag.COMPRESSED, body),)


def test_partial_lengths_are_joined() -> None:
    data = b"\xcb\xe9" + BODY[:512] + b"\xe0" + BODY[512:513] + new_length(300) + BODY[513:813]
    assert split(data + join(Tag.TRUST, b"x")) == (
        Packet(Tag.LITERAL, BODY[:813]),
        Packet(Tag.TRUST, b"x"),
    )


def test_a_packet_in_ten_thousand_pieces_is_one_packet() -> None:
    pieces = b"".join(b"\xe0" + bytes((number & 0xFF,)) for number in range(100_000))
    (packet,) = split(b"\xd2" + pieces + b"\x00")
    assert len(packet.body) == 100_000
    assert packet.body[:4] == b"\x00\x01\x02\x03"


def test_what_gpg_writes_in_pieces_is_read(gpg: Gnupg) -> None:
    data = random.Random(3).randbytes(3_000_000)
    stored = gpg.run("--store", "--compress-level", "0", data=data)
    (packet,) = split(stored)
    assert packet.tag == Tag.LITERAL
    assert packet.body.endswith(data)


def test_an_unknown_packet_loses_nothing_but_itself() -> None:
    packets = (Packet(63, b"new"), Packet(Tag.LITERAL, b"x"))
    assert split(join_all(packets)) == packets


WHOLE = join(Tag.LITERAL, BODY[:300])
CUT = {
    "no packet": b"\x00",
    "a tag alone": b"\xcb",
    "half a new length": b"\xcb\xc1",
    "half a long length": b"\xcb\xff\x00\x00",
    "half an old length": b"\x99\x01",
    "a body that is too short": WHOLE[:-1],
    "a length of four gigabytes": b"\xcb\xff\xff\xff\xff\xffx",
    "a piece that is too short": b"\xcb\xe9" + BODY[:511],
    "pieces that never end": b"\xcb\xe1xx",
    "a piece without the next length": b"\xcb\xe0x",
    "a key in pieces": b"\xc6\xe0x\x00",
    "a key without a length": b"\x9bx",
    "something behind": WHOLE + b"\x01",
}


@pytest.mark.parametrize("data", CUT.values(), ids=CUT.keys())
def test_what_is_cut_is_refused(data: bytes) -> None:
    with pytest.raises(Damaged):
        split(data)


def test_the_number_of_packets_is_bounded() -> None:
    assert len(split(join(60, b"") * 20, limit=20)) == 20
    with pytest.raises(TooLarge):
        split(join(60, b"") * 21, limit=20)


def test_a_header_is_read_without_its_body() -> None:
    header = read_header(b"xx" + b"\xd2\xff\x00\x01\x00\x00", 2)
    assert (header.tag, header.body, header.length, header.partial) == (18, 8, 65_536, False)
