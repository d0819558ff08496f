"""Writing a draft in the operator's own editor, from the compose screen.

Closes three traps: an await or an error inside of Textual's suspension (the one hangs for good, the other
leaves a dead terminal: research/textual.md §2), decrypted text on a disk that nobody chose, and text that
was saved in the editor and is lost with this program (it is kept as a draft while the editor is open).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from services.errors import MailError
from services.events import Severity
from services.outbound.drafts.outside_texts import Whose, memory_folder
from services.safe_text import SafeText, clean_line, phrase, ui
from tui.editor import Edited, edit, editor_command
from tui.editor_watch import EditorWatch
from tui.screens.dialogs import ConfirmDialog

if TYPE_CHECKING:
    from pathlib import Path

    from tui.open_draft import OpenDraft
    from tui.screens.compose import ComposeScreen


def edit_outside(screen: ComposeScreen, draft: OpenDraft) -> None:
    """Save, hand the text to the editor, take it back as one change that can be undone."""
    try:
        command = editor_command(os.environ)
    except MailError as error:
        _tell(screen, error)
        return
    screen.drafts.save(draft)
    folder = memory_folder(os.environ)
    if folder is not None or not draft.is_sealed:
        _go(screen, draft, command, folder)
        return

    def answered(sure: bool | None) -> None:
        if sure:
            _go(screen, draft, command, folder)

    question = ui("Put the text on the disk for the editor?")
    details = (
        ui("The draft is to be encrypted, and there is no folder in memory for the editor's file."),
        ui("The text lies on the disk in clear while you edit, and is removed afterwards."),
    )
    dialog = ConfirmDialog(question, details, ui("Edit it"), screen.session.monotonic)
    screen.app.push_screen(dialog, answered)


def _go(
    screen: ComposeScreen, draft: OpenDraft, command: tuple[str, ...], folder: Path | None
) -> None:
    result: Edited | MailError
    drafts = screen.drafts
    watch = EditorWatch(lambda text: drafts.save_text(draft, text))
    drafts.look_outside = watch.look
    try:
        with screen.app.suspend():
            result = _edited(draft, command, folder, watch)
    except SuspendNotSupported:
        result = MailError("This terminal cannot be handed to an editor.", "Write here.")
    drafts.look_outside = None
    if isinstance(result, MailError):
        _tell(screen, result)
        if watch.has_told:
            screen.editor.replace_all(watch.text)
    else:
        _take_back(screen, draft, result)
    if watch.has_told:
        # What is on the screen now is what holds, whatever was saved on the way to it.
        drafts.save(draft, anyway=True)


def _take_back(screen: ComposeScreen, draft: OpenDraft, result: Edited) -> None:
    screen.set_focus(screen.editor)
    changed = result.text != draft.buffer.text
    if changed:
        screen.editor.replace_all(result.text)
    if result.code:
        screen.notices.tell(_ended(result.code, changed=changed), Severity.WARNING)
    elif not changed:
        screen.notices.tell(ui("The text is as it was."))


def _edited(
    draft: OpenDraft, command: tuple[str, ...], folder: Path | None, watch: EditorWatch
) -> Edited | MailError:
    """Nothing is raised here: the terminal has to come back first."""
    try:
        whose = Whose(draft.draft_id, draft.is_sealed)
        return edit(draft.buffer.text, command, folder, watch=watch, whose=whose)
    except MailError as error:
        return error


def _ended(code: int, *, changed: bool) -> SafeText:
    if changed:
        return phrase("The editor ended with code {}; what it had saved is here.", code)
    return phrase("The editor ended with code {}; the text is as it was.", code)


def _tell(screen: ComposeScreen, error: MailError) -> None:
    sentence, step = clean_line(error.sentence), clean_line(error.next_step)
    screen.notices.tell(sentence, Severity.ERROR, step)
