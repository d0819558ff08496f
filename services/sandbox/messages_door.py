"""The handlers for messages: read, delete, labels, read state, archive, unread count.

Closes the trap of a stand-in that is kinder than the service: label limits are checked on the
result before anything changes, and archiving twice is a 409 (api/assmbl.md §4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from services.api import wire
from services.api.wire_types import MAX_LABELS, AttachmentState
from services.sandbox.context import ApiError, Call, Handler
from services.sandbox.intake import raw_text
from services.sandbox.listing import item_fields, list_inbox
from services.sandbox.records import MailFile


def get_message(call: Call) -> wire.Message:
    """Answer with the whole message; reading does not mark it read (§4.2)."""
    mail = call.mail()
    entries = manifest(call, call.store.files(mail))
    return wire.Message(
        **item_fields(mail),
        raw_mime=raw_text(call.store.raw(mail)),
        encrypted=mail.encrypted,
        attachments=entries,
    )


def manifest(call: Call, files: Sequence[MailFile]) -> list[wire.ManifestEntry]:
    """Return the manifest of a message as the wire tells it (§6.3)."""
    return [manifest_entry(call, n, file) for n, file in enumerate(files)]


def manifest_entry(call: Call, index: int, file: MailFile) -> wire.ManifestEntry:
    """Return one attachment as the wire tells it; ordered faults change its state."""
    state: AttachmentState = "failed" if file.failed else "ready"
    if "failed_attachments" in call.faults:
        state = "failed"
    if "pending_attachments" in call.faults:
        state = "pending"
    return wire.ManifestEntry(
        index=index,
        file_name=file.file_name,
        content_type=file.content_type,
        size=file.size,
        status=state,
        encrypted=file.encrypted,
        encryption=wire.Encryption() if file.encrypted else None,
    )


def delete_message(call: Call) -> wire.Deleted:
    """Delete for good; a second time is a 404 (§4.3)."""
    mail = call.mail()
    call.store.delete(call.agent, mail)
    return wire.Deleted(message_id=mail.message_id)


def patch_message_labels(call: Call) -> wire.Labels:
    """Change labels atomically (§4.4)."""
    mail = call.mail()
    body: wire.LabelsPatch = call.body
    add, remove = body.add or [], body.remove or []
    if both := set(add) & set(remove):
        raise ApiError(400, "invalid_label", f"{len(both)} labels are in both lists.")
    kept = [label for label in mail.labels if label not in remove]
    labels = list(dict.fromkeys([*kept, *add]))
    if len(labels) > MAX_LABELS:
        raise ApiError(400, "too_many_labels", f"A message carries at most {MAX_LABELS} labels.")
    call.store.set_labels(call.agent, mail, labels)
    return wire.Labels(message_id=mail.message_id, labels=labels)


def patch_message_read(call: Call) -> wire.ReadState:
    """Mark read or unread; may be repeated (§4.5)."""
    mail = call.mail()
    body: wire.ReadPatch = call.body
    call.store.set_flags(mail, is_read=body.is_read)
    return wire.ReadState(message_id=mail.message_id, is_read=body.is_read)


def patch_message_archive(call: Call) -> wire.ArchiveState:
    """Archive, once, or bring back, at will (§4.6, §17 Q9)."""
    mail = call.mail()
    body: wire.ArchivePatch = call.body
    if body.archived and mail.archived:
        raise ApiError(409, "already_archived", "The message is archived already.")
    call.store.set_flags(mail, archived=body.archived)
    return wire.ArchiveState(message_id=mail.message_id, archived=body.archived)


def get_unread_count(call: Call) -> wire.UnreadCount:
    """Count unread messages that are not archived (§4.7)."""
    return wire.UnreadCount(unread_count=call.store.unread_count(call.agent))


HANDLERS: Final[Mapping[str, Handler]] = {
    "list_inbox": list_inbox,
    "get_message": get_message,
    "delete_message": delete_message,
    "patch_message_labels": patch_message_labels,
    "patch_message_read": patch_message_read,
    "patch_message_archive": patch_message_archive,
    "get_unread_count": get_unread_count,
}
