"""The app: one engine, a mail screen, and the ways in and out.

Owns start-up (first frame before anything heavy), the commands that work on every screen, and leaving.
Closes the traps of Textual's defaults: animations over SSH, a crash screen that prints locals, a quit
that waits for threads, a terminal that goes away.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.text import Text
from textual import constants, events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.screen import Screen

from services.config import Settings
from services.errors import MailError
from services.events import Severity
from services.safe_text import SafeText, clean_line, phrase, ui
from tui import crash, keymap, themes
from tui.hangup import SteadyDriver, watch
from tui.key_queue import AfterKeys, KeyDone, KeyQueue
from tui.lean_driver import LeanDriver, end_process
from tui.leaving import Leaving
from tui.messages import AccountsChanged
from tui.notices import Notices
from tui.screens.mail import MailScreen
from tui.screens.mail_messages import (
    AddAccount,
    FirstMail,
    FirstPaint,
    Quit,
    SignIn,
    TakeAccounts,
)
from tui.session import Session
from tui.terminal import Terminal
from widgets.account_mark import AccountMark

if TYPE_CHECKING:
    from tui.bridge import EngineFactory
    from tui.first_picture import Picture
    from tui.first_run import Opened, SetUp

START_SECONDS: Final = 5.0
"""When the collector runs again at the latest; `tui.start` holds it back for the first frame."""
STOP_SECONDS: Final = 2.0
"""How long leaving waits for the engine at most."""
EARLY_SECONDS: Final = 2.0
"""How long keys that are typed ahead wait for the first messages."""


class AgentMailApp(App[int]):
    """The mail app over one account, or over several as one: then `accounts` are their marks.

    `engine` is None when no account is set up yet: then `set_up` is needed, and the set-up screen
    comes first. `account` is the title in the status line, `first_words` explains why the set-up
    screen is shown. `crash_folder` takes crash reports.
    """

    CSS_PATH: ClassVar = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    ESCAPE_TO_MINIMIZE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", id="quit_anywhere", show=False, priority=True),
        Binding("ctrl+l", "redraw", "Redraw", id="redraw", show=False),
        Binding("ctrl+c", "say_how_to_quit", "Quit", show=False, system=True),
    ]

    def __init__(
        self,
        engine: EngineFactory | None,
        *,
        account: SafeText,
        accounts: tuple[AccountMark, ...] = (),
        trash: bool = False,
        settings: Settings,
        terminal: Terminal,
        crash_folder: Path,
        set_up: SetUp | None = None,
        picture: Picture | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.picture = picture
        """The first picture, which the driver takes over."""
        self.animation_level = "none"
        self._keys = KeyQueue(self, super().on_event)
        self.leaving = Leaving(self._stop_engine, self._close_from_thread, self._end_process)
        self._engine = engine
        self._set_up = set_up
        self._crash_folder = crash_folder
        self._mail: MailScreen | None = None
        self._stopping: threading.Thread | None = None
        self._unwatch: Callable[[], None] | None = None
        self._session = Session(
            account=account,
            accounts=accounts,
            trash=trash,
            settings=settings,
            terminal=terminal,
            keymap=keymap.build(_preset(settings.keymap), settings.keys),
            can_sign_in=set_up is not None,
            clock=clock,
            monotonic=monotonic,
        )
        themes.install(self, settings.theme or terminal.theme)
        self._styled_with: str | None = self.theme

    @property
    def wants_mouse(self) -> bool:
        """Whether the terminal is asked for mouse events."""
        return self._session.settings.mouse

    def get_driver_class(self) -> type[Driver]:
        """Our driver, unless the environment asks for another (as textual-serve does)."""
        return super().get_driver_class() if constants.DRIVER else SteadyDriver

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own colour names under themes that do not know them."""
        return themes.variable_defaults()

    def refresh_css(self, animate: bool = True) -> None:
        """Style everything anew; not for the theme that the first styles were made with.

        Textual asks for that once at the start, and it would parse and apply all styles again.
        """
        made_with, self._styled_with = self._styled_with, None
        if made_with != self.theme:
            super().refresh_css(animate)

    def get_default_screen(self) -> Screen[Any]:
        """The mail screen, or a blank one for the set-up screen to stand on."""
        if self._engine is None:
            return super().get_default_screen()
        return self._mail_screen(self._engine)

    def on_mount(self) -> None:
        """Take care of errors that no task waits for; ask for an account when there is none."""
        asyncio.get_running_loop().set_exception_handler(crash.loop_handler(self._crash_folder))
        self.set_timer(START_SECONDS, self._end_start)
        if self._set_up is not None:
            self._unwatch = self._set_up.watch(
                lambda words: self.post_message(AccountsChanged(words))
            )
        if self._engine is not None:
            self._keys.hold(EARLY_SECONDS)
        else:
            self._ask_account(
                ui("Welcome. This is one mailbox of one agent; nothing is set up yet.")
            )

    # ── accounts ─────────────────────────────────────────────────────────────────────────────────

    def on_mail_screen_sign_in(self, event: SignIn) -> None:
        """Ask for the account's token again."""
        event.stop()
        account = self._mail.accounts.current if self._mail is not None else ""
        words = ui("Enter a token for this mailbox; the rest is as it was.")
        self._ask_account(words, account=account)

    def on_mail_screen_add_account(self, event: AddAccount) -> None:
        """Ask for another account."""
        event.stop()
        self._ask_account(
            ui("Another mailbox; it will stand beside those that are here."), adds=True
        )

    def _ask_account(self, reason: SafeText, *, account: str = "", adds: bool = False) -> None:
        if self._set_up is None:
            return
        from tui.screens.setup import SetupScreen

        try:
            meant = self._set_up.meant(account, adds=adds)
        except MailError as error:
            self._tell(clean_line(str(error)))
            return
        screen = SetupScreen(
            meant,
            self._session.monotonic,
            may_leave=self._mail is not None,
            reason=reason,
        )
        self.push_screen(screen, self._account_opened)

    async def on_mail_screen_take_accounts(self, event: TakeAccounts) -> None:
        """Show the accounts as they are configured now, unless that loses what was written."""
        event.stop()
        if self._set_up is None or self._mail is None:
            return
        if self._mail.has_unsaved:
            self._tell(ui("A draft is not saved yet; the accounts stay as they are until it is."))
            return
        try:
            opened = await asyncio.to_thread(self._set_up.configured)
        except MailError as error:
            self._tell(clean_line(str(error)))
            return
        await self._account_opened(opened)

    def on_accounts_changed(self, message: AccountsChanged) -> None:
        """Others have added accounts or taken some out: say so on whatever screen there is."""
        message.stop()
        key = self._session.keymap.shown_key("take_accounts")
        step = phrase("{} in the message list takes that in.", key)
        if self._mail is None:
            step = ui("Leave and start agentmail-tui again to see it.")
        Notices(self, lambda: None).tell(message.sentence, Severity.WARNING, step)

    def on_unmount(self) -> None:
        """Look no more at what others do."""
        if self._unwatch is not None:
            self._unwatch()

    async def _account_opened(self, opened: Opened | None) -> None:
        if opened is None:
            return
        self._session = replace(
            self._session, account=opened.account, accounts=opened.accounts, trash=opened.trash
        )
        before = self._mail
        if before is not None:
            self._keys.hold(EARLY_SECONDS)
            await asyncio.to_thread(before.stop, STOP_SECONDS)
            while self.screen is not before:
                await self.pop_screen()
        mail = self._mail_screen(opened.engine)
        await self.push_screen(mail)
        if before is not None:
            # Below the new one: as the first screen of all it cannot be switched from.
            self._screen_stack.remove(before)
            await before.remove()
        if opened.remark:
            mail.notices.tell(opened.remark)

    def _mail_screen(self, engine: EngineFactory) -> MailScreen:
        self._mail = MailScreen(engine, self._session, width=self.size.width)
        return self._mail

    async def on_mail_screen_first_mail(self, event: FirstMail) -> None:
        """Keys typed before there was anything to see run now."""
        event.stop()
        await self._keys.release()

    def on_mail_screen_first_paint(self, event: FirstPaint) -> None:
        """The start is over."""
        event.stop()
        self._end_start()

    def _end_start(self) -> None:
        # What is loaded now stays: keep the collector from walking over it again and again.
        gc.freeze()
        gc.enable()

    # ── leaving ──────────────────────────────────────────────────────────────────────────────────

    def on_mail_screen_quit(self, event: Quit) -> None:
        """Leave."""
        event.stop()
        self._quit()

    async def action_quit(self) -> None:
        """Leave from anywhere."""
        self._quit()

    def _quit(self) -> None:
        outbound = None if self._mail is None else self._mail.outbound_if_made
        if outbound is None or not outbound.hold_back(self.leave):
            self.leave()

    def action_redraw(self) -> None:
        """Write every cell again: something else has written to the terminal."""
        if isinstance(self._driver, LeanDriver):
            self._driver.forget_cells()
        self.screen.refresh()

    def leave(self, code: int = 0) -> None:
        """Close the screen at once; the engine saves meanwhile."""
        if self._stopping is None:
            self._stopping = threading.Thread(
                target=self._stop_engine, args=(STOP_SECONDS,), name="stop", daemon=True
            )
            self._stopping.start()
        self.exit(code, return_code=code)

    def wait_stopped(self) -> None:
        """Wait until the engine has saved, for `STOP_SECONDS` at most; call after `run`."""
        if self._stopping is None:
            self._stop_engine(STOP_SECONDS)
        else:
            self._stopping.join(STOP_SECONDS)

    def action_say_how_to_quit(self) -> None:
        """Ctrl+C is pressed by habit: say how to leave instead of leaving."""
        self._tell(ui("Ctrl+Q leaves from anywhere; q leaves from the message list."))

    def _tell(self, how: SafeText) -> None:
        if self._mail is not None and self.screen is self._mail:
            self._mail.notices.tell(how)
        else:
            Notices(self, lambda: None).tell(how, Severity.WARNING)

    def _stop_engine(self, timeout: float) -> None:
        if self._mail is not None:
            self._mail.stop(timeout)

    def _close_from_thread(self, code: int) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(lambda: self.exit(code, return_code=code))

    def _end_process(self, code: int) -> None:
        end_process(self._driver, code)

    # ── what may not happen ──────────────────────────────────────────────────────────────────────

    async def on_event(self, event: events.Event) -> None:
        """Let keys through one by one; everything else at once."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self._keys.take(event)
        elif not isinstance(event, events.Paste) or event.is_forwarded or self._takes(event):
            await super().on_event(event)

    def _takes(self, paste: events.Paste) -> bool:
        from tui.pastes import refused

        return not refused(self.screen, paste.text)

    async def on_key_done(self, message: KeyDone) -> None:
        """The last key has done all that it does."""
        message.stop()
        await self._keys.done(message.number)

    def hold_keys(self, seconds: float) -> None:
        """Keep keys for a screen that is not ready for them, so long at most."""
        self._keys.hold(seconds)

    def give_key_back(self, key: events.Key) -> None:
        """Take a key again that reached a screen before it was ready."""
        self._keys.give_back(events.Key(key.key, key.character))

    def release_keys(self) -> None:
        """Let the kept keys run, when what comes before them is done."""
        self.call_later(self._keys.release)

    def drop_keys(self) -> None:
        """Forget the kept keys: what they were typed for is not there."""
        self.call_later(self._keys.drop)

    def on_after_keys(self, message: AfterKeys) -> None:
        """Something can wait for the end of the keys that are there already."""
        message.stop()
        self._keys.after_keys(message.work)

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text outside of a field is no key press."""
        event.stop()

    def _handle_exception(self, error: Exception) -> None:
        """Leave with one sentence and a report, instead of Textual's page of locals."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
            said = crash.sentence(crash.write_report(self._crash_folder, error))
            self._exit_renderables.append(Text(said))
        self._close_messages_no_wait()

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()


def _preset(name: str) -> str:
    return "vim" if name == "default" else name


def run(app: AgentMailApp, crash_folder: Path) -> int:
    """Run the app in this terminal and return its exit code; leaves within two seconds."""
    crash.install(crash_folder)
    app.leaving.install()
    watch(app.leaving.hang_up)
    result = app.run(mouse=app.wants_mouse)
    app.leaving.left()
    app.wait_stopped()
    code = app.return_code
    return code if code is not None else result or 0
