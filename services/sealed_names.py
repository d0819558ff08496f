"""What an encrypted file was called and what it probably is (api/assmbl.md §7.4).

Closes two traps: a type taken from the operator's own system tables, so that a mail looks different
on two machines, and a signature or a public key taken for an encrypted file because its name ends in
`.asc`. Names come from senders: they are made safe where they are shown and where a file is made.
"""

from __future__ import annotations

from typing import Final

SEALED_TYPE: Final = "application/pgp-encrypted"
UNKNOWN_TYPE: Final = "application/octet-stream"
_ENDINGS: Final = (".asc", ".pgp", ".gpg")
_OTHER_ARMOR: Final = frozenset(("application/pgp-signature", "application/pgp-keys"))
_TYPES: Final = {
    "bin": UNKNOWN_TYPE, "bz2": "application/x-bzip2", "css": "text/css", "csv": "text/csv",
    "doc": "application/msword", "eml": "message/rfc822", "gif": "image/gif",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "gz": "application/gzip", "htm": "text/html", "html": "text/html", "ics": "text/calendar",
    "jpeg": "image/jpeg", "jpg": "image/jpeg", "js": "text/javascript", "json": "application/json",
    "log": "text/plain", "md": "text/markdown", "mp3": "audio/mpeg", "mp4": "video/mp4",
    "odt": "application/vnd.oasis.opendocument.text", "parquet": "application/vnd.apache.parquet",
    "pdf": "application/pdf", "png": "image/png", "py": "text/x-python", "svg": "image/svg+xml",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "tar": "application/x-tar", "tgz": "application/gzip", "tif": "image/tiff",
    "tiff": "image/tiff", "toml": "application/toml", "tsv": "text/tab-separated-values",
    "txt": "text/plain", "vcf": "text/vcard", "wav": "audio/x-wav", "webp": "image/webp",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml", "yaml": "application/yaml", "yml": "application/yaml",
    "zip": "application/zip",
}  # fmt: skip


def original_name(file_name: str) -> str:
    """Return the name without the ending that encryption added; a name that is only one stays."""
    for ending in _ENDINGS:
        if len(file_name) > len(ending) and file_name[-len(ending) :].lower() == ending:
            return file_name[: -len(ending)]
    return file_name


def guessed_type(file_name: str) -> str:
    """Return the content type that the original name suggests; the wire does not carry it."""
    _, dot, extension = file_name.rpartition(".")
    return _TYPES.get(extension.lower(), UNKNOWN_TYPE) if dot else UNKNOWN_TYPE


def looks_sealed(file_name: str, content_type: str, *, flagged: bool = False) -> bool:
    """Say whether an attachment is probably encrypted; its bytes decide after the download.

    `flagged` is the manifest's own word. Without it a type, or a second ending (`report.pdf.asc`).
    """
    kind = content_type.partition(";")[0].strip().lower()
    if flagged or kind == SEALED_TYPE:
        return True
    if kind in _OTHER_ARMOR:
        return False
    inner = original_name(file_name)
    return inner != file_name and "." in inner[1:-1]
