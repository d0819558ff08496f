"""Files of received mail, from the real sandbox into a folder: whole, private, or not at all."""

from __future__ import annotations

import asyncio
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from services.api.assmbl import AssmblClient
from services.attachments import landing
from services.attachments.transfer import (
    POLL_LIMIT,
    Fetcher,
    Progressed,
    Stage,
    Wanted,
    sha256_of,
)
from services.crypto import messages
from services.crypto.errors import Damaged, Locked, NoKey, NotForMe
from services.crypto.own import OwnKey
from services.crypto.verdicts import Verdict
from services.errors import (
    BadAnswer,
    CryptoError,
    DiskFull,
    MailError,
    NotFound,
    ServiceError,
    TimedOut,
    UsageError,
)
from services.keys.keychain import Keychain
from services.redact import Secret
from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.services.attachments.conftest import Deliver, Ticks, sealed, supply

PDF = ("report.pdf", b"%PDF-1.7 " + bytes(range(256)) * 400, "application/pdf")
SEALED_TYPE = "application/pgp-encrypted"


def wanted(message_id: str, folder: Path, index: int = 0, *, opens: bool = True) -> Wanted:
    return Wanted(message_id, index, folder, opens)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def size(path: str) -> int:
    return Path(path).stat().st_size


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def leftovers(*folders: Path) -> list[str]:
    return sorted(str(f) for folder in folders if folder.exists() for f in folder.rglob("*"))


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


# ── waiting ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_file_that_is_prepared_is_waited_for(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, sandbox: SandboxControl, agent: Agent,
    ticks: Ticks,
) -> None:  # fmt: skip
    sandbox.fault("pending_attachments", agent, times=3)
    told: list[Progressed] = []
    saved = await fetcher.save(wanted(deliver(PDF), downloads), told.append)
    assert saved.path.exists()
    assert [t.stage for t in told[:3]] == [Stage.WAITING] * 3
    assert ticks.naps == [1.0, 1.5, 2.25]


async def test_waiting_ends(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, sandbox: SandboxControl, agent: Agent,
    ticks: Ticks,
) -> None:  # fmt: skip
    sandbox.fault("pending_attachments", agent, times=None)
    with pytest.raises(TimedOut, match="still preparing"):
        await fetcher.save(wanted(deliver(PDF), downloads))
    assert sum(ticks.naps) <= POLL_LIMIT
    assert leftovers(downloads) == []


async def test_a_file_that_failed_on_the_service_is_not_asked_for_again(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, sandbox: SandboxControl, agent: Agent,
    ticks: Ticks,
) -> None:  # fmt: skip
    sandbox.fault("failed_attachments", agent)
    with pytest.raises(NotFound, match="could not prepare"):
        await fetcher.save(wanted(deliver(PDF), downloads))
    assert ticks.naps == []


# ── breaking ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_broken_download_goes_on_where_it_stood_when_asked_again(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, staging: Path, sandbox: SandboxControl
) -> None:
    message_id = deliver(PDF)
    sandbox.fault("truncated", operation="s3_download", times=None, size=1_000)
    with pytest.raises(ServiceError):
        await fetcher.save(wanted(message_id, downloads))
    [part] = leftovers(staging)
    held = size(part)
    assert 1_000 <= held < len(PDF[1])
    assert mode(Path(part)) == 0o600
    assert leftovers(downloads) == []
    sandbox.clear_faults()
    told: list[Progressed] = []
    saved = await fetcher.save(wanted(message_id, downloads), told.append)
    assert saved.path.read_bytes() == PDF[1]
    assert await sha256_of(saved.path) == sha256(PDF[1]).hexdigest()
    assert told[0].done > held
    assert leftovers(staging) == []


async def test_an_expired_link_is_asked_for_again(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, sandbox: SandboxControl
) -> None:
    sandbox.fault("status", operation="s3_download", status=403)
    assert (await fetcher.save(wanted(deliver(PDF), downloads))).path.exists()


