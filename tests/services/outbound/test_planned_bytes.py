"""Sealed, spooled and uploaded bytes are the planned ones, or nothing leaves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.errors import MailError, PolicyRefused, ServiceError, UsageError
from services.outbound.gate.ready import UploadedFile
from tests.conftest import SandboxControl
from tests.fakes.sending import released, written
from tests.services.outbound.conftest import Party, Storage


@pytest.mark.parametrize("sealed", [True, False])
async def test_a_file_that_is_not_the_approved_one_is_not_sealed(
    alice: Party, bob: Party, tmp_path: Path, sealed: bool
) -> None:
    report = tmp_path / "report.pdf"
    report.write_bytes(b"approved")
    planned = await released(
        alice.gate, written(bob.address, "s", "t", sealed=sealed, files=(report,))
    )
    for other in (b"approveD", b"approved and more", b"appr", b""):
        report.write_bytes(other)
        with pytest.raises(PolicyRefused, match="not the one that was approved"):
            await alice.gate.seal(planned, alice.spool / "1")
        assert not (alice.spool / "1").exists()
    report.unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        await alice.gate.seal(planned, alice.spool / "1")


async def test_the_spool_is_private_and_what_is_changed_in_it_is_not_uploaded(
    alice: Party, bob: Party, tmp_path: Path, storage: Storage
) -> None:
    report = tmp_path / "report.pdf"
    report.write_bytes(b"approved")
    planned = await released(
        alice.gate, written(bob.address, "s", "t", sealed=True, files=(report,))
    )
    os.umask(0)
    sealed = await alice.gate.seal(planned, alice.spool / "1")
    os.umask(0o22)
    place = alice.spool / "1" / "0"
    modes = [path.stat().st_mode & 0o777 for path in (place, place.parent)]
    assert modes == [0o600, 0o700]
    place.write_bytes(b"swapped")
    with pytest.raises(PolicyRefused, match="changed while it waited"):
        await alice.gate.upload(sealed)
    place.unlink()
    with pytest.raises(MailError):
        await alice.gate.upload(sealed)
    assert storage.keys_of(alice.agent) == []


async def test_an_upload_that_broke_off_goes_on_where_it_was(
    alice: Party, bob: Party, tmp_path: Path, sandbox: SandboxControl, storage: Storage
) -> None:
    paths = [tmp_path / f"{n}.bin" for n in range(3)]
    for path in paths:
        path.write_bytes(os.urandom(100))
    draft = written(bob.address, "s", "t", sealed=True, files=tuple(paths))
    sealed = await alice.gate.seal(await released(alice.gate, draft), alice.spool / "1")
    done: list[UploadedFile] = []

    def uploaded(file: UploadedFile) -> None:
        done.append(file)
        if len(done) == 2:
            sandbox.fault("drop_before", operation="s3_upload", times=None)

    with pytest.raises(ServiceError) as broken:
        await alice.gate.upload(sealed, on_uploaded=uploaded)
    assert not broken.value.uncertain
    sandbox.clear_faults()
    ready = await alice.gate.upload(sealed, uploaded=tuple(done))
    assert ready.files[:2] == tuple(done)
    assert sorted(storage.keys_of(alice.agent)) == sorted(one.object_key for one in ready.files)
