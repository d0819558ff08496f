"""Which part of the mail screen runs which command.

Closes the trap of a command that stands in the table and does nothing: a test holds this map and the
table of commands to the same ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from services.models import Mailbox, MailFilter
from services.requests import Refresh
from services.safe_text import ui
from tui import clipboard, labels
from tui.labels import LabelChange
from tui.mail_view import MailView
from tui.screens.mail_messages import Quit, SignIn

if TYPE_CHECKING:
    from services.safe_text import SafeText
    from tui.screens.mail import MailScreen

Handler = Callable[[], None]


def handlers(screen: MailScreen) -> Mapping[str, Handler]:
    """The handlers of all commands by id."""
    return {
        **screen.moving.commands(),
        **_reading(screen),
        **_writing(screen),
        **_changing(screen),
        **_finding(screen),
        **screen.accounts.commands(),
        **_program(screen),
    }


def _reading(screen: MailScreen) -> Mapping[str, Handler]:
    pane = screen.panes.reader
    return {
        "headers": pane.toggle_headers,
        "raw": lambda: _show_raw(screen),
        "conversation": lambda: _show_conversation(screen),
        "reveal": screen.reading.toggle_reveal,
        "quotes": lambda: pane.reader.toggle_quotes(),
        "links": lambda: _choose_link(screen),
        "save_files": screen.files.ask,
        "stop_saving": screen.files.stop,
        "copy_address": lambda: _copy_address(screen),
    }


def _writing(screen: MailScreen) -> Mapping[str, Handler]:
    def answer(kind: str) -> Handler:
        return lambda: screen.outbound.answer(kind)

    return {
        "compose": lambda: screen.outbound.write(),
        "reply": answer("reply"),
        "reply_all": answer("reply all"),
        "forward": answer("forward"),
        "edit_as_new": answer("edit as new"),
        "go_on_writing": lambda: screen.outbound.go_on_writing(),
        "drafts": lambda: screen.outbound.show_drafts(),
        "approvals": lambda: screen.outbound.show_approvals(),
        "outbox": lambda: screen.outbound.show_outbox(),
        "sent": lambda: screen.outbound.show_sent(),
        "transfers": lambda: screen.outbound.show_transfers(),
        "audit": lambda: screen.outbound.show_audit(),
        "trash": lambda: screen.outbound.show_trash(),
        "all_sent": lambda: screen.outbound.show_all_sent(),
        "held": lambda: screen.outbound.show_held(),
    }


def _changing(screen: MailScreen) -> Mapping[str, Handler]:
    changes, messages = screen.changes, screen.panes.messages
    return {
        "archive": changes.archive,
        "label": changes.label,
        "toggle_unread": changes.toggle_unread,
        "mark_read": changes.mark_read,
        "mark_unread": changes.mark_unread,
        "delete": changes.delete,
        "undo": lambda: _undo(screen),
        "select": messages.action_toggle_select,
        "select_range": messages.action_select_range,
        "select_all": messages.select_all,
        "select_none": messages.clear_selection,
    }


def _finding(screen: MailScreen) -> Mapping[str, Handler]:
    finding = screen.finding

    def to(mailbox: Mailbox) -> Handler:
        return lambda: _go(screen, finding.view.mailbox(mailbox))

    return {
        "search": lambda: _search(screen),
        "search_server": finding.ask_server,
        "filter_label": lambda: _choose_label(screen),
        "only_unread": lambda: finding.go(finding.view.toggling_unread(), keep=True),
        "only_verified": lambda: finding.go(finding.view.toggling_verified(), keep=True),
        "clear": finding.clear,
        "inbox": to(Mailbox.INBOX),
        "unread": to(Mailbox.UNREAD),
        "unverified": to(Mailbox.UNVERIFIED),
        "archived": to(Mailbox.ARCHIVED),
        "all_mail": to(Mailbox.ALL),
        "next_mailbox": lambda: _go(screen, finding.view.beside(1)),
        "previous_mailbox": lambda: _go(screen, finding.view.beside(-1)),
        "mailboxes": lambda: _choose_mailbox(screen),
        "next_pane": lambda: screen.panes.go(1),
        "previous_pane": lambda: screen.panes.go(-1),
        "leave_mailboxes": screen.panes.show_list,
    }


def _program(screen: MailScreen) -> Mapping[str, Handler]:
    return {
        "keys": lambda: screen.sealed.show_keys(),
        "open_closed": lambda: screen.sealed.unlock(),
        "lock_now": lambda: screen.sealed.lock_now(),
        "refresh": lambda: _refresh(screen, full=False),
        "refresh_all": lambda: _refresh(screen, full=True),
        "sign_in": lambda: screen.tell_app(SignIn()),
        "palette": lambda: _palette(screen),
        "help": lambda: _help(screen),
        "quit": lambda: screen.tell_app(Quit()),
        "quit_anywhere": lambda: screen.tell_app(Quit()),
        "suspend": lambda: _suspend(screen),
    }


def _undo(screen: MailScreen) -> None:
    """What was sent a moment ago comes first: it is the one that gets away."""
    outbound = screen.outbound_if_made
    if outbound is not None and outbound.can_take_back:
        outbound.take_back()
    else:
        screen.changes.undo()


def _go(screen: MailScreen, view: MailView) -> None:
    screen.finding.go(view)
    screen.panes.show_list()


def _search(screen: MailScreen) -> None:
    screen.panes.show_list()
    screen.finding.start()


def _refresh(screen: MailScreen, *, full: bool) -> None:
    screen.ask(Refresh(full=full))


def _show_raw(screen: MailScreen) -> None:
    current = screen.attention.current_id
    if current is not None:
        screen.panes.expect_reader()
        screen.reading.show_raw(current)


def _show_conversation(screen: MailScreen) -> None:
    current = screen.attention.current_id
    if current is None:
        return
    if screen.finding.sent_row(current) is not None:
        screen.notices.tell(ui("The conversation of this message is on screen."))
    else:
        screen.finding.show_conversation(current)


def _copy_address(screen: MailScreen) -> None:
    current = screen.attention.current_id
    row = screen.finding.row_of(current) if current is not None else None
    if row is not None:
        screen.notices.tell(clipboard.copy(screen.app, row.address, ui("Address")))


def _choose_link(screen: MailScreen) -> None:
    from tui.screens.links import LinksDialog

    def answered(address: SafeText | None) -> None:
        if address is not None:
            screen.notices.tell(clipboard.copy(screen.app, address, ui("Link")))

    screen.app.push_screen(LinksDialog(screen.reading.links, screen.session.monotonic), answered)


def _choose_label(screen: MailScreen) -> None:
    from tui.screens.label_dialog import LabelFilterDialog

    def answered(choice: LabelChange | None) -> None:
        if choice is not None and choice.add:
            _go(screen, screen.finding.view.labelled(choice.add[0]))

    entries = labels.states((), screen.finding.counts.labels)
    screen.app.push_screen(LabelFilterDialog(entries, screen.session.monotonic), answered)


def _choose_mailbox(screen: MailScreen) -> None:
    if screen.panes.show_places():
        return
    from tui.screens.mailboxes_dialog import MailboxesDialog

    def answered(wanted: MailFilter | str | None) -> None:
        if isinstance(wanted, str):
            screen.run_command(wanted)
        elif wanted is not None:
            _go(screen, MailView(wanted))

    session = screen.session
    current = screen.finding.view.filter
    places, snapshot = screen.panes.places, screen.finding.snapshot
    counts = snapshot.counts if snapshot is not None else screen.finding.counts
    dialog = MailboxesDialog(
        counts,
        places.accounts,
        places.outgoing,
        places.beside,
        current,
        session.glyphs,
        session.monotonic,
    )
    screen.app.push_screen(dialog, answered)


def _palette(screen: MailScreen) -> None:
    from tui.screens.overlays import show_palette

    situation = screen.attention.situation()
    show_palette(screen, screen.session, situation, screen.shown_key, screen.run_command)


def _help(screen: MailScreen) -> None:
    from tui.screens.overlays import show_help

    show_help(screen, screen.session, screen.panes.context)


def _suspend(screen: MailScreen) -> None:
    from tui.screens.overlays import suspend_app

    suspend_app(screen, screen.notices)
