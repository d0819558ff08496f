"""Files as streams: the same messages, constant memory, nothing left behind on failure."""

from __future__ import annotations

import os
import stat
from io import BytesIO
from pathlib import Path

import pysequoia
import pytest

from services.crypto.armor import ArmorKind, decode
from services.crypto.errors import CryptoError, Damaged, KeyUnusable, NotForMe, TooLarge
from services.crypto.messages import decrypt, encrypt
from services.crypto.own import OwnKey
from services.crypto.packets import join, split
from services.crypto.stream import StreamOpened, decrypt_file, encrypt_file
from services.crypto.verdicts import Verdict
from tests.fakes import openpgp_messages as smith
from tests.fakes.openpgp_gnupg import Gnupg
from tests.fakes.openpgp_packets import flipped, partial_packet
from tests.services.crypto.made_keys import ann, ann_open, bob, bob_open
from tests.services.crypto.message_stage import enclosed

SIZES = [0, 1, 98_303, 98_304, 98_305, 700_001]


class Cancelled(Exception):
    """What a progress hook raises to stop."""


def sealed(data: bytes, **how: object) -> bytes:
    target = BytesIO()
    encrypt_file(BytesIO(data), target, [ann().public], **how)  # type: ignore[arg-type]
    return target.getvalue()


def opened(blob: bytes, target: Path, **how: object) -> StreamOpened:
    return decrypt_file(BytesIO(blob), target, [ann_open()], **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", SIZES)
def test_a_file_comes_back_whole_through_every_pair_of_readers(
    size: int, tmp_path: Path, gpg: Gnupg
) -> None:
    gpg.run("--import", data=ann().export_private().encode())
    data = os.urandom(size)
    note = sealed(data, sign_with=ann_open())
    assert gpg.run("--decrypt", data=note) == data
    assert decrypt(note, [ann_open()], signer=ann().public).verdict is Verdict.GOOD
    for blob in (note, decode(note, ArmorKind.MESSAGE), encrypt(data, [ann().public])):
        found = opened(blob, tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == data
        assert found.size == size
        assert found.to_key == ann().fingerprint
    assert opened(note, tmp_path / "file", signer=ann().public).verdict is Verdict.GOOD
    assert opened(note, tmp_path / "file", signer=bob().public).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "options", [["-z0"], ["--compress-algo", "zip"], ["--compress-algo", "bzip2"]]
)
def test_files_from_gpg_open_whatever_their_lengths_and_compression(
    options: list[str], tmp_path: Path, gpg: Gnupg
) -> None:
    gpg.run("--import", data=ann().export_private().encode())
    data = os.urandom(200_000) + bytes(600_000)
    for armor in ([], ["--armor"]):
        note = gpg.run(*options, *armor, "--set-filename", "name ä.bin", "--encrypt", "-r",
                       ann().fingerprint, data=data)  # fmt: skip
        path = tmp_path / "note"
        path.write_bytes(note)
        found = decrypt_file(path, tmp_path / "file", [ann_open()])
        assert (tmp_path / "file").read_bytes() == data
        assert (found.size, found.file_name) == (len(data), "name ä.bin")
        assert found.verdict is Verdict.NONE


def test_files_from_sequoia_open_and_ours_open_there(tmp_path: Path) -> None:
    made = pysequoia.Tsk.generate("S <s@x.example>", profile=pysequoia.Profile.RFC4880)
    key = OwnKey.load(str(made))
    data = os.urandom(300_000)
    note = pysequoia.encrypt(data, [pysequoia.Cert.from_bytes(ann().public.block)], made.signer())
    found = opened(note, tmp_path / "file", signer=key.public)
    assert (tmp_path / "file").read_bytes() == data
    assert found.verdict is Verdict.GOOD
    target = BytesIO()
    encrypt_file(BytesIO(data), target, [key.public])
    assert pysequoia.decrypt(target.getvalue(), made.decryptor()).bytes == data


def test_the_file_name_does_not_travel_and_nothing_is_compressed() -> None:
    note = sealed(bytes(100_000))
    assert len(note) > 130_000
    assert decrypt(note, [ann_open()]).file_name == ""


def test_reading_starts_where_the_source_stands_and_tells_its_progress(tmp_path: Path) -> None:
    source = BytesIO(b"head" + os.urandom(300_000))
    source.seek(4)
    seen: list[int] = []
    target = BytesIO()
    size = encrypt_file(source, target, [ann().public], progress=seen.append)
    assert size == len(target.getvalue())
    assert seen[-1] == 300_000
    assert seen == sorted(seen)
    told: list[int] = []
    opened(target.getvalue(), tmp_path / "file", progress=told.append)
    assert (tmp_path / "file").read_bytes() == source.getvalue()[4:]
    assert told == sorted(told)
    assert told[-1] > 300_000


def test_the_target_is_private_and_replaced_in_one_step(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"before")
    target.chmod(0o644)
    before = os.umask(0)
    try:
        opened(sealed(b"after"), target)
    finally:
        os.umask(before)
    assert target.read_bytes() == b"after"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_a_planted_link_is_replaced_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"other")
    target = tmp_path / "file"
    target.symlink_to(other)
    opened(sealed(b"after"), target)
    assert other.read_bytes() == b"other"
    assert not target.is_symlink()
    assert target.read_bytes() == b"after"


