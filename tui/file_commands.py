"""The commands about attachments, as data like those of `commands`."""

from __future__ import annotations

from typing import Final

from tui.command import MAIL, READ, READER, SHELVED, Command

FILE_COMMANDS: Final = (
    Command(
        "save_files",
        "Save attachments",
        "Saves attachments in a folder; encrypted ones are decrypted there.",
        ("S",),
        READER | SHELVED,
        READ,
        guard="has_files",
        hint="save",
        rank=6,
    ),
    Command(
        "stop_saving",
        "Stop saving",
        "Gives up the files that are being saved; what is saved stays.",
        ("g x",),
        MAIL | SHELVED,
        READ,
        guard="is_saving",
    ),
)
