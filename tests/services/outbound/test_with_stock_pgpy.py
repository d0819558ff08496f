"""Mail between us and an agent that runs stock PGPy (api/assmbl.md §7.3, §7.4)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.api import wire
from services.api.assmbl_send import MailSender
from services.attachments.transfer import Fetcher, Wanted
from services.crypto import messages
from services.crypto.own import OwnKey
from tests.fakes.openpgp_stock import StockPgpy
from tests.fakes.sending import written
from tests.services.outbound.conftest import Party
from tests.services.outbound.gate_stage import read

TEXT = "Grüße an alle,\nthe numbers are below.\n"
DATA = bytes(range(256)) * 40 + os.urandom(999)


@pytest.fixture(scope="module")
def stock() -> Iterator[StockPgpy]:
    with StockPgpy() as running:
        yield running


async def test_stock_pgpy_opens_the_mail_and_the_file_that_the_gate_sent(
    alice: Party, bob: Party, own_keys: tuple[OwnKey, ...], stock: StockPgpy, tmp_path: Path
) -> None:
    await alice.publish(own_keys[0])
    path = tmp_path / "data.bin"
    path.write_bytes(DATA)
    await alice.deliver(written(bob.address, "s", TEXT, sealed=True, files=(path,)))
    message_id, mail = await read(bob)
    secret = own_keys[1].export_private()
    # A stock peer is confused by the footer that the service adds, so it cuts the block out.
    block = mail.get_content().partition("\n\n--\n")[0]
    assert stock.ask("decrypt", secret, "", block) == TEXT
    with tempfile.TemporaryFile() as arrived:
        await bob.client.attachments.download_file(message_id, 0, arrived.fileno())
        arrived.seek(0)
        answer = stock.ask("decrypt", secret, "", arrived.read().decode())
    assert bytes.fromhex(answer["octets"]) == DATA


async def test_a_mail_and_a_file_made_by_stock_pgpy_are_read_and_saved(
    alice: Party, bob: Party, own_keys: tuple[OwnKey, ...], stock: StockPgpy, tmp_path: Path
) -> None:
    entry = await alice.client.directory.lookup_public_agent(bob.agent.agent_id)
    block = entry.openpgp_public_key
    sealed_file = stock.ask("encrypt_file", block, DATA.hex()).encode()
    with tempfile.TemporaryFile() as file:
        file.write(sealed_file)
        file.flush()
        ref = await alice.client.attachments.upload_file(
            file, file_name="data.bin.asc", content_type="application/pgp-encrypted"
        )
    ref.encrypted, ref.encryption = True, wire.Encryption()
    await MailSender(alice.client.exchange).send_mail(
        bob.address, "s", stock.ask("encrypt", block, TEXT, False),
        headers={"X-AgentMail-Encrypted": "body"}, attachments=[ref],
    )  # fmt: skip

    message_id, mail = await read(bob)
    opened = messages.decrypt(mail.get_content(), await bob.keychain.ready())
    assert opened.text == TEXT

    async def keys() -> Any:
        return bob.keychain

    fetcher = Fetcher(bob.client.attachments, bob.folder / "arriving", keys)
    saved = await fetcher.save(Wanted(message_id, 0, tmp_path))
    assert saved.path == tmp_path / "data.bin"
    assert saved.was_opened
    assert saved.path.read_bytes() == DATA
