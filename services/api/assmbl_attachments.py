"""Attachments at Assmbl: asking for forms and links, and moving the bytes (api/assmbl.md §6).

Closes the trap of an expired form in the middle of an upload: one new form is asked for, and only
one. That an inbound file is not ready yet is an answer (None), not an error, in all three ways in
which the service may say so. What breaks at the storage host is tried again there: the service is
not asked for another form each time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import BinaryIO

from services.api import codec, resuming, wire
from services.api.exchange import Exchange
from services.api.file_sink import FileSink
from services.api.presigned import (
    LARGEST_FILE,
    Downloaded,
    DownloadLink,
    LinkExpired,
    Progress,
    StorageDoor,
    UploadForm,
)
from services.errors import BadAnswer, Conflict
from services.origins import Origin
from services.wire_values import InboundAttachment


class Attachments:
    """The four attachment operations under their SDK names, and the two transfers."""

    def __init__(
        self, exchange: Exchange, api: Origin, proxy: str = "", hosts: tuple[str, ...] = ()
    ) -> None:
        self._exchange = exchange
        self.storage = StorageDoor(api, proxy, hosts)

    async def request_attachment_upload(
        self, file_name: str, content_type: str, max_bytes: int
    ) -> UploadForm:
        """Return a presigned form for one file; the host enforces `max_bytes`."""
        body = {"file_name": file_name, "content_type": content_type, "max_bytes": max_bytes}
        return _form(await self._exchange.call("request_attachment_upload", body=body))

    async def request_attachment_download(self, object_key: str) -> DownloadLink:
        """Return a link to an own upload; Forbidden for another agent's key."""
        data = await self._exchange.call(
            "request_attachment_download", body={"object_key": object_key}
        )
        link = _link(data)
        if link is None:
            raise BadAnswer("The service sent no link to the file.")
        return link

    async def get_inbound_attachment_status(self, message_id: str, index: int) -> InboundAttachment:
        """Return one entry of a message's manifest with its present status."""
        data = await self._exchange.call(
            "get_inbound_attachment_status", ids={"message_id": message_id, "index": index}
        )
        return codec.attachment(data, index)

    async def request_inbound_attachment_download(
        self, message_id: str, index: int
    ) -> DownloadLink | None:
        """Return a link to an inbound file, None while the service still prepares it."""
        try:
            data = await self._exchange.call(
                "request_inbound_attachment_download",
                ids={"message_id": message_id, "index": index},
            )
        except Conflict:
            return None
        return _link(data)

    async def upload_file(
        self,
        file: BinaryIO,
        *,
        file_name: str,
        content_type: str,
        on_progress: Progress | None = None,
    ) -> wire.AttachmentRef:
        """Upload an open file and return the reference for a mail.

        An expired form is replaced once; LinkExpired when the new one is refused as well. An upload
        that breaks begins again, a few times, under the same object key.
        """
        size = os.fstat(file.fileno()).st_size
        for last in (False, True):
            form = await self.request_attachment_upload(file_name, content_type, max(size, 1))
            post = partial(
                self.storage.upload, form, file, content_type=content_type, on_progress=on_progress
            )
            try:
                await self._exchange.retrier.run(post, safe=True)
                break
            except LinkExpired:
                if last:
                    raise
        return wire.AttachmentRef(
            object_key=form.object_key, name=file_name, content_type=content_type, size=size
        )

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
        """Fetch an inbound file into a descriptor open for writing.

        None while the service still prepares it; breaks and expired links as `resuming.fetch` has it.
        """
        return await resuming.fetch(
            self.storage,
            self._exchange.retrier,
            partial(self.request_inbound_attachment_download, message_id, index),
            FileSink(descriptor, resume=resume),
            largest=largest,
            on_progress=on_progress,
        )

    async def aclose(self) -> None:
        """Close the connections to storage hosts."""
        await self.storage.aclose()


def _form(data: object) -> UploadForm:
    """Read a form, flat (as documented) or with nested `fields` (as boto3 makes it)."""
    told = data if isinstance(data, Mapping) else {}
    key, upload = codec.kept_id(told.get("object_key")), told.get("upload")
    if not key or not isinstance(upload, Mapping):
        raise BadAnswer("The service sent no upload form.")
    nested = upload.get("fields")
    fields = nested if isinstance(nested, Mapping) else {k: upload[k] for k in upload if k != "url"}
    url = upload.get("url")
    whole = all(codec.can_be_sent(one) for pair in fields.items() for one in pair)
    if not isinstance(url, str) or not whole:
        raise BadAnswer("The service sent an upload form that cannot be used.")
    return UploadForm(key, url, dict(fields))


def _link(data: object) -> DownloadLink | None:
    url = data.get("url") if isinstance(data, Mapping) else None
    return DownloadLink(url) if isinstance(url, str) and url else None
