"""Whom a token is for: a kind of service at an origin, and the refusal to give it to another.

Closes the trap of a token that follows the configuration: that file is no secret, is edited by hand and
copied between machines, and a changed `kind` or `base_url` in it would have the token sent to somebody
else.
"""

from __future__ import annotations

import re
from typing import Final

from services import origins
from services.config import Account
from services.errors import SecretStoreError

OWNER: Final = re.compile(r"[a-z.]{1,32} [\x21-\x7e]{1,2048}")
"""What `owner_of` returns; nothing else in a file is taken for one."""


def owner_of(account: Account) -> str:
    """Return whom a token of this account is for as one line of ASCII: kind and origin."""
    return f"{account.kind} {origins.origin_of(account.base_url)}"


def of_another(what: str, owner: str, account: Account, way_out: str = "") -> SecretStoreError:
    """The refusal of a token (`what`) that is for `owner`; `way_out` follows the usual steps."""
    kept, now = (one.replace(" ", " at ", 1) for one in (owner, owner_of(account)))
    name = account.name
    steps = (
        "Correct kind and base_url in the configuration, or set a token for the new place: "
        f"agentmail-tui --profile {name}, then g s."
    )
    return SecretStoreError(
        f'{what} is for {kept}, but the account "{name}" is now {now}: it is not sent there.',
        f"{steps} {way_out}".strip(),
    )
