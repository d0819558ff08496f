"""Setting up an account from the screen: check it, keep its token, open its mailbox.

Closes the trap of a token that ends somewhere weaker than the operator knows: without a keyring the
screen has to ask, and only its answer lets the token into a file. Everything here blocks and runs on a
thread of the screen's, never on the app's.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from services.errors import ServiceError
from services.safe_text import EMPTY, SafeText, clean_line
from tui.account_marks import account_title

if TYPE_CHECKING:
    from services.config import Account
    from services.paths import Paths
    from services.redact import Secret
    from services.secrets import SecretStore
    from tui.bridge import EngineFactory


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


@dataclass(frozen=True, slots=True)
class Opened:
    """A mailbox that can be shown now."""

    engine: EngineFactory
    account: SafeText
    remark: SafeText = EMPTY
    """Where the token went."""


class SetUp(Protocol):
    """What the set-up screen needs; every method may raise a `MailError`."""

    @property
    def form(self) -> AccountForm:
        """What is filled in already."""
        ...

    def check(self, form: AccountForm, token: Secret) -> SafeText:
        """Ask the service with this account; return a sentence about what was found. Blocks."""
        ...

    def keep(self, form: AccountForm, token: Secret, place: TokenPlace) -> Opened:
        """Save account and token; SecretStoreError when that place cannot be used. Blocks."""
        ...


class AccountSetUp:
    """Sets an account up in the configuration file and the token's store."""

    def __init__(
        self, paths: Paths, secrets: SecretStore, account: Account | None, poll_seconds: float = 60
    ) -> None:
        self._paths = paths
        self._secrets = secrets
        self._account = account
        self._poll = poll_seconds

    @property
    def form(self) -> AccountForm:
        """The account that is known already, without its token."""
        known = self._account
        if known is None:
            return AccountForm()
        return AccountForm(known.base_url, known.mail_domain, known.address)

    def check(self, form: AccountForm, token: Secret) -> SafeText:
        """Ask the service once; raises the service's error as a sentence."""
        from services.api.factory import check_account

        account = self._filled(form)
        answer = asyncio.run(
            check_account(
                account.base_url,
                token,
                account.mail_domain,
                proxy=account.proxy,
                kind=account.kind,
                address=account.address,
            )
        )
        if not answer.ok:
            raise ServiceError(answer.sentence, answer.next_step)
        return clean_line(answer.sentence)

    def keep(self, form: AccountForm, token: Secret, place: TokenPlace) -> Opened:
        """Keep the token first: an account without its token would be a riddle at the next start."""
        from services.config import save_account
        from tui.bridge import engine_for
        from tui.profile import Profile

        account = self._filled(form)
        if place is TokenPlace.SESSION:
            kept = self._secrets.keep_for_session(account, token)
        else:
            kept = self._secrets.set_token(account, token, allow_file=place is TokenPlace.FILE)
        save_account(self._paths, account)
        profile = Profile(account, self._paths, self._secrets)
        engine = engine_for(profile, self._poll)
        return Opened(engine, account_title(account), clean_line(kept.sentence))

    def _filled(self, form: AccountForm) -> Account:
        from services.config import Account, check_account_fields

        known = self._account or Account("", "assmbl", form.base_url)
        filled = replace(
            known,
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
