"""The newer API of SES (2019-09-27): JSON to paths under /v2/email/.

Closes the same trap as the older one: content that this door does not know (templates, attachments
in pieces) is refused, never left out.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

import msgspec
from msgspec import Struct

from services.sandbox.context import Sandbox
from services.sandbox.ses.account import DAY
from services.sandbox.ses.errors import Reason, SesError
from services.sandbox.ses.mailing import V2_LIMIT, Mailing
from services.sandbox.ses.outgoing import Outgoing, Simple, raw_mail, simple_mail

PREFIX: Final = "/v2/email/"


class _Text(Struct, forbid_unknown_fields=True):
    Data: str
    Charset: str = "UTF-8"


class _Body(Struct, forbid_unknown_fields=True):
    Text: _Text | None = None
    Html: _Text | None = None


class _Field(Struct, forbid_unknown_fields=True):
    Name: str
    Value: str


class _Simple(Struct, forbid_unknown_fields=True):
    Subject: _Text
    Body: _Body
    Headers: list[_Field] = []


class _Raw(Struct, forbid_unknown_fields=True):
    Data: str


class _Content(Struct, forbid_unknown_fields=True):
    Simple: _Simple | None = None
    Raw: _Raw | None = None


class _Destination(Struct, forbid_unknown_fields=True):
    ToAddresses: list[str] = []
    CcAddresses: list[str] = []
    BccAddresses: list[str] = []


class _SendEmail(Struct, forbid_unknown_fields=True):
    Content: _Content
    FromEmailAddress: str = ""
    Destination: _Destination = msgspec.field(default_factory=_Destination)
    ReplyToAddresses: list[str] = []
    ConfigurationSetName: str = ""
    EmailTags: list[dict[str, str]] = []


class _NewIdentity(Struct):
    EmailIdentity: str


class JsonApi:
    """Answers requests under `PREFIX` with JSON values."""

    def __init__(self, sandbox: Sandbox, mailing: Mailing) -> None:
        self._sandbox = sandbox
        self._mailing = mailing

    def answer(self, operation: str, identity: str, body: bytes) -> dict[str, Any]:
        """Carry out one operation; raises SesError."""
        if operation == "SendEmail":
            asked = _decoded(body, _SendEmail)
            return {"MessageId": self._mailing.send(_mail(asked), "v2 SendEmail", V2_LIMIT)}
        if operation == "GetAccount":
            return self._account()
        if operation == "ListEmailIdentities":
            return {"EmailIdentities": [self._listed(name) for name in self._names()]}
        if operation == "CreateEmailIdentity":
            return self._create(_decoded(body, _NewIdentity).EmailIdentity)
        return self._identity(identity)

    def _account(self) -> dict[str, Any]:
        account = self._sandbox.ses
        sent = account.sent_since(self._sandbox.clock() - DAY)
        return {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": "HEALTHY",
            "ProductionAccessEnabled": account.settings.production,
            "SendQuota": {
                "Max24HourSend": account.settings.daily,
                "MaxSendRate": account.settings.per_second,
                "SentLast24Hours": float(sent),
            },
            "SendingEnabled": account.settings.sending,
        }

    def _names(self) -> list[str]:
        return [self._sandbox.store.mail_domain, *self._sandbox.ses.settings.identities]

    def _listed(self, name: str) -> dict[str, Any]:
        about = {"IdentityName": name, "SendingEnabled": True, "VerificationStatus": "SUCCESS"}
        return {**about, "IdentityType": _kind(name)}

    def _create(self, name: str) -> dict[str, Any]:
        if name.lower() in (known.lower() for known in self._names()):
            raise SesError(Reason.EXISTS, f"Email identity {name[:320]} already exist.")
        self._sandbox.ses.verify_identity(name)
        return {"IdentityType": _kind(name), "VerifiedForSendingStatus": True}

    def _identity(self, name: str) -> dict[str, Any]:
        if name.lower() not in (known.lower() for known in self._names()):
            raise SesError(Reason.NOT_FOUND, f"Email identity <{name[:320]}> does not exist.")
        about = {"IdentityType": _kind(name), "FeedbackForwardingStatus": True}
        return {**about, "VerifiedForSendingStatus": True, "VerificationStatus": "SUCCESS"}


def find(method: str, path: str) -> tuple[str, str]:
    """Return the operation of a decoded path, and the identity that it names; raises SesError."""
    place = path.removeprefix(PREFIX)
    fixed = {
        ("POST", "outbound-emails"): "SendEmail",
        ("GET", "account"): "GetAccount",
        ("GET", "identities"): "ListEmailIdentities",
        ("POST", "identities"): "CreateEmailIdentity",
    }
    if operation := fixed.get((method, place)):
        return operation, ""
    if method == "GET" and place.startswith("identities/"):
        return "GetEmailIdentity", place.removeprefix("identities/")
    raise SesError(Reason.NO_ACTION, "There is no such operation here.")


def error_json(message: str) -> bytes:
    """Return an error as this API writes it; its name is in a header."""
    return msgspec.json.encode({"message": message})


def _decoded(body: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise SesError(Reason.INVALID, str(error)[:300]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SesError(Reason.MALFORMED, "The body is not JSON.") from None


def _mail(asked: _SendEmail) -> Outgoing:
    content, to = asked.Content, asked.Destination
    if (content.Raw is None) == (content.Simple is None):
        raise SesError(Reason.INVALID, "Exactly one kind of content must be given.")
    if content.Raw is not None:
        try:
            raw = base64.b64decode(content.Raw.Data, validate=True)
        except (binascii.Error, ValueError):
            raise SesError(Reason.MALFORMED, "Raw.Data is not base64.") from None
        named = [*to.ToAddresses, *to.CcAddresses, *to.BccAddresses]
        return raw_mail(raw, asked.FromEmailAddress, named, asked.ConfigurationSetName)
    assert content.Simple is not None
    return simple_mail(_pieces(asked, content.Simple))


def _pieces(asked: _SendEmail, simple: _Simple) -> Simple:
    text, html = simple.Body.Text, simple.Body.Html
    return Simple(
        source=asked.FromEmailAddress,
        to=tuple(asked.Destination.ToAddresses),
        cc=tuple(asked.Destination.CcAddresses),
        bcc=tuple(asked.Destination.BccAddresses),
        reply_to=tuple(asked.ReplyToAddresses),
        subject=simple.Subject.Data,
        text=text.Data if text else None,
        html=html.Data if html else None,
        headers=tuple((field.Name, field.Value) for field in simple.Headers),
        configuration_set=asked.ConfigurationSetName,
    )


def _kind(name: str) -> str:
    return "EMAIL_ADDRESS" if "@" in name else "DOMAIN"
