"""The AWS account behind the SES door: its key, its verified identities, its quota.

Closes the trap of a stand-in that sends for everybody: an address that was never verified is
refused, and in sandbox mode (the state of every new account) so are recipients. Quotas count
recipients, not messages.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Final

from msgspec import Meta, Struct

from services.sandbox.ses.errors import Reason, SesError

DAY: Final = 24 * 3600
REGION: Final = "us-east-1"
ACCESS_KEY: Final = "AKIASANDBOXSES000000"
_SIMULATOR: Final = "simulator.amazonses.com"


class SesSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """What can be switched while the sandbox runs; the mail domain is always verified."""

    production: bool = True
    """False is what AWS calls the sandbox: recipients have to be verified too."""
    sending: bool = True
    daily: Annotated[float, Meta(ge=0)] = 50_000.0
    """Recipients in 24 hours."""
    per_second: Annotated[float, Meta(ge=0)] = 500.0
    """Recipients in one second."""
    identities: list[str] = []
    """Further verified addresses and domains."""
    configuration_sets: list[str] = []


@dataclass(slots=True)
class SesAccount:
    """One account in one region; the secret is another one each run."""

    secret: str = field(default_factory=lambda: secrets.token_hex(20), repr=False)
    access_key: str = ACCESS_KEY
    region: str = REGION
    settings: SesSettings = field(default_factory=SesSettings)
    _counted: deque[tuple[float, int]] = field(default_factory=deque)

    def reset(self) -> None:
        """Take back all settings and begin to count anew; the key stays."""
        self.settings = SesSettings()
        self._counted.clear()

    def is_verified(self, address: str, mail_domain: str) -> bool:
        """Tell whether an address, its domain or a domain above it is verified."""
        known = {mail_domain.lower(), *(name.lower() for name in self.settings.identities)}
        domain = address.rpartition("@")[2].lower()
        above = domain.split(".")
        names = {".".join(above[n:]) for n in range(len(above))}
        return address.lower() in known or bool(names & known)

    def check_identities(
        self, senders: Iterable[str], recipients: Iterable[str], mail_domain: str
    ) -> None:
        """Raise SesError for senders that are not verified, in sandbox mode for recipients too."""
        asked = list(senders)
        if not self.settings.production:
            asked += [r for r in recipients if r.rpartition("@")[2].lower() != _SIMULATOR]
        failed = [name for name in dict.fromkeys(asked) if not self.is_verified(name, mail_domain)]
        if failed:
            raise SesError(
                Reason.REJECTED,
                "Email address is not verified. The following identities failed the check in "
                f"region {self.region.upper()}: {', '.join(failed)}",
            )

    def check_quota(self, now: float, count: int) -> None:
        """Raise SesError when these recipients cannot be counted now; else count them."""
        if not self.settings.sending:
            raise SesError(
                Reason.PAUSED,
                "Sending is paused for this account. For more information, please check the inbox "
                "of the email address associated with your AWS account.",
            )
        if self.sent_since(now - DAY) + count > self.settings.daily:
            raise SesError(Reason.QUOTA, "Daily message quota exceeded.")
        if self.sent_since(now - 1) + count > self.settings.per_second:
            raise SesError(Reason.THROTTLED, "Maximum sending rate exceeded.")
        while self._counted and self._counted[0][0] <= now - DAY:
            self._counted.popleft()
        self._counted.append((now, count))

    def sent_since(self, moment: float) -> int:
        """Recipients counted after a moment, in seconds since the epoch."""
        return sum(count for at, count in self._counted if at > moment)

    def check_configuration_set(self, name: str) -> None:
        """Raise SesError for a configuration set that is not there; "" names none."""
        if name and name not in self.settings.configuration_sets:
            raise SesError(Reason.NO_SET, f"Configuration set <{name[:100]}> does not exist.")

    def verify_identity(self, name: str) -> None:
        """Count an address or a domain as verified from now on."""
        if name not in self.settings.identities:
            self.settings.identities.append(name)
