"""What the mail screen does about encrypted mail: unlock and open, lock and hide, read ahead.

Closes three traps: decrypted text that stays on screen after the keys were locked, a message marked
read while all that was seen of it was "locked", and a passphrase asked for because the cursor passed
over a message (only opening on purpose asks).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from services.events import RequestFailed
from services.key_events import KeysChanged, KeyWorkDone, LockKeys, ReadAhead, ReadKeys
from services.key_models import LockState
from services.requests import ForAccount
from services.seal_models import SealState
from tui.key_news import KeyNews
from widgets.key_words import lock_fact

if TYPE_CHECKING:
    from textual.timer import Timer

    from services.events import KeyEvent, MessageOpened
    from services.requests import OwnRequest
    from tui.screens.keys import KeysScreen
    from tui.screens.mail import MailScreen
    from widgets.status_line import StatusLine

REST_SECONDS: Final = 0.15
"""How long the cursor rests before the messages near it are opened in advance."""
AHEAD: Final = 4
BEHIND: Final = 2
_SHUT: Final = frozenset(
    {SealState.NOT_FOR_ME, SealState.DAMAGED, SealState.UNSUPPORTED, SealState.TOO_LARGE}
)
_NEED_ANOTHER_KEY: Final = frozenset({SealState.NOT_FOR_ME, SealState.NO_KEY})
"""What an imported or generated key may change."""


class SealedMail:
    """Encrypted mail on the mail screen; `news` is what is known of the keys."""

    def __init__(self, screen: MailScreen, status: StatusLine) -> None:
        self._screen = screen
        self._status = status
        self._news: dict[str, KeyNews] = {}
        self._state: SealState | None = None
        self._resting: Timer | None = None
        self._keys_screen: KeysScreen | None = None
        self._asking = False
        self._known: dict[str, tuple[object, ...]] = {}

    @property
    def news(self) -> KeyNews:
        """What is known of the keys of the account that the open message came to."""
        return self.news_of(self._screen.accounts.about(self._screen.reading.message_id))

    def news_of(self, account: str) -> KeyNews:
        """What is known of the keys of an account, of the default one for ""."""
        account = account or self._screen.accounts.default
        if account not in self._news:
            news = self._news[account] = KeyNews(partial(self._ask, account))
            news.listen(partial(self._heard, account))
        return self._news[account]

    def _ask(self, account: str, request: OwnRequest) -> int:
        return self._screen.ask(ForAccount(account, request) if account else request)

    # ── what is open ─────────────────────────────────────────────────────────────────────────────

    def opened(self, event: MessageOpened, *, asks: bool) -> None:
        """A message is on screen: take its mark, and ask for the passphrase when it was chosen."""
        seal = event.trust.seal or event.message.seal
        self._state = seal.state if seal is not None else None
        if self._state is None:
            return
        opens = self._state not in _SHUT
        self._screen.panes.messages.mark_encrypted(event.message_id, opens=opens)
        if self.news.keys is None:
            self.news.ask(ReadKeys())
        self._show_peer()
        if asks:
            self.unlock()

    @property
    def is_closed(self) -> bool:
        """The message in the reader waits for the passphrase."""
        return self._screen.reading.is_closed

    @property
    def is_unlocked(self) -> bool:
        """A key is unlocked, as far as is known."""
        return self.news.lock is LockState.UNLOCKED

    def unlock(self) -> None:
        """Ask for the passphrase when the message in the reader waits for it."""
        if not self.is_closed or self._asking:
            return
        from tui.screens.passphrase import PassphraseDialog

        self._asking = True

        def answered(_opened: bool | None) -> None:
            # The message opens by itself when the keys say that they are unlocked.
            self._asking = False

        self._screen.app.push_screen(
            PassphraseDialog(self.news, self._screen.session.monotonic), answered
        )

    def show_lock(self) -> None:
        """Tell in the status line whether the keys of the account that is shown are locked."""
        self._status.show_lock(lock_fact(self.news.keys, self._screen.session.glyphs))

    def lock_now(self) -> None:
        """Forget the unlocked keys and every decrypted text."""
        for news in self._news.values():
            news.ask(LockKeys())

    # ── the Keys screen ──────────────────────────────────────────────────────────────────────────

    def show_keys(self) -> None:
        """Open the Keys screen."""
        from tui.screens.keys import KeysScreen

        def left(_answer: None) -> None:
            self._keys_screen = None

        account = self._screen.accounts.current
        session = self._screen.session.of_account(account)
        self._keys_screen = KeysScreen(self.news_of(account), session)
        self._screen.app.push_screen(self._keys_screen, left)

    # ── the cursor ───────────────────────────────────────────────────────────────────────────────

    def near_cursor(self) -> None:
        """The cursor moved: when it rests, open the messages near it in advance."""
        if self._resting is not None:
            self._resting.stop()
            self._resting = None
        if self.news.lock is LockState.UNLOCKED:
            self._resting = self._screen.set_timer(REST_SECONDS, self._read_ahead)

    def _read_ahead(self) -> None:
        self._resting = None
        messages = self._screen.panes.messages
        place = messages.position
        if place is not None and self.news.lock is LockState.UNLOCKED:
            self._screen.ask(ReadAhead(messages.ids_near(place, AHEAD, BEHIND)))

    # ── what the engine tells ────────────────────────────────────────────────────────────────────

    def take(self, event: KeyEvent | RequestFailed) -> bool:
        """Hand on what the engine told about keys; False when it means nobody here."""
        account: str = getattr(event, "account", "")
        if isinstance(event, RequestFailed) and not account:
            return any(news.take(event) for news in tuple(self._news.values()))
        return self.news_of(account).take(event)

    def _heard(self, account: str, event: KeyEvent | RequestFailed) -> bool:
        if isinstance(event, KeysChanged):
            self._keys_changed(account)
        elif isinstance(event, KeyWorkDone) and self._keys_screen is None:
            self._screen.notices.tell(event.sentence)
        return False

    def _keys_changed(self, account: str) -> None:
        news = self.news_of(account)
        self.show_lock()
        self._show_peer()
        own = news.keys.own if news.keys is not None else ()
        known = (news.lock, *(key.fingerprint.raw for key in own if key.is_unlocked))
        if known == self._known.get(account):
            return
        self._known[account] = known
        outbound = self._screen.outbound_if_made
        if outbound is not None and news.lock is LockState.LOCKED:
            outbound.news.forget_sealed(account)
        if news is not self.news:
            return
        hidden = self._state is SealState.OPENED and not self.is_unlocked
        opens = self.is_closed and self.is_unlocked
        if hidden or opens or self._state in _NEED_ANOTHER_KEY:
            self._screen.reading.open_again()

    def _show_peer(self) -> None:
        message_id = self._screen.reading.message_id
        row = self._screen.finding.row_of(message_id) if message_id else None
        peer = self.news.peer(row.address) if row is not None else None
        self._screen.panes.reader.trust.show_peer(peer)
