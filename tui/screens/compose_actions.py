"""What the commands of the compose screen do.

Closes the trap of a review that shows another text than the screen: the draft is saved first, and the
review opens when that save has come back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from services.draft import Encryption
from services.events import Severity
from services.outbound_events import BeginDraft
from services.safe_text import EMPTY, clean_line, phrase, ui
from tui.screens.compose_files import carry, has_failed, let_go, missing_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.draft import Draft, DraftFile
    from services.safe_text import SafeText
    from tui.open_draft import OpenDraft
    from tui.screens.compose import ComposeScreen


def handlers(screen: ComposeScreen) -> Mapping[str, Callable[[], None]]:
    """The handlers of all commands of the compose screen by id."""
    actions = screen.actions
    return {
        "review_draft": actions.review,
        "save_draft": actions.save,
        "attach_files": actions.attach,
        "toggle_encryption": actions.toggle_encryption,
        "edit_outside": actions.edit_outside,
        "more_recipients": actions.more_recipients,
        "next_draft": actions.next_draft,
        "draft_details": actions.details,
        "send_later": actions.send_later,
        "way_out": actions.way_out,
        "marketplace": actions.marketplace,
        "template": actions.template,
        "new_draft": lambda: screen.begin(BeginDraft(account=screen.writer)),
        "change_sender": actions.change_sender,
        "discard_draft": actions.discard,
        "leave_compose": screen.leave,
    }


class ComposeActions:
    """The commands on the draft of a compose screen."""

    def __init__(self, screen: ComposeScreen) -> None:
        self._screen = screen
        self._to_review: OpenDraft | None = None

    @property
    def _draft(self) -> OpenDraft:
        draft = self._screen.draft
        assert draft is not None
        return draft

    def change(self, draft: OpenDraft, base: Draft) -> None:
        """Take a draft with other parts, and show them."""
        draft.change(base)
        self._screen.changed()
        self._screen.show_changed()

    # ── saving, reviewing, leaving ───────────────────────────────────────────────────────────────

    def save(self) -> None:
        """Save now."""
        if not self._screen.drafts.save(self._draft):
            self._screen.notices.tell(ui("Everything is saved."))

    def review(self) -> None:
        """Save, then show what would leave."""
        draft = self._draft
        if not draft.value.recipients:
            self._screen.notices.tell(ui("Say who it is for first."), Severity.WARNING)
            self._screen.set_focus(self._screen.fields["to"])
            return
        if waits := missing_words(draft):
            self._screen.notices.tell(waits, Severity.WARNING)
            return
        drafts = self._screen.drafts
        self._to_review = draft
        if not drafts.save(draft, anyway=not draft.base.revision) and not drafts.is_saving(draft):
            self._show_review(draft)

    def saved(self, draft: OpenDraft) -> None:
        """A save has come back: go on to the review that waited for it."""
        if draft is not self._to_review:
            return
        if draft.trouble:
            self._to_review = None
        elif not draft.unsaved:
            self._show_review(draft)
        else:
            self._screen.drafts.save(draft)

    def _show_review(self, draft: OpenDraft) -> None:
        self._to_review = None
        from tui.screens.review import Outcome, ReviewScreen

        screen = self._screen

        def answered(outcome: Outcome | None) -> None:
            if outcome in (Outcome.SENT, Outcome.REJECTED):
                self._sent(draft)
            elif outcome is Outcome.LATER:
                screen.run_command("send_later")

        screen.app.push_screen(
            ReviewScreen(screen.news, screen.session, draft.draft_id, draft.account), answered
        )

    def _sent(self, draft: OpenDraft) -> None:
        """It is in the outbox, or refused: there is nothing more to write on."""
        screen = self._screen
        screen.drafts.drop(draft)
        if screen.draft is draft:
            screen.draft = None
            screen.leave()

    def put_away(self, draft: OpenDraft) -> SafeText:
        """Keep what was written, and say so; what nobody touched and nobody saved is let go."""
        drafts = self._screen.drafts
        if not (draft.touched or draft.base.revision):
            let_go(draft, self._screen.news.ask)
            drafts.drop(draft)
            return EMPTY
        if draft.value.is_blank:
            # Saving it is what takes an earlier, fuller state off the disk.
            close = drafts.close if draft.base.revision or drafts.is_saving(draft) else drafts.drop
            close(draft)
            return ui("Nothing was written; no draft is kept.")
        drafts.save(draft)
        if draft.trouble:
            return phrase("Not saved yet, and open still: {}", draft.trouble)
        return ui("The draft is kept.")

    def discard(self) -> None:
        """Drop the draft; the list of drafts brings it back."""
        screen, draft = self._screen, self._draft
        drafts = screen.drafts
        if draft.touched or draft.base.revision:
            drafts.discard(draft)
            key = screen.session.keymap.shown_key("drafts")
            words = phrase("The draft is discarded; the list of drafts ({}) brings it back.", key)
        else:
            let_go(draft, screen.news.ask)
            words = ui("The draft is discarded.")
        drafts.drop(draft)
        screen.draft = None
        screen.leave_saying(words)

    def next_draft(self) -> None:
        """Go on with the next open draft."""
        draft = self._draft
        following = self._screen.drafts.beside(draft, 1)
        self.put_away(draft)
        self._screen.show_draft(following)

    # ── how it leaves and what goes with it ──────────────────────────────────────────────────────

    def toggle_encryption(self) -> None:
        """Encrypt, or leave in clear."""
        draft, sealed = self._draft, self._draft.is_sealed
        wanted = Encryption.NONE if sealed else Encryption.REQUIRED
        self.change(draft, replace(draft.base, encryption=wanted))
        if not sealed:
            words = ui("Subject, addresses and file names stay in clear.")
        elif draft.base.answers_encrypted:
            words = ui("It answers an encrypted message, and would give its text away.")
        else:
            words = ui("It leaves in clear.")
        self._screen.notices.tell(words)

    def more_recipients(self) -> None:
        """Show Cc and Bcc, or hide them when they are empty."""
        screen = self._screen
        screen.show_rows(turn=True)
        if screen.query_one("#row-cc").display and not screen.fields["cc"].value:
            screen.set_focus(screen.fields["cc"])

    def attach(self) -> None:
        """Choose files."""
        from tui.screens.file_picker import FilePicker

        draft = self._draft

        def answered(files: tuple[DraftFile, ...] | None) -> None:
            if files:
                self.add_files(draft, files)

        self._screen.app.push_screen(FilePicker(self._screen.session.monotonic), answered)

    def add_files(self, draft: OpenDraft, files: tuple[DraftFile, ...]) -> None:
        """Put files to the draft, each once."""
        known = {file.path for file in draft.base.files}
        new = tuple(file for file in files if file.path not in known)
        self.change(draft, replace(draft.base, files=(*draft.base.files, *new)))

    def remove_file(self, place: int) -> None:
        """Take a file away."""
        draft = self._draft
        files = draft.base.files
        gone = clean_line(files[place].name)
        self.change(draft, replace(draft.base, files=(*files[:place], *files[place + 1 :])))
        if files[place].origin is not None:
            carry(draft, self._screen.news.ask)
        self._screen.notices.tell(phrase("{} does not go with it.", gone))
        if not draft.base.files:
            self._screen.set_focus(self._screen.editor)

    def fetch_again(self, place: int) -> None:
        """Ask again for a file of another message that did not come."""
        if has_failed(self._draft, place):
            carry(self._draft, self._screen.news.ask)

    def change_sender(self) -> None:
        """Choose the account that the mail leaves from."""
        from tui.screens.sender_dialog import choose_sender

        choose_sender(self._screen, self._draft)

    # ── dialogs ──────────────────────────────────────────────────────────────────────────────────

    def details(self) -> None:
        """Headers, ids, usage."""
        from tui.screens.draft_details import DetailsDialog

        draft = self._draft

        def answered(base: Draft | None) -> None:
            if base is not None:
                self.change(draft, base)

        self._screen.app.push_screen(
            DetailsDialog(draft.base, self._screen.session.monotonic), answered
        )

    def send_later(self) -> None:
        """When it is to leave."""
        from tui.screens.send_later import SendLaterDialog

        draft, session = self._draft, self._screen.session

        def answered(at: int | None) -> None:
            if at is not None:
                self.change(draft, replace(draft.base, send_at=at))

        dialog = SendLaterDialog(draft.base.send_at, session.clock, session.monotonic)
        self._screen.app.push_screen(dialog, answered)

    def way_out(self) -> None:
        """By which service it leaves, and what its text is."""
        from tui.screens.way_out import WayOutDialog

        screen, draft = self._screen, self._draft

        def answered(base: Draft | None) -> None:
            if base is not None:
                self.change(draft, base)

        dialog = WayOutDialog(draft.base, draft.account, screen.news, screen.session.monotonic)
        screen.app.push_screen(dialog, answered)

    def marketplace(self) -> None:
        """A marketplace request or answer, with what the agent charges."""
        from tui.screens.marketplace import MarketplaceDialog

        screen, draft = self._screen, self._draft

        def answered(base: Draft | None) -> None:
            if base is not None:
                self.change(draft, base)

        dialog = MarketplaceDialog(
            draft.value, screen.news, screen.session.monotonic, draft.account
        )
        screen.app.push_screen(dialog, answered)

    def template(self) -> None:
        """Begin another draft from a template."""
        from tui.screens.templates import TemplateDialog

        screen = self._screen

        def answered(name: str | None) -> None:
            if name is not None:
                screen.begin(BeginDraft(template=name, account=screen.writer))

        screen.app.push_screen(TemplateDialog(screen.session.monotonic), answered)

    def edit_outside(self) -> None:
        """Write in the operator's own editor."""
        from tui.screens.outside_editor import edit_outside

        edit_outside(self._screen, self._draft)