def _cancel(done: int) -> None:
    if done > 200_000:
        raise Cancelled


def _flip_last(note: bytes) -> bytes:
    return flipped(decode(note, ArmorKind.MESSAGE), -1)


FAILURES = {
    "last bit flipped": (_flip_last, Damaged),
    "bit flipped in the middle": (lambda note: flipped(note, len(note) // 2, 1), CryptoError),
    "cut": (lambda note: note[: len(note) // 2], Damaged),
    "cut binary": (lambda note: decode(note, ArmorKind.MESSAGE)[:-1], Damaged),
    "END line missing": (lambda note: note.rpartition(b"-----END")[0], Damaged),
    "not mine": (lambda _: encrypt(b"x", [bob().public]), NotForMe),
    "nothing": (lambda _: b"", Damaged),
    "no message": (lambda _: b"hello\n" * 1_000, Damaged),
    "twice": (lambda note: note + note, Damaged),
    "something behind": (
        lambda note: decode(note, ArmorKind.MESSAGE) + smith.literal(), Damaged
    ),
    "no integrity": (
        lambda _: enclosed(smith.literal(), ann().public, container=smith.unprotected), Damaged
    ),
    "no check": (lambda _: enclosed(smith.literal(), ann().public, mdc="absent"), Damaged),
    "bomb": (
        lambda _: enclosed(smith.compressed(smith.literal(bytes(9_000_000))), ann().public),
        TooLarge,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FAILURES))
def test_a_failure_leaves_nothing_behind_and_the_old_file_alone(name: str, tmp_path: Path) -> None:
    change, error = FAILURES[name]
    target = tmp_path / "file"
    target.write_bytes(b"before")
    with pytest.raises(error):
        opened(change(sealed(os.urandom(400_000))), target, limit=1_000_000)
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_cancelling_leaves_nothing_behind(tmp_path: Path) -> None:
    note = sealed(os.urandom(1_000_000))
    with pytest.raises(Cancelled):
        opened(note, tmp_path / "file", progress=_cancel)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Cancelled):
        sealed(os.urandom(1_000_000), progress=_cancel)


def test_an_unusable_recipient_writes_nothing(gpg: Gnupg) -> None:
    only_signs = gpg.generate("So <so3@x.example>", "ed25519")
    target = BytesIO()
    with pytest.raises(KeyUnusable):
        encrypt_file(BytesIO(b"x"), target, [OwnKey.load(gpg.private(only_signs)).public])
    assert target.getvalue() == b""


class _Growing(BytesIO):
    """A file that somebody else changes while it is read."""

    def __init__(self, data: bytes, more: bytes) -> None:
        super().__init__(data)
        self._more = more

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size) or self._more


class _Shrinking(BytesIO):
    """The other way round."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size)[:-1]


@pytest.mark.parametrize("source", [_Growing(b"abc", b"d"), _Shrinking(b"abc")])
def test_a_file_that_changes_meanwhile_is_told(source: BytesIO) -> None:
    with pytest.raises(Damaged, match="changed"):
        encrypt_file(source, BytesIO(), [ann().public])


def _in_pieces(note: bytes) -> bytes:
    """The container in pieces of 512 octets, as writers do who do not know the length."""
    *before, last = split(note)
    return b"".join(join(one.tag, one.body) for one in before) + partial_packet(last.tag, last.body)


def test_partial_lengths_and_armor_of_every_shape_stream(tmp_path: Path) -> None:
    data = os.urandom(50_000)
    note = encrypt(data, [ann().public])
    raw = decode(note, ArmorKind.MESSAGE)
    crlf = note.replace(b"\n", b"\r\n")
    bare = b"\n".join(line for line in note.split(b"\n") if not line.startswith(b"="))
    around = "Žluť\n".encode() * 20_000 + note + b"-- \nfooter\n"
    one_line = b"-----BEGIN PGP MESSAGE-----\n\n" + note[29:].replace(b"\n", b"", 770)
    for blob in (_in_pieces(raw), crlf, bare, around, note.rstrip(), one_line):
        opened(blob, tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == data


def test_two_keys_are_tried_and_a_hidden_one_too(tmp_path: Path) -> None:
    session_note = enclosed(smith.literal(b"x" * 1_000), bob().public)
    found = decrypt_file(BytesIO(session_note), tmp_path / "f", [ann_open(), bob_open()])
    assert found.to_key == bob().fingerprint
    envelope, container = split(session_note)
    hidden = smith.unnamed(join(envelope.tag, envelope.body)) + join(container.tag, container.body)
    found = decrypt_file(BytesIO(hidden), tmp_path / "f", [ann_open(), bob_open()])
    assert found.to_key == bob().fingerprint
