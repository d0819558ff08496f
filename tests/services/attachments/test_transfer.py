"""Files of received mail, from the real sandbox into a folder: whole, private, or not at all."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from services.api.assmbl import AssmblClient
from services.attachments.transfer import Fetcher, Progressed, Stage, Wanted, sha256_of
from services.crypto import messages
from services.crypto.errors import Damaged, Locked, NoKey, NotForMe
from services.crypto.own import OwnKey
from services.crypto.verdicts import Verdict
from services.errors import (
    CryptoError,
)
from services.keys.keychain import Keychain
from services.redact import Secret
from tests.conftest import Deliver, SandboxControl
from tests.services.attachments.conftest import sealed, supply
from tests.services.attachments.saving import PDF, SEALED_TYPE, files, leftovers, mode, wanted


async def test_a_file_is_saved_whole_private_and_told(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, staging: Path
) -> None:
    told: list[Progressed] = []
    saved = await fetcher.save(wanted(deliver(PDF), downloads), told.append)
    assert saved.path == downloads / "report.pdf"
    assert saved.path.read_bytes() == PDF[1]
    assert saved.size == len(PDF[1])
    assert await sha256_of(saved.path) == sha256(PDF[1]).hexdigest()
    assert mode(saved.path) == 0o600
    assert not saved.was_sealed
    assert told[-1] == Progressed(Stage.FETCHING, len(PDF[1]), len(PDF[1]))
    assert leftovers(staging) == []


async def test_a_second_file_of_the_name_gets_a_number_and_nothing_is_overwritten(
    fetcher: Fetcher, deliver: Deliver, downloads: Path
) -> None:
    (downloads / "report.pdf").write_text("mine")
    (downloads / "report (2).pdf").symlink_to(downloads / "nowhere")
    saved = await fetcher.save(wanted(deliver(PDF), downloads))
    assert saved.path.name == "report (3).pdf"
    assert (downloads / "report.pdf").read_text() == "mine"
    assert not (downloads / "nowhere").exists()


@pytest.mark.parametrize(
    "name", ["../../x.txt", "/etc/passwd", ".bashrc", "a\u202efdp.exe", "x" * 300, "CON"]
)
async def test_a_hostile_name_stays_in_the_folder(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, tmp_path: Path, name: str
) -> None:
    saved = await fetcher.save(wanted(deliver((name, b"x", "text/plain")), downloads))
    assert saved.path.parent == downloads
    assert not saved.path.name.startswith(".")
    assert not mode(saved.path) & 0o111
    assert files(tmp_path) == [saved.path]


async def test_an_encrypted_file_is_opened_under_its_own_name(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, staging: Path, own_key: OwnKey
) -> None:
    message_id = deliver(("report.pdf.asc", sealed(own_key, PDF[1]), SEALED_TYPE))
    told: list[Progressed] = []
    saved = await fetcher.save(wanted(message_id, downloads), told.append)
    assert saved.path == downloads / "report.pdf"
    assert saved.path.read_bytes() == PDF[1]
    assert await sha256_of(saved.path) == sha256(PDF[1]).hexdigest()
    assert mode(saved.path) == 0o600
    assert saved.was_opened
    assert saved.verdict is Verdict.NONE
    assert told[-1].stage is Stage.OPENING
    assert leftovers(downloads, staging) == [str(saved.path)]


async def test_a_signature_counts_only_by_the_key_pinned_for_the_sender(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, own_key: OwnKey, keychain: Keychain
) -> None:
    writer = OwnKey.generate("X", "x@y.example", None, bits=2048)
    cipher = messages.encrypt(b"data", [own_key.public], sign_with=writer.unlock())
    message_id = deliver(("a.bin.asc", cipher, SEALED_TYPE))
    one = Wanted(message_id, 0, downloads, sender="X@Y.example")
    assert (await fetcher.save(one)).verdict is Verdict.UNKNOWN
    keychain.book.check("x@y.example", writer.public)
    assert (await fetcher.save(one)).verdict is Verdict.GOOD


async def test_an_encrypted_file_can_be_kept_as_it_is(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, own_key: OwnKey
) -> None:
    cipher = sealed(own_key, PDF[1])
    message_id = deliver(("report.pdf.asc", cipher, SEALED_TYPE))
    saved = await fetcher.save(wanted(message_id, downloads, opens=False))
    assert saved.path == downloads / "report.pdf.asc"
    assert saved.path.read_bytes() == cipher
    assert saved.was_sealed
    assert not saved.was_opened


@pytest.mark.parametrize(("has_key", "error"), [(True, Locked), (False, NoKey)])
async def test_without_an_open_key_nothing_is_fetched(
    client: AssmblClient, deliver: Deliver, downloads: Path, staging: Path, own_key: OwnKey,
    sandbox: SandboxControl, has_key: bool, error: type[CryptoError],
) -> None:  # fmt: skip
    message_id = deliver(("report.pdf.asc", sealed(own_key, b"x"), SEALED_TYPE))
    empty = Keychain(key_folder=downloads.parent / "k", account_folder=downloads.parent / "a")
    if has_key:
        empty.own_keys.keep(own_key.resealed(None, Secret("a passphrase")))
    fetcher = Fetcher(client.attachments, staging, supply(empty))
    with pytest.raises(error):
        await fetcher.save(wanted(message_id, downloads))
    assert [r for r in sandbox.requests() if r["door"] == "s3"] == []
    assert leftovers(downloads, staging) == []


@pytest.mark.parametrize("cause", ["cut", "flipped", "other"])
async def test_what_cannot_be_opened_leaves_nothing(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, staging: Path, own_key: OwnKey, cause: str
) -> None:
    cipher = sealed(own_key, PDF[1])
    if cause == "cut":
        cipher = cipher[: len(cipher) // 2]
    elif cause == "flipped":
        middle = len(cipher) // 2
        cipher = cipher[:middle] + bytes([cipher[middle] ^ 1]) + cipher[middle + 1 :]
    else:
        stranger = OwnKey.generate("C", "c@agents.example.com", None, bits=2048)
        cipher = sealed(stranger, PDF[1])
    message_id = deliver(("report.pdf.asc", cipher, SEALED_TYPE))
    with pytest.raises(NotForMe if cause == "other" else Damaged):
        await fetcher.save(wanted(message_id, downloads))
    assert leftovers(downloads, staging) == []


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("report.pdf.asc", b"not encrypted at all", SEALED_TYPE),
        ("key.asc", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n", "application/pgp-keys"),
        ("notes.gpg", b"plain words", "application/octet-stream"),
    ],
)
async def test_a_file_that_only_claims_to_be_encrypted_is_saved_as_it_is(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, name: str, data: bytes, kind: str
) -> None:
    saved = await fetcher.save(wanted(deliver((name, data, kind)), downloads))
    assert saved.path == downloads / name
    assert saved.path.read_bytes() == data
    assert (saved.was_opened, saved.was_sealed) == (False, False)
    assert saved.was_marked is (kind == SEALED_TYPE)


async def test_an_unmarked_message_file_is_opened_by_what_it_holds(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, own_key: OwnKey
) -> None:
    from services.crypto.armor import ArmorKind, decode

    binary = decode(sealed(own_key, b"inside"), ArmorKind.MESSAGE)
    message_id = deliver(("notes.txt.gpg", binary, "application/octet-stream"))
    saved = await fetcher.save(wanted(message_id, downloads))
    assert (saved.path.name, saved.path.read_bytes()) == ("notes.txt", b"inside")
