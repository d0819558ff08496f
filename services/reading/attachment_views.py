"""Attachments as the reader lists them: the service's manifest first, else what the mail lists.

Closes the trap of a name that only tells of the encryption: an encrypted file is listed under the
name and the type that it had before (api/assmbl.md §7.4); the bytes decide after the download.
"""

from __future__ import annotations

from typing import Final

from services.reading.parsed_mail import ParsedAttachment, ParsedMail
from services.safe_text import clean_line, ui
from services.sealed_names import guessed_type, looks_sealed, original_name
from services.shown_mail import AttachmentView
from services.wire_values import InboundAttachment

_NAME_SHOWN: Final = 300


def present_attachments(
    parsed: ParsedMail, service: tuple[InboundAttachment, ...]
) -> tuple[AttachmentView, ...]:
    """Return the attachments of a mail; the service's manifest wins over what the mail lists."""
    if service:
        return tuple(from_service(entry) for entry in service)
    listed = [*parsed.manifest, *parsed.attachments]
    return tuple(_from_mail(number, part) for number, part in enumerate(listed))


def from_service(entry: InboundAttachment) -> AttachmentView:
    """Return one entry of the service's manifest as it is listed."""
    name, kind = entry.file_name, entry.content_type
    sealed = looks_sealed(name, kind, flagged=entry.encrypted)
    return AttachmentView(
        entry.index,
        clean_line(original_name(name) if sealed else name, _NAME_SHOWN),
        clean_line(guessed_type(original_name(name)) if sealed else kind, 100),
        entry.size,
        clean_line(entry.status, 40),
        sealed,
    )


def _from_mail(number: int, part: ParsedAttachment) -> AttachmentView:
    name, kind = part.file_name, part.content_type
    sealed = looks_sealed(name, kind, flagged=part.encrypted)
    return AttachmentView(
        number,
        clean_line(original_name(name) if sealed else name, _NAME_SHOWN) or ui("unnamed"),
        clean_line(guessed_type(original_name(name)) if sealed else kind, 100),
        part.size,
        encrypted=sealed,
    )
