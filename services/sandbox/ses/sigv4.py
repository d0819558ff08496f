"""Checks the AWS Signature Version 4 of a whole request: who asks, when, and exactly for what.

Closes the trap of a stand-in that takes any credentials: the signature covers method, path, query,
the named headers and the body, so a changed byte anywhere is refused, and so is a request that is
more than five minutes old. The path is encoded twice, as everywhere but at S3.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from services.sandbox.ses.account import SesAccount
from services.sandbox.ses.errors import Reason, SesError

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SERVICE: Final = "ses"
TOLERANCE: Final = 300.0
"""Seconds that a request's clock may differ."""
_PART: Final = re.compile(r"\s*(Credential|SignedHeaders|Signature)=([^,\s]{1,2000})\s*")
_NO_MATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it came in; `headers` have lower-case names, `query` is raw."""

    method: str
    path: bytes
    query: bytes
    headers: Mapping[str, str]
    body: bytes


def check(request: SignedRequest, account: SesAccount, now: float) -> None:
    """Raise SesError unless the account signed exactly this request, just now."""
    parts = _authorization(request.headers.get("authorization", ""))
    stamp = request.headers.get("x-amz-date", "")
    signed = parts["SignedHeaders"].split(";")
    _check_named(request, signed)
    _check_credential(parts["Credential"], account, stamp)
    scope = f"{stamp[:8]}/{account.region}/{SERVICE}/aws4_request"
    digest = hashlib.sha256(_canonical(request, signed)).hexdigest()
    to_sign = f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}"
    wanted = _signature(account, stamp[:8], to_sign)
    if not hmac.compare_digest(wanted.encode(), parts["Signature"].encode("utf-8", "replace")):
        raise SesError(Reason.BAD_SIGNATURE, _NO_MATCH)
    _check_moment(stamp, now)


def _authorization(value: str) -> dict[str, str]:
    if not value:
        raise SesError(Reason.UNSIGNED, "Request is missing Authentication Token")
    scheme, _, rest = value.partition(" ")
    if scheme != ALGORITHM:
        raise SesError(Reason.INCOMPLETE, f"Unsupported AWS 'algorithm': only {ALGORITHM}.")
    found = [_PART.fullmatch(part) for part in rest.split(",", 5)]
    parts = {match[1]: match[2] for match in found if match}
    for name in ("Credential", "Signature", "SignedHeaders"):
        if name not in parts:
            raise SesError(Reason.INCOMPLETE, f"Authorization header requires '{name}' parameter.")
    return parts


def _check_named(request: SignedRequest, signed: list[str]) -> None:
    """What decides where a request goes and what it may must be covered by its signature."""
    if not re.fullmatch(r"\d{8}T\d{6}Z", request.headers.get("x-amz-date", ""), re.ASCII):
        raise SesError(Reason.INCOMPLETE, "Authorization header requires a valid 'X-Amz-Date'.")
    for name in ("host", *(name for name in request.headers if name.startswith("x-amz-"))):
        if name not in signed:
            raise SesError(
                Reason.BAD_SIGNATURE, f"'{name}' must be a 'SignedHeader' in the AWS Authorization."
            )
    missing = [name for name in signed if name not in request.headers]
    if missing or len(signed) != len(set(signed)):
        raise SesError(Reason.BAD_SIGNATURE, _NO_MATCH)


def _check_credential(credential: str, account: SesAccount, stamp: str) -> None:
    key, *scope = credential.split("/")
    if key != account.access_key:
        message = "The security token included in the request is invalid."
        raise SesError(Reason.BAD_KEY, message)
    wanted = [stamp[:8], account.region, SERVICE, "aws4_request"]
    if len(scope) != len(wanted):
        raise SesError(
            Reason.INCOMPLETE, "Credential must have exactly 5 slash-delimited elements."
        )
    names = ("date", "region", "service", "terminator")
    for name, given, right in zip(names, scope, wanted, strict=True):
        if given != right:
            message = f"Credential should be scoped to a valid {name}, not that of the request."
            raise SesError(Reason.BAD_SIGNATURE, message)


def _check_moment(stamp: str, now: float) -> None:
    try:
        moment = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise SesError(Reason.INCOMPLETE, "X-Amz-Date is not a date.") from None
    if moment < now - TOLERANCE:
        raise SesError(Reason.BAD_SIGNATURE, f"Signature expired: {stamp} is too old (5 min.).")
    if moment > now + TOLERANCE:
        raise SesError(Reason.BAD_SIGNATURE, f"Signature not yet current: {stamp} (5 min.).")


# ── the canonical request ────────────────────────────────────────────────────────────────────────


def _canonical(request: SignedRequest, signed: list[str]) -> bytes:
    headers = [f"{name}:{' '.join(request.headers[name].split())}" for name in signed]
    lines = [request.method, quote(_normal(request.path), safe="/-_.~"), _query(request.query)]
    lines += [*headers, "", ";".join(signed), hashlib.sha256(request.body).hexdigest()]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _normal(path: bytes) -> bytes:
    """Take out empty and dot segments, as the signer did."""
    kept: list[bytes] = []
    for part in path.split(b"/"):
        if part == b"..":
            kept = kept[:-1]
        elif part not in (b"", b"."):
            kept.append(part)
    ends = b"/" if kept and path.endswith(b"/") else b""
    return b"/" + b"/".join(kept) + ends


def _query(raw: bytes) -> str:
    pairs = [part.partition(b"=") for part in raw.split(b"&") if part][:1_000]
    encoded = sorted((_encoded(name), _encoded(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _encoded(text: bytes) -> str:
    return quote(unquote_to_bytes(text), safe="-_.~")


def _signature(account: SesAccount, day: str, text: str) -> str:
    key = f"AWS4{account.secret}".encode()
    for step in (day, account.region, SERVICE, "aws4_request"):
        key = hmac.digest(key, step.encode(), hashlib.sha256)
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()
