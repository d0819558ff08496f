"""A draft on the screen: its fields as they are shown, its text with undo, and what is saved of it.

Closes two traps. What came from an agent or a mail is shown cleaned, and would be saved cleaned though
nobody touched it: a field that nobody changed keeps its raw value. And a save that comes back while
more was typed must not count as the newest: what is saved is known by a number.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from services.addresses import entries
from services.draft import Encryption
from services.safe_text import EMPTY, SafeText, clean_line, clean_text
from widgets.text_buffer import TextBuffer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from services.carried_events import CarriedFile
    from services.draft import Draft

RECIPIENTS: Final = ("to", "cc", "bcc")
LONGEST_FIELD: Final = 20_000
"""Characters of a field that can be edited."""


class OpenDraft:
    """One draft that is being written; `value` is the newest state of it."""

    def __init__(self, draft: Draft, account: str = "", remark: SafeText = EMPTY) -> None:
        self.account = account
        self.remark = remark
        self.buffer = TextBuffer()
        self.hidden = 0
        """Invisible characters that the text held and the screen does not show."""
        self.trouble = EMPTY
        """Why it could not be saved."""
        self.trouble_is_new = False
        """The newest save failed, and not as the one before it."""
        self.carried: Mapping[Path, CarriedFile] = {}
        """How far the files are that go along from another message, by their paths."""
        self.hindrances: tuple[tuple[SafeText, SafeText], ...] = ()
        """What of it cannot leave as it stands, each with its next step."""
        self.taken_at = 0.0
        """When a save was begun last, on the monotonic clock."""
        self.saved_at = 0.0
        """When it was saved last, seconds since the epoch; the screen keeps it."""
        self._load(draft)

    def _load(self, draft: Draft) -> None:
        self._draft = draft
        raw = {name: ", ".join(getattr(draft, name)) for name in RECIPIENTS}
        raw["subject"] = draft.subject
        self._shown = {name: clean_line(text, LONGEST_FIELD) for name, text in raw.items()}
        self.texts: dict[str, str] = dict(self._shown)
        self.hidden = clean_text(draft.body).hidden
        self.buffer.load(draft.body)
        self._loaded_body = self.buffer.version
        self._edits = self._saved_edits = 0
        self._seen_body = self.buffer.version

    # ── what is written ──────────────────────────────────────────────────────────────────────────

    @property
    def draft_id(self) -> str:
        """Which draft it is."""
        return self._draft.draft_id

    @property
    def base(self) -> Draft:
        """The draft as it was loaded or changed, without what stands in the fields."""
        return self._draft

    @property
    def value(self) -> Draft:
        """The draft as it stands on the screen now."""
        return replace(
            self._draft,
            to=self._people("to"),
            cc=self._people("cc"),
            bcc=self._people("bcc"),
            subject=self._subject(),
            body=self._body(),
        )

    def _people(self, name: str) -> tuple[str, ...]:
        if self.texts[name] == self._shown[name]:
            people: tuple[str, ...] = getattr(self._draft, name)
            return people
        return people_in(self.texts[name])

    def _subject(self) -> str:
        shown = self.texts["subject"]
        return self._draft.subject if shown == self._shown["subject"] else shown.strip()

    def _body(self) -> str:
        if self.buffer.version == self._loaded_body:
            return self._draft.body
        return self.buffer.text

    @property
    def is_sealed(self) -> bool:
        """It leaves encrypted or not at all."""
        return self._draft.encryption is Encryption.REQUIRED

    @property
    def touched(self) -> bool:
        """Something was changed since it was opened."""
        self._count_body()
        return self._edits > 0

    def write(self, name: str, text: str) -> bool:
        """Take what stands in a field; False when it is the same."""
        if self.texts[name] == text:
            return False
        self.texts[name] = text
        self._edits += 1
        return True

    def change(self, draft: Draft) -> None:
        """Take a `base` with other parts than those that stand in fields."""
        self._draft = draft
        self._edits += 1

    # ── what is saved ────────────────────────────────────────────────────────────────────────────

    @property
    def unsaved(self) -> bool:
        """There is something that no save has taken with it."""
        self._count_body()
        return self._edits != self._saved_edits

    def taken(self) -> None:
        """A save takes this state with it."""
        self._count_body()
        self._saved_edits = self._edits
        self.taken_at = time.monotonic()

    def saved(self, draft_id: str, revision: int) -> None:
        """A save has come back."""
        self._draft = replace(self._draft, draft_id=draft_id, revision=revision)
        self.trouble = EMPTY

    def not_saved(self, sentence: SafeText) -> None:
        """A save has failed: what it took is unsaved again."""
        self.trouble_is_new = sentence != self.trouble
        self.trouble = sentence
        self._saved_edits = -1

    def _count_body(self) -> None:
        if self.buffer.version != self._seen_body:
            self._seen_body = self.buffer.version
            self._edits += 1


def people_in(text: str) -> tuple[str, ...]:
    """The recipients in a field, as typed, one by one."""
    return tuple(piece.strip() for piece in entries(text))
