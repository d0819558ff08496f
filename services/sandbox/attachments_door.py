"""The handlers for attachments: presigned forms, own downloads, inbound status and downloads.

Closes two traps: a key that leaves the caller's own prefix is a 403, whatever is behind it, and a
file name never becomes part of a path (the object store knows keys only). Source: api/assmbl.md §6.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Final

from services.api import wire
from services.sandbox.context import ApiError, Call, Handler
from services.sandbox.intake import part_bytes
from services.sandbox.messages_door import manifest_entry
from services.sandbox.records import MailFile, StoredMail
from services.sandbox.store import Store

_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,5}")


def request_attachment_upload(call: Call) -> wire.UploadGrant:
    """Answer with a form for one upload (§6.1)."""
    body: wire.UploadRequest = call.body
    name = re.sub(r"[/\\]", "_", body.file_name)
    key = f"uploads/{call.agent.agent_id}/{uuid.uuid4()}-{name}"
    ttl = call.ttl(call.sandbox.settings.upload_ttl)
    form = call.sandbox.signer.presigned_post(key, body.content_type, body.max_bytes, ttl)
    return wire.UploadGrant(object_key=key, upload=form)


def request_attachment_download(call: Call) -> wire.DownloadGrant:
    """Answer with a link to one of the caller's own uploads (§6.1)."""
    body: wire.DownloadRequest = call.body
    own_upload(call, body.object_key)
    return wire.DownloadGrant(url=_link(call, body.object_key, ""))


def own_upload(call: Call, key: str) -> int:
    """Return the size of an own upload; raises 403 for another's key, 404 for none."""
    if not key.startswith(f"uploads/{call.agent.agent_id}/"):
        raise ApiError(403, "forbidden_object_key", "This object is not one of your uploads.")
    if not call.store.blobs.exists(key):
        raise ApiError(404, "attachment_not_found", "There is no such upload.")
    return call.store.blobs.size(key)


def get_inbound_attachment_status(call: Call) -> wire.ManifestEntry:
    """Answer with one manifest entry (§6.3)."""
    _, index, file = _inbound(call)
    return manifest_entry(call, index, file)


def request_inbound_attachment_download(call: Call) -> wire.DownloadGrant:
    """Answer with a link to one received attachment; 409 until it is ready (§6.3)."""
    mail, index, file = _inbound(call)
    if manifest_entry(call, index, file).status != "ready":
        raise ApiError(409, "attachment_not_ready", "The attachment is not ready yet.")
    key = file.object_key or _extracted(call.store, mail, index, file)
    return wire.DownloadGrant(url=_link(call, key, file.file_name))


def _inbound(call: Call) -> tuple[StoredMail, int, MailFile]:
    mail = call.mail()
    files = call.store.files(mail)
    asked = call.ids["index"]
    index = int(asked) if _INDEX.fullmatch(asked) else len(files)
    if index >= len(files):
        raise ApiError(404, "attachment_not_found", "The message has no such attachment.")
    return mail, index, files[index]


def _extracted(store: Store, mail: StoredMail, index: int, file: MailFile) -> str:
    key = f"inbound/{mail.seq}/{index}"
    if not store.blobs.exists(key):
        store.blobs.put_bytes(key, part_bytes(store.raw(mail), file.part), file.content_type)
    return key


def _link(call: Call, key: str, file_name: str) -> str:
    ttl = call.ttl(call.sandbox.settings.download_ttl)
    return call.sandbox.signer.presigned_get(key, ttl, file_name)


HANDLERS: Final[Mapping[str, Handler]] = {
    "request_attachment_upload": request_attachment_upload,
    "request_attachment_download": request_attachment_download,
    "get_inbound_attachment_status": get_inbound_attachment_status,
    "request_inbound_attachment_download": request_inbound_attachment_download,
}