async def test_a_file_above_the_cap_is_not_fetched(
    client: AssmblClient, deliver: Deliver, downloads: Path, staging: Path, sandbox: SandboxControl
) -> None:
    fetcher = Fetcher(client.attachments, staging, largest=1_000)
    with pytest.raises(BadAnswer, match="larger than"):
        await fetcher.save(wanted(deliver(PDF), downloads))
    assert [r for r in sandbox.requests() if r["door"] == "s3"] == []


async def test_a_gone_message_is_not_found(fetcher: Fetcher, downloads: Path) -> None:
    with pytest.raises(NotFound):
        await fetcher.save(wanted("no-such-message", downloads))


async def test_a_cancelled_download_leaves_nothing(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, staging: Path, sandbox: SandboxControl
) -> None:
    sandbox.fault("slow_drip", operation="s3_download", seconds=0.05, size=1_000)
    moving = asyncio.Event()

    def tell(progressed: Progressed) -> None:
        if progressed.done:
            moving.set()

    task = asyncio.ensure_future(fetcher.save(wanted(deliver(PDF), downloads), tell))
    await moving.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert leftovers(downloads, staging) == []


async def test_the_same_file_is_not_saved_by_two_at_once(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, sandbox: SandboxControl
) -> None:
    sandbox.fault("latency", operation="s3_download", seconds=0.3)
    message_id = deliver(PDF)
    outcomes = await asyncio.gather(
        *(fetcher.save(wanted(message_id, downloads)) for _ in range(2)), return_exceptions=True
    )
    refused = [one for one in outcomes if isinstance(one, BaseException)]
    assert [type(one) for one in refused] == [UsageError]
    assert leftovers(downloads) == [str(downloads / "report.pdf")]


# ── folders and disks ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["missing", "file", "nul", "dangling"])
async def test_a_folder_that_is_none_is_refused_before_anything_is_asked(
    fetcher: Fetcher, tmp_path: Path, kind: str
) -> None:
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("x")
    elif kind == "dangling":
        place.symlink_to(tmp_path / "nowhere")
    elif kind == "nul":
        place = tmp_path / "a\0b"
    with pytest.raises(UsageError):
        await fetcher.save(wanted("any", place))


def test_the_downloads_folder_is_made_when_it_is_missing(isolation: Path) -> None:
    assert landing.target_folder(Path("~/Downloads")) == isolation / "Downloads"
    assert mode(isolation / "Downloads") == 0o700


def test_a_file_from_another_disk_is_copied_and_lands_whole(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    with landing.unfinished(other) as arrived:
        arrived.write_bytes(b"across")
        path = landing.land(arrived, tmp_path, "x.bin")
        assert not arrived.exists()
    assert path.read_bytes() == b"across"
    assert leftovers(tmp_path) == [str(path)]


def test_on_a_disk_without_links_a_name_is_taken_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(landing.os, "link", no_links)
    (tmp_path / "x.bin").write_bytes(b"mine")
    with landing.unfinished(tmp_path) as arrived:
        arrived.write_bytes(b"new")
        path = landing.land(arrived, tmp_path, "x.bin")
    assert path.name == "x (2).bin"
    assert path.read_bytes() == b"new"
    assert (tmp_path / "x.bin").read_bytes() == b"mine"


def test_a_full_disk_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(landing.os, "fsync", full)
    with pytest.raises(DiskFull), landing.unfinished(tmp_path) as arrived:
        landing.land(arrived, tmp_path, "x.bin")
    assert leftovers(tmp_path) == []


def test_a_file_that_cannot_fit_is_refused_before_it_is_fetched(tmp_path: Path) -> None:
    landing.room_for(tmp_path, None)
    landing.room_for(tmp_path, 1)
    with pytest.raises(DiskFull):
        landing.room_for(tmp_path, 2**62)


def test_parts_that_nobody_came_back_for_are_forgotten(tmp_path: Path) -> None:
    staging = landing.Staging(tmp_path / "arriving")
    with staging.part("m", 0) as part:
        pass
    staging.tidy()
    assert part.path.exists()
    staging.tidy(part.path.stat().st_mtime + 25 * 3600)
    assert not part.path.exists()


def test_errors_of_the_disk_are_sentences() -> None:
    with pytest.raises(MailError, match="cannot be written: Input"), landing.disk_errors():
        raise OSError(5, "Input/output error")
