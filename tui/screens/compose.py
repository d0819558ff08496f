"""Writing a mail: fields, files, text, and what is said about the draft.

Closes two traps: a letter that is taken for a command (fields and text take every printable key), and
a draft that is lost with its screen (it lives in `OpenDrafts` and is saved within two seconds).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Input

from services.events import RequestFailed, Severity
from services.moving_events import MoveDraft
from services.outbound_events import (
    BeginDraft,
    DraftLocked,
    DraftOpened,
    OpenDraft,
    RecipientsSuggested,
)
from services.safe_text import EMPTY, SafeText, phrase, ui
from services.way_events import AskCarriage, CarriageTold
from tui import keys
from tui.keymap import Step
from tui.notices import Notices
from tui.open_draft import RECIPIENTS
from tui.open_drafts import RETRY_SECONDS, SAVE_SECONDS
from tui.screens.completing import Completing
from tui.screens.compose_actions import ComposeActions, handlers
from tui.screens.compose_carriage import Carriage
from tui.screens.compose_facts import draft_facts, file_lines
from tui.screens.compose_files import failed_words
from tui.screens.opening import Opening
from tui.screens.side_screen import Handlers, SideScreen
from tui.situation import Context, Situation
from widgets.draft_files import DraftFiles
from widgets.facts_line import FactsLine
from widgets.line_field import LineField, RecipientField
from widgets.plain import Plain
from widgets.suggestion_list import SuggestionList
from widgets.text_editor import TextEditor

if TYPE_CHECKING:
    from services.events import OutboundEvent
    from services.requests import Request
    from tui.open_draft import OpenDraft as Opened
    from tui.outbound_news import OutboundNews
    from tui.session import Session

_AT_ONCE: Final = 0.05
_LABELS: Final = {"to": ui("To"), "cc": ui("Cc"), "bcc": ui("Bcc"), "subject": ui("Subject")}


class ComposeScreen(SideScreen[None]):
    """One draft at a time; the others that are open are a key away."""

    CONTEXT = Context.COMPOSE
    HEADING: ClassVar[SafeText] = ui("Draft")
    AUTO_FOCUS = ""

    def __init__(self, news: OutboundNews, session: Session, begin: BeginDraft | OpenDraft) -> None:
        super().__init__(news, session)
        self._begin: BeginDraft | OpenDraft = begin
        self.drafts = news.drafts
        self.draft: Opened | None = None
        """The draft on the screen."""
        self.facts = FactsLine(id="compose-facts")
        self.files = DraftFiles(glyphs=session.glyphs, id="compose-files")
        self.editor = TextEditor(id="compose-text")
        self.suggestions = SuggestionList(glyphs=session.glyphs, id="suggestions")
        self.fields: dict[str, LineField] = {
            **{name: RecipientField(id=f"field-{name}") for name in RECIPIENTS},
            "subject": LineField(id="field-subject"),
        }
        self.actions = ComposeActions(self)
        self.opening = Opening(self)
        self._completing = Completing(self)
        self._carriage = Carriage(self)
        self._autosave: Timer | None = None
        self._shows_more = False
        self._told_failed = EMPTY
        self._from = Plain(id="compose-from")

    def parts(self) -> ComposeResult:
        """Fields, facts, files, text; suggestions above them when there are any."""
        with Vertical(id="compose-head"):
            if self.session.accounts:
                yield Horizontal(
                    Plain(ui("From"), classes="compose-label"), self._from, classes="compose-row"
                )
            for name, field in self.fields.items():
                yield Horizontal(
                    Plain(_LABELS[name], classes="compose-label"),
                    field,
                    id=f"row-{name}",
                    classes="compose-row",
                )
            yield self.facts
            yield self.files
        yield self.editor
        yield self.suggestions

    def handlers(self) -> Handlers:
        """What the commands do."""
        return handlers(self)

    def opened(self) -> None:
        """Show the draft that is open already, or ask for it."""
        self.drafts.on_saved = self._saved
        self.drafts.on_carried = self._carried
        self.show_rows()
        self.files.display = False
        found = (
            self.drafts.find(self._begin.draft_id) if isinstance(self._begin, OpenDraft) else None
        )
        if found is not None:
            self.show_draft(found)
            self.opening.over()
            self.call_after_refresh(self.show_hints)
        else:
            self.opening.ask(self._begin)

    @property
    def writer(self) -> str:
        """The account that the draft leaves from; "" where there is only one."""
        if self.draft is not None and self.draft.account:
            return self.draft.account
        return next((mark.name for mark in self.session.accounts), "")

    def situation(self) -> Situation:
        """The frozen picture that guards and hints look at."""
        writing = "writing" if self.draft is not None else ""
        return Situation(
            Context.COMPOSE,
            rows=len(self.drafts.all),
            entry=writing,
            accounts=len(self.session.accounts),
        )

    # ── what the engine tells ────────────────────────────────────────────────────────────────────

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:
        """Take the draft that was asked for, and what else answers this screen."""
        if isinstance(event, RecipientsSuggested):
            return self._completing.heard(event)
        if asked is None:
            return False
        match event:
            case DraftOpened():
                self._opened(event, asked)
            case CarriageTold():
                self._carriage.heard(event)
            case RequestFailed() if isinstance(asked, AskCarriage):
                pass
            case DraftLocked():
                self.opening.locked(event)
            case RequestFailed() if isinstance(asked, BeginDraft | OpenDraft | MoveDraft):
                self.opening.failed(event, asked)
            case RequestFailed():
                self.notices.tell(event.sentence, Severity.ERROR, event.next_step)
            case _:
                return False
        return True

    def _opened(self, event: DraftOpened, asked: Request) -> None:
        draft = self.drafts.open(event.draft, event.account, event.quoted or event.remark)
        if isinstance(asked, MoveDraft):
            self._moved(asked, event.remark)
        elif self.draft is not None and self.draft is not draft:
            self.actions.put_away(self.draft)
        self.show_draft(draft)
        self.opening.over()
        if event.quoted:
            self.notices.tell(event.quoted, Severity.WARNING)

    def _moved(self, asked: MoveDraft, remark: SafeText) -> None:
        """The draft is another account's now: the one on the screen before is no more."""
        left = self.drafts.find(asked.draft.draft_id)
        if left is not None:
            self.drafts.drop(left)
        if remark:
            self.notices.tell(remark)

    def begin(self, request: BeginDraft) -> None:
        """Begin another draft; this one stays open, if anything was written into it."""
        self.opening.ask(request)

    def _saved(self, draft: Opened) -> None:
        """A save has come back: say so, and save what was typed meanwhile."""
        if draft.trouble:
            if draft.trouble_is_new:
                self.notices.tell(draft.trouble, Severity.ERROR)
            self._save_in(RETRY_SECONDS)
        else:
            draft.saved_at = self.session.clock()
            if draft.unsaved:
                self._save_in(max(_AT_ONCE, draft.taken_at + SAVE_SECONDS - time.monotonic()))
        self.show_facts()
        self.actions.saved(draft)

    def _carried(self, draft: Opened) -> None:
        """Files that go along from another message have moved."""
        if draft is self.draft and self.is_mounted:
            self.show_changed()
            failed = failed_words(draft)
            if failed and failed != self._told_failed:
                self.notices.tell(failed, Severity.WARNING)
            self._told_failed = failed

    # ── the draft on the screen ──────────────────────────────────────────────────────────────────

    def show_draft(self, draft: Opened) -> None:
        """Put a draft on the screen; the cursor goes to what is to be written next."""
        self._completing.close()
        self.draft = self.drafts.last = self.drafts.shown = draft
        with self.app.batch_update():
            for name, field in self.fields.items():
                field.show(draft.texts[name])
            self._shows_more = False
            self.show_rows()
            self.editor.show_buffer(draft.buffer)
            self.show_changed()
        if not draft.texts["to"]:
            self.set_focus(self.fields["to"])
        elif not draft.texts["subject"]:
            self.set_focus(self.fields["subject"])
        else:
            self.set_focus(self.editor)
        if draft.hidden:
            words = phrase("{} invisible characters are not shown here.", draft.hidden)
            self.notices.tell(words, Severity.WARNING)
        self.show_hints()

    def show_rows(self, *, turn: bool = False) -> None:
        """Show the rows of Cc and Bcc when they hold something or are wanted."""
        self._shows_more ^= turn
        for name in ("cc", "bcc"):
            wanted = self._shows_more or bool(self.fields[name].value)
            self.query_one(f"#row-{name}").display = wanted

    def show_changed(self) -> None:
        """Show facts and files as they are now."""
        if self.draft is not None:
            self.files.show_files(file_lines(self.draft))
        self.show_facts()

    def show_facts(self) -> None:
        """Show what is to be said about the draft, and which one it is."""
        draft, opened = self.draft, self.drafts.all
        if draft is None:
            return
        self._carriage.look(draft)
        self.facts.show_facts(draft_facts(draft, self.session))
        title = self.HEADING
        if len(opened) > 1 and draft in opened:
            title = phrase("Draft {} of {}", opened.index(draft) + 1, len(opened))
        self.status.show_title(self.session.titled(self.writer), title)
        mark = self.session.marks.get(self.writer)
        self._from.show(phrase("{}  {}", mark.short, mark.title) if mark is not None else EMPTY)

    def changed(self) -> None:
        """Something was written: save it in a moment."""
        self._save_in(SAVE_SECONDS)

    def _save_in(self, seconds: float) -> None:
        if self._autosave is None:
            self._autosave = self.set_timer(seconds, self._save)

    def _save(self) -> None:
        self._autosave = None
        for draft in self.drafts.all:
            if self.drafts.is_saving(draft):
                # Its answer starts the next save.
                continue
            self.drafts.save(draft)

    def leave(self) -> None:
        """Keep the draft and leave; one that nobody wrote anything into is not kept."""
        self.leave_saying(self.actions.put_away(self.draft) if self.draft is not None else EMPTY)

    def leave_saying(
        self, words: SafeText, severity: Severity = Severity.INFO, next_step: SafeText = EMPTY
    ) -> None:
        """Leave, and say something on the screen that is under this one."""
        below = self.app.screen_stack[self.app.screen_stack.index(self) - 1]
        super().leave()
        notices = getattr(below, "notices", None)
        if words and isinstance(notices, Notices):
            notices.tell(words, severity, next_step)

    def on_unmount(self) -> None:
        """Save what is left."""
        self._save()
        self.drafts.shown = None
        self.drafts.on_saved = None
        self.drafts.on_carried = _nobody

    # ── keys ─────────────────────────────────────────────────────────────────────────────────────

    def take_key(self, event: events.Key) -> bool:
        """Suggestions first, then commands, then the fields' own keys."""
        key = event.key
        if self.opening.take_key(event):
            return True
        return self._completing.take_key(key) or self._press(event) or self._go_on(key)

    def _press(self, event: events.Key) -> bool:
        begun = bool(self._keys.pending)
        step, command = self._keys.press(keys.key_of(event), self.CONTEXT)
        if begun or step is Step.PENDING:
            self._pass_on(pending=step is Step.PENDING)
            self.show_hints()
        if step is Step.RUN:
            self.status.clear_notice()
            self.run_command(command)
        return begun or step is not Step.NOTHING

    def _pass_on(self, *, pending: bool) -> None:
        """Let the next letter come here: it ends a command that was begun."""
        self.editor.passes_on = pending
        for field in self.fields.values():
            field.passes_on = pending

    def _go_on(self, key: str) -> bool:
        """Enter and the arrows go from field to field."""
        if not isinstance(self.focused, Input) or key not in ("enter", "down", "up"):
            return False
        if key == "up":
            self.focus_previous()
        else:
            self.focus_next()
        return True

    # ── the widgets' messages ────────────────────────────────────────────────────────────────────

    def on_input_changed(self, event: Input.Changed) -> None:
        """A field says something else."""
        event.stop()
        name = (event.input.id or "").removeprefix("field-")
        if self.draft is not None and self.draft.write(name, event.value):
            self.changed()
            if isinstance(event.input, RecipientField):
                self._completing.typed(event.input)

    def on_text_editor_changed(self, event: TextEditor.Changed) -> None:
        """The text is another one."""
        event.stop()
        self.changed()

    def on_draft_files_removed(self, event: DraftFiles.Removed) -> None:
        """A file is taken away."""
        event.stop()
        self.actions.remove_file(event.place)

    def on_draft_files_again(self, event: DraftFiles.Again) -> None:
        """A file that did not come is asked for again."""
        event.stop()
        self.actions.fetch_again(event.place)

    def on_draft_files_left(self, event: DraftFiles.Left) -> None:
        """Back from the files to the text."""
        event.stop()
        self.set_focus(self.editor)

    def on_descendant_focus(self, _event: events.DescendantFocus) -> None:
        """Suggestions belong to the field that had the keys."""
        if self.focused is not self._completing.field:
            self._completing.close()
        for field in self.fields.values():
            if isinstance(field, RecipientField) and not field.has_focus:
                field.tidy()


def _nobody(_draft: Opened) -> None:
    """The screen is gone."""
