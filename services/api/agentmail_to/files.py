"""Files of messages and mail as received, by the links that the service signs (§7).

Closes three traps: the key sent to the host of the links (their client has none), a link to another
scheme or into this machine's own network (`services.origins`), and a link that is kept until it is
dead (each transfer asks for its own).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from services.api import resuming
from services.api.agentmail_to import codec
from services.api.exchange import Exchange
from services.api.file_sink import FileSink, MemorySink
from services.api.presigned import (
    LARGEST_FILE,
    Downloaded,
    DownloadLink,
    Progress,
    StorageDoor,
)
from services.errors import BadAnswer, NotFound
from services.origins import Origin
from services.wire_values import InboundAttachment

CDN_HOSTS: Final = ("cdn.agentmail.to", "cdn.agentmail.eu")
"""Where the service keeps files (§1)."""
LARGEST_MAIL: Final = 64 * 1024 * 1024
"""Bytes of one mail as received."""


class Files:
    """The files of one inbox; a `services.attachments.transfer.AttachmentSource`."""

    def __init__(
        self,
        exchange: Exchange,
        inbox_id: str,
        api: Origin,
        proxy: str = "",
        hosts: tuple[str, ...] = (),
    ) -> None:
        self._exchange = exchange
        self._inbox_id = inbox_id
        self.storage = StorageDoor(api, proxy, (*CDN_HOSTS, *hosts))

    async def raw(self, message_id: str) -> bytes:
        """Return a mail as received; NotFound when it is gone."""
        sink = MemorySink()
        ask = partial(self._link, "get_message_raw", {"message_id": message_id})
        await resuming.fetch(
            self.storage, self._exchange.retrier, ask, sink, largest=LARGEST_MAIL
        )  # fmt: skip
        return sink.take()

    async def get_inbound_attachment_status(self, message_id: str, index: int) -> InboundAttachment:
        """Return one file of a message; it is ready as soon as the message is there."""
        manifest = codec.attachments(await self._message(message_id))
        if not 0 <= index < len(manifest):
            raise _no_such_file()
        return manifest[index]

    async def request_inbound_attachment_download(
        self, message_id: str, index: int
    ) -> DownloadLink:
        """Return a fresh link to a file of a message."""
        return await (await self._asking(message_id, index))()

    async def download_file(
        self,
        message_id: str,
        index: int,
        descriptor: int,
        *,
        resume: bool = False,
        largest: int = LARGEST_FILE,
        on_progress: Progress | None = None,
    ) -> Downloaded | None:
        """Fetch a file into a descriptor open for writing, as `resuming.fetch` has it."""
        return await resuming.fetch(
            self.storage,
            self._exchange.retrier,
            await self._asking(message_id, index),
            FileSink(descriptor, resume=resume),
            largest=largest,
            on_progress=on_progress,
        )

    async def download_draft_file(
        self,
        draft_id: str,
        attachment_id: str,
        descriptor: int,
        *,
        largest: int = LARGEST_FILE,
        on_progress: Progress | None = None,
    ) -> Downloaded | None:
        """Fetch a file of a draft on the server into a descriptor open for writing."""
        ids = {"draft_id": draft_id, "attachment_id": attachment_id}
        return await resuming.fetch(
            self.storage,
            self._exchange.retrier,
            partial(self._link, "get_draft_attachment", ids),
            FileSink(descriptor),
            largest=largest,
            on_progress=on_progress,
        )

    async def aclose(self) -> None:
        """Close the connections to the hosts of links."""
        await self.storage.aclose()

    async def _message(self, message_id: str) -> codec.Fields:
        ids = {"inbox_id": self._inbox_id, "message_id": message_id}
        return codec.mapping(await self._exchange.call("get_message", ids=ids), "a message")

    async def _asking(self, message_id: str, index: int) -> Callable[[], Awaitable[DownloadLink]]:
        """Return the question for a file's link, with the service's own id of it."""
        attachment_id = codec.attachment_id(await self._message(message_id), index)
        if not attachment_id:
            raise _no_such_file()
        ids = {"message_id": message_id, "attachment_id": attachment_id}
        return partial(self._link, "get_message_attachment", ids)

    async def _link(self, operation: str, ids: dict[str, str]) -> DownloadLink:
        data = await self._exchange.call(operation, ids={"inbox_id": self._inbox_id, **ids})
        url = codec.text(codec.mapping(data, "a link").get("download_url"))
        if not url:
            raise BadAnswer("The service sent no link to the file.")
        return DownloadLink(url)


def _no_such_file() -> NotFound:
    return NotFound("The message has no such file.", status=404)
