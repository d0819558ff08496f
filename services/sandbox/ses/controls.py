"""The test controls of the SES door, under `/_sandbox/ses/`: what was sent, what may be.

Closes the trap of a quota or a verified address that can only be had by sending: tests put the
account into any state, and see every mail that left.
"""

from __future__ import annotations

from typing import Final

import msgspec

from services.sandbox.context import ApiError, Call
from services.sandbox.control_door import Control
from services.sandbox.ses.account import SesSettings
from services.sandbox.ses.mailing import sent_mail


def _sent(call: Call) -> object:
    return {"sent": sent_mail(call.sandbox)}


def _settings(call: Call) -> object:
    return call.sandbox.ses.settings


def _put_settings(call: Call) -> object:
    given: dict[str, object] = call.body
    standing = msgspec.structs.asdict(call.sandbox.ses.settings)
    try:
        call.sandbox.ses.settings = msgspec.convert({**standing, **given}, SesSettings)
    except msgspec.ValidationError as error:
        raise ApiError(400, "invalid_request", str(error)) from error
    return call.sandbox.ses.settings


CONTROLS: Final = (
    Control("sandbox_ses_sent", "GET", "/_sandbox/ses/sent", _sent),
    Control("sandbox_ses_settings", "GET", "/_sandbox/ses/settings", _settings),
    Control("sandbox_ses_put_settings", "PUT", "/_sandbox/ses/settings", _put_settings, dict),
)
