"""One run of the program over a folder with encrypted mail."""

from __future__ import annotations

from pathlib import Path

from services.cache.store import MailStore
from services.keys.keychain import Keychain
from services.models import Mailbox as Box
from services.models import MailFilter
from services.reading.render_process import RenderWorker
from services.redact import Secret
from services.seal_models import SealState
from services.shown_mail import RenderedMessage
from services.sync.late_keychain import LateKeychain
from services.sync.mailbox import Mailbox
from tests.fakes.fake_late_worker import FakeLateWorker
from tests.fakes.fake_provider import QUICK, FakeProvider
from tests.fakes.no_wait_disk import FakeDisk

PASSPHRASE = "canary-passphrase-4711"
WORD = "canaryword"


class Session:
    """One run of the program over a folder."""

    def __init__(
        self, folder: Path, worker: RenderWorker, provider: FakeProvider, keep: bool
    ) -> None:
        self.folder = folder
        self.renderer = FakeLateWorker(worker)
        self.chain = Keychain(
            key_folder=folder / "keys", account_folder=folder / "account", keep_decrypted=keep
        )
        self.store = MailStore.open(folder / "cache", ops=FakeDisk())
        self.mailbox = Mailbox(
            self.store, provider, self.renderer, pace=QUICK,
            keychain=LateKeychain(lambda: self.chain),
        )  # fmt: skip

    async def open(self, message_id: str) -> RenderedMessage:
        return (await self.mailbox.open(message_id)).message

    async def state(self, message_id: str) -> SealState:
        message = await self.open(message_id)
        assert message.seal is not None
        return message.seal.state

    async def unlock(self) -> None:
        await self.mailbox.keychain.get()
        await self.chain.unlock(Secret(PASSPHRASE))

    def found(self, text: str) -> list[str]:
        rows = self.store.snapshot().select(MailFilter(Box.ALL, text=text))
        return [rows.message_id(number) for number in range(len(rows))]

    def close(self) -> None:
        self.mailbox.sealed.close()
        self.chain.close()
        self.store.close()

    def on_disk(self) -> bytes:
        return b"".join(p.read_bytes() for p in sorted(self.folder.rglob("*")) if p.is_file())
