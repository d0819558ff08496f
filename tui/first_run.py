"""Setting up accounts from the screen: check them, keep the token, open what is configured then.

Closes the trap of a token that ends somewhere weaker than the operator knows: without a keyring the
screen has to ask, and only its answer lets the token into a file. Everything here blocks and runs on a
thread of the screen's, never on the app's.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from services.errors import ServiceError, SignedOut
from services.safe_text import EMPTY, SafeText, clean_line, ui
from services.service_config import ASSMBL
from tui.account_marks import account_title
from tui.accounts_elsewhere import AccountsElsewhere

if TYPE_CHECKING:
    from services.config import Account
    from services.paths import Paths
    from services.redact import Secret
    from services.secrets import SecretStore
    from tui.bridge import EngineFactory
    from widgets.account_mark import AccountMark


class TokenPlace(Enum):
    """Where the operator wants the token kept."""

    KEYRING = "keyring"
    SESSION = "session"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class AccountForm:
    """What the set-up screen asks for; the token travels apart, as a `Secret`."""

    base_url: str = ""
    mail_domain: str = ""
    address: str = ""
    kind: str = ASSMBL


@dataclass(frozen=True, slots=True)
class Opened:
    """A mailbox that can be shown now."""

    engine: EngineFactory
    account: SafeText
    remark: SafeText = EMPTY
    """Where the token went."""
    accounts: tuple[AccountMark, ...] = ()
    """The accounts that it shows as one, where there are several."""
    trash: bool = False
    """What is deleted lies in a trash afterwards, whichever account it is of."""


@dataclass(frozen=True, slots=True)
class InboxChoice:
    """One inbox that a key reaches."""

    address: str
    shown: SafeText


class SetUp(Protocol):
    """What the set-up screen needs; every method may raise a `MailError`."""

    @property
    def form(self) -> AccountForm:
        """What is filled in already."""
        ...

    def check(self, form: AccountForm, token: Secret) -> SafeText:
        """Ask the service with this account; return a sentence about what was found. Blocks."""
        ...

    def inboxes(self, form: AccountForm, token: Secret) -> tuple[InboxChoice, ...]:
        """What a key of AgentMail.to reaches. Blocks."""
        ...

    def keep(self, forms: Sequence[AccountForm], token: Secret, place: TokenPlace) -> Opened:
        """Save accounts and token; SecretStoreError when that place cannot be used. Blocks."""
        ...

    def meant(self, account: str, *, adds: bool) -> SetUp:
        """The set-up of one account that is there, or of another beside it."""
        ...

    def configured(self) -> Opened:
        """All accounts as they are configured now; ConfigError without any. Blocks."""
        ...

    def watch(self, tell: Callable[[SafeText], object]) -> Callable[[], None]:
        """Call `tell`, from a thread, when others change the accounts; returns what ends that."""
        ...


class AccountSetUp:
    """Sets accounts up in the configuration file and the token's store.

    `account` is known already, None for the first or another one; `alone`: nothing else is shown
    beside it, because it was named on the command line.
    """

    def __init__(
        self,
        paths: Paths,
        secrets: SecretStore,
        account: Account | None,
        poll_seconds: float = 60,
        *,
        alone: bool = False,
        elsewhere: AccountsElsewhere | None = None,
    ) -> None:
        self._paths = paths
        self._secrets = secrets
        self._account = account
        self._poll = poll_seconds
        self._alone = alone
        self._elsewhere = elsewhere or AccountsElsewhere(paths)

    def meant(self, account: str, *, adds: bool) -> AccountSetUp:
        """The set-up of one account that is there, or of another beside it; raises ConfigError."""
        known = self._account.name if self._account is not None else ""
        if not adds and account in ("", known):
            return self
        from services.config import load

        wanted = None if adds else load(self._paths).account(account)
        return AccountSetUp(
            self._paths, self._secrets, wanted, self._poll, elsewhere=self._elsewhere
        )

    def configured(self) -> Opened:
        """Read the configuration anew; raises ConfigError, also when it has no account any more."""
        from services.config import load
        from tui.start import shown_accounts

        config = load(self._paths)
        config.account()
        return self._shown(
            shown_accounts(config), ui("The accounts are as they are configured now.")
        )

    def watch(self, tell: Callable[[SafeText], object]) -> Callable[[], None]:
        """Look for accounts that others add or take out."""
        self._elsewhere.watch(tell)
        return self._elsewhere.end

    @property
    def form(self) -> AccountForm:
        """The account that is known already, without its token."""
        known = self._account
        if known is None:
            return AccountForm()
        return AccountForm(known.base_url, known.mail_domain, known.address, known.kind)

    def check(self, form: AccountForm, token: Secret) -> SafeText:
        """Ask the service once; raises the service's error as a sentence."""
        from services.api.factory import check_account

        account = self._filled(form)
        answer = asyncio.run(check_account(account, token))
        if answer.exit_code == SignedOut.exit_code:
            raise SignedOut(answer.sentence, "Copy the token whole from the service's dashboard.")
        if not answer.ok:
            raise ServiceError(answer.sentence, answer.next_step)
        return clean_line(answer.sentence)

    def inboxes(self, form: AccountForm, token: Secret) -> tuple[InboxChoice, ...]:
        """Ask AgentMail.to which inboxes the key reaches; raises the service's error."""
        from tui.account_adding import inboxes_of

        found = asyncio.run(inboxes_of(form.base_url, token))
        return tuple(
            InboxChoice(one.inbox_id, clean_line(f"{one.inbox_id}  {one.display_name}".rstrip()))
            for one in found
        )

    def keep(self, forms: Sequence[AccountForm], token: Secret, place: TokenPlace) -> Opened:
        """Keep the token first: an account without its token would be a riddle at the next start."""
        from services.config import save_accounts

        accounts = [self._filled(form) for form in forms]
        sentence = ""
        for account in accounts:
            if place is TokenPlace.SESSION:
                kept = self._secrets.keep_for_session(account, token)
            else:
                kept = self._secrets.set_token(account, token, allow_file=place is TokenPlace.FILE)
            sentence = kept.sentence
        # Another mailbox in the place of the one that was opened: the next start opens that.
        known = self._account.name if self._account is not None else accounts[0].name
        replaces = accounts[0].name != known
        with self._elsewhere.own_change():
            save_accounts(self._paths, accounts, default=accounts[0].name if replaces else "")
        return self._opened(accounts, clean_line(sentence))

    def _opened(self, accounts: Sequence[Account], remark: SafeText) -> Opened:
        """Everything that is configured now, or what was set up alone."""
        from services.config import load
        from tui.start import shown_accounts

        shown = tuple(accounts) if self._alone else shown_accounts(load(self._paths))
        if not {one.name for one in accounts} <= {one.name for one in shown}:
            shown = tuple(accounts)
        return self._shown(shown, remark)

    def _shown(self, accounts: Sequence[Account], remark: SafeText) -> Opened:
        from tui.account_marks import keep_trash, marks_of
        from tui.bridge import engine_of
        from tui.profile import Profile

        profiles = [Profile(account, self._paths, self._secrets) for account in accounts]
        return Opened(
            engine_of(profiles, self._poll),
            account_title(accounts[0]),
            remark,
            marks_of(accounts),
            keep_trash(accounts),
        )

    def _filled(self, form: AccountForm) -> Account:
        from services.config import Account, check_account_fields

        known = self._account or Account("", form.kind, form.base_url)
        filled = replace(
            known,
            kind=form.kind,
            base_url=form.base_url.strip(),
            mail_domain=form.mail_domain.strip(),
            address=form.address.strip(),
        )
        if not known.name or not _same_mailbox(known, filled):
            filled = replace(filled, name=_name_for(filled), from_environment=False)
        return check_account_fields(filled)


def _same_mailbox(known: Account, filled: Account) -> bool:
    """Whether the cache of one account may serve the other."""
    return known.base_url.rstrip("/") == filled.base_url.rstrip("/") and known.address in (
        "",
        filled.address,
    )


def _name_for(account: Account) -> str:
    """A folder name that another mailbox does not get: its address, and its service's host."""
    host = account.base_url.partition("://")[2]
    wanted = f"{account.address}-{host}" if account.address else host
    plain = re.sub(r"[^A-Za-z0-9._@+-]", "-", wanted).lstrip(".@+-")
    return plain[:64] or "main"
