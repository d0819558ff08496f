"""The older API of SES (2010-12-01): a form goes in with its `Action`, XML comes out.

Closes the trap of parameters that are ignored: what this door does not know is refused, so that a
client cannot believe that it was done.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from services.sandbox.context import Sandbox
from services.sandbox.ses.account import DAY
from services.sandbox.ses.errors import Reason, SesError
from services.sandbox.ses.mailing import V1_LIMIT, Mailing
from services.sandbox.ses.outgoing import Simple, raw_mail, simple_mail

XMLNS: Final = "http://ses.amazonaws.com/doc/2010-12-01/"
_KNOWN_ENCODINGS: Final = ("utf-8", "us-ascii", "ascii", "iso-8859-1", "")
_Form = Mapping[str, str]


class QueryApi:
    """Answers decoded forms with the inside of the result element."""

    def __init__(self, sandbox: Sandbox, mailing: Mailing) -> None:
        self._sandbox = sandbox
        self._mailing = mailing
        self._actions: dict[str, Callable[[_Form], str]] = {
            "SendEmail": self._send_email,
            "SendRawEmail": self._send_raw_email,
            "GetSendQuota": self._quota,
            "GetAccountSendingEnabled": self._enabled,
            "ListIdentities": self._identities,
            "VerifyEmailIdentity": self._verify,
            "VerifyDomainIdentity": self._verify,
            "GetIdentityVerificationAttributes": self._attributes,
        }

    def answer(self, form: _Form) -> bytes:
        """Carry out one action and return its XML; raises SesError."""
        action = form.get("Action", "")
        if action not in self._actions:
            message = f"Could not find operation {action[:60]} for version 2010-12-01"
            raise SesError(Reason.NO_ACTION, message)
        inside = self._actions[action](form)
        return (
            f'<{action}Response xmlns="{XMLNS}"><{action}Result>{inside}</{action}Result>'
            f"{_metadata()}</{action}Response>"
        ).encode()

    # ── sending ──────────────────────────────────────────────────────────────────────────────────

    def _send_email(self, form: _Form) -> str:
        _refuse_unknown(form, ("Source", "Destination", "Message", "ReplyToAddresses", "Tags",
                               "ConfigurationSetName", "ReturnPath"))  # fmt: skip
        for part in ("Subject", "Body.Text", "Body.Html"):
            if form.get(f"Message.{part}.Charset", "").lower() not in _KNOWN_ENCODINGS:
                raise SesError(Reason.INVALID, "Unsupported charset.")
        mail = simple_mail(
            Simple(
                source=form.get("Source", ""),
                to=_members(form, "Destination.ToAddresses"),
                cc=_members(form, "Destination.CcAddresses"),
                bcc=_members(form, "Destination.BccAddresses"),
                reply_to=_members(form, "ReplyToAddresses"),
                subject=form.get("Message.Subject.Data", ""),
                text=form.get("Message.Body.Text.Data"),
                html=form.get("Message.Body.Html.Data"),
                configuration_set=form.get("ConfigurationSetName", ""),
            )
        )
        return _element("MessageId", self._mailing.send(mail, "SendEmail", V1_LIMIT))

    def _send_raw_email(self, form: _Form) -> str:
        _refuse_unknown(
            form, ("Source", "Destinations", "RawMessage", "Tags", "ConfigurationSetName")
        )
        try:
            raw = base64.b64decode(form.get("RawMessage.Data", ""), validate=True)
        except (binascii.Error, ValueError):
            raise SesError(Reason.INVALID, "RawMessage.Data is not base64.") from None
        mail = raw_mail(
            raw,
            form.get("Source", ""),
            _members(form, "Destinations"),
            form.get("ConfigurationSetName", ""),
        )
        return _element("MessageId", self._mailing.send(mail, "SendRawEmail", V1_LIMIT))

    # ── the account ──────────────────────────────────────────────────────────────────────────────

    def _quota(self, _form: _Form) -> str:
        account = self._sandbox.ses
        sent = account.sent_since(self._sandbox.clock() - DAY)
        return (
            _element("Max24HourSend", str(account.settings.daily))
            + _element("MaxSendRate", str(account.settings.per_second))
            + _element("SentLast24Hours", str(float(sent)))
        )

    def _enabled(self, _form: _Form) -> str:
        return _element("Enabled", str(self._sandbox.ses.settings.sending).lower())

    def _identities(self, _form: _Form) -> str:
        names = (self._sandbox.store.mail_domain, *self._sandbox.ses.settings.identities)
        return f"<Identities>{''.join(_element('member', name) for name in names)}</Identities>"

    def _verify(self, form: _Form) -> str:
        name = form.get("EmailAddress") or form.get("Domain", "")
        if not name:
            raise SesError(Reason.INVALID, "Missing required parameter: EmailAddress.")
        self._sandbox.ses.verify_identity(name)
        return _element("VerificationToken", "sandbox") if "Domain" in form else ""

    def _attributes(self, form: _Form) -> str:
        account, domain = self._sandbox.ses, self._sandbox.store.mail_domain
        entries = [
            f"<entry>{_element('key', name)}<value><VerificationStatus>Success"
            "</VerificationStatus></value></entry>"
            for name in _members(form, "Identities")
            if account.is_verified(name, domain) or name.lower() == domain.lower()
        ]
        return f"<VerificationAttributes>{''.join(entries)}</VerificationAttributes>"


def read_form(body: bytes) -> dict[str, str]:
    """Return the fields of a form; raises SesError."""
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1_000)
    except (ValueError, UnicodeDecodeError):
        raise SesError(Reason.MALFORMED, "The form cannot be read.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise SesError(Reason.MALFORMED, "A parameter comes twice.")
    return form


def error_xml(code: str, message: str, status: int) -> bytes:
    """Return an error as this API writes it."""
    kind = "Sender" if status < 500 else "Receiver"
    parts = (("Type", kind), ("Code", code), ("Message", message))
    inside = "".join(_element(name, text) for name, text in parts)
    request = _element("RequestId", secrets.token_hex(16))
    return (
        f'<ErrorResponse xmlns="{XMLNS}"><Error>{inside}</Error>{request}</ErrorResponse>'.encode(
            "utf-8", "replace"
        )
    )


def _members(form: _Form, name: str) -> tuple[str, ...]:
    """Return a list: `name.member.1`, `name.member.2` … up to the first that is missing."""
    found: list[str] = []
    while (value := form.get(f"{name}.member.{len(found) + 1}")) is not None:
        found.append(value)
    return tuple(found)


def _refuse_unknown(form: _Form, known: tuple[str, ...]) -> None:
    usual = {"Action", "Version", *known}
    for name in form:
        if name.partition(".")[0] not in usual:
            message = f"The sandbox does not know the parameter {name[:60]}."
            raise SesError(Reason.INVALID, message)


def _element(name: str, text: str) -> str:
    clean = "".join(c if c in "\t\n\r" or c >= " " else "?" for c in text)
    return f"<{name}>{escape(clean)}</{name}>"


def _metadata() -> str:
    request = _element("RequestId", secrets.token_hex(16))
    return f"<ResponseMetadata>{request}</ResponseMetadata>"
