"""Presigned forms and links of the object store, signed and checked with AWS Signature Version 4.

Closes the trap of a stand-in that accepts everything: moto lets expired, oversized and forged
uploads through (research/sandbox.md §1), so a client tested against it proves nothing. The
algorithm is the published one, so boto3 can make and check the same signatures; only the secret is
ours, new each run.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote_to_bytes, urlsplit

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SERVICE: Final = "s3"
MAX_TTL: Final = 7 * 24 * 3600
"""Seconds that a link may live at most: S3's own limit, and the life of footer links."""
_UNSIGNED: Final = "UNSIGNED-PAYLOAD"
_MAX_PAIRS: Final = 100
_LINK_FIELDS: Final = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
)
_FORM_FIELDS: Final = (
    "Policy",
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Signature",
)
_FREE_FIELDS: Final = frozenset({"policy", "x-amz-signature", "file", "awsaccesskeyid"})


class Refused(Exception):
    """A request that the object store turns down, in S3's own words.

    `status` is the HTTP status, `code` and `message` go into the XML body, `details` are its
    further
    elements in order.
    """

    def __init__(
        self, status: int, code: str, message: str, details: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = tuple(details)


@dataclass(frozen=True, slots=True)
class UploadTerms:
    """What a checked form may store: where, as what type, and how many bytes."""

    key: str
    content_type: str
    min_bytes: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Signer:
    """Makes and checks presigned forms and links for one bucket.

    `secret` is the signing key of this run, `base_url` what clients reach (links are signed for its
    host), `clock` returns seconds since the epoch.
    """

    secret: str = field(repr=False)
    base_url: str
    clock: Callable[[], float]
    bucket: str = "agentmail"
    region: str = "us-east-1"
    access_key: str = "SANDBOXACCESSKEY0000"

    def presigned_post(
        self, key: str, content_type: str, max_bytes: int, ttl: float
    ) -> dict[str, str]:
        """Return a form for one upload: `url` and the form fields as siblings (api/assmbl.md §6.1).

        The upload must carry this key and type and 0 to `max_bytes` bytes within `ttl` seconds.
        """
        now = self.clock()
        stamp = _stamp(now)
        fields = {
            "key": key,
            "Content-Type": content_type,
            "x-amz-algorithm": ALGORITHM,
            "x-amz-credential": self._credential(stamp),
            "x-amz-date": stamp,
        }
        conditions: list[object] = [{"bucket": self.bucket}]
        conditions.append(["content-length-range", 0, max_bytes])
        conditions.extend({name: value} for name, value in fields.items())
        expiration = datetime.fromtimestamp(now + ttl, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        document = json.dumps({"expiration": expiration, "conditions": conditions})
        policy = base64.b64encode(document.encode()).decode()
        signature = self._sign(stamp, policy)
        url = f"{self.base_url}/{self.bucket}"
        return {"url": url, **fields, "policy": policy, "x-amz-signature": signature}

    def presigned_get(self, key: str, ttl: float, file_name: str = "") -> str:
        """Return a link to one object for `ttl` seconds, saved as `file_name` if given."""
        extra = {"response-content-disposition": disposition(file_name)} if file_name else {}
        return self.presign("GET", key, ttl, extra)

    def presign(
        self, method: str, key: str, ttl: float, extra: Mapping[str, str] | None = None
    ) -> str:
        """Return a signed link for one method; `extra` are further query values that it covers.

        `ttl` is cut to whole seconds between 0 and `MAX_TTL`.
        """
        stamp = _stamp(self.clock())
        path = "/" + quote(f"{self.bucket}/{key}", safe="/-_.~")
        query = {
            **(extra or {}),
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": self._credential(stamp),
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(max(0, min(int(ttl), MAX_TTL))),
            "X-Amz-SignedHeaders": "host",
        }
        pairs = [(name.encode(), value.encode()) for name, value in query.items()]
        headers = {"host": urlsplit(self.base_url).netloc}
        digest = _canonical_hash(method, path, pairs, headers, ("host",))
        signature = self._sign(stamp, self._to_sign(stamp, digest))
        return f"{self.base_url}{path}?{_canonical_query(pairs)}&X-Amz-Signature={signature}"

    def check_link(
        self, method: str, raw_path: bytes, raw_query: bytes, headers: Mapping[str, str]
    ) -> None:
        """Raise `Refused` unless the request is exactly what was signed, and in time.

        `raw_path` and `raw_query` are bytes of the request line, `headers` has lower-case names.
        """
        pairs = _query_pairs(raw_query)
        query = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
        if "X-Amz-Signature" not in query:
            raise Refused(403, "AccessDenied", "Access Denied")
        if missing := [name for name in _LINK_FIELDS if name not in query]:
            raise _bad_query(f"Query-string authentication requires {', '.join(missing)}.")
        stamp, ttl = query["X-Amz-Date"], _lifetime(query["X-Amz-Expires"])
        self._check_credential(query["X-Amz-Credential"], stamp, query["X-Amz-Algorithm"])
        expires = _moment(stamp) + ttl
        if self.clock() > expires:
            raise _expired(ttl, expires, self.clock())
        signed = tuple(query["X-Amz-SignedHeaders"].split(";"))
        if "host" not in signed:
            raise _bad_query("The host header must be signed.")
        covered = [pair for pair in pairs if pair[0] != b"X-Amz-Signature"]
        path = quote(unquote_to_bytes(raw_path), safe="/-_.~")
        digest = _canonical_hash(method, path, covered, headers, signed)
        self._check_signature(stamp, self._to_sign(stamp, digest), query["X-Amz-Signature"])

    def check_form(self, fields: Mapping[str, str]) -> UploadTerms:
        """Return what a form allows or raise `Refused`; `fields` stand before the file part."""
        form = {name.lower(): value for name, value in fields.items()}
        if "key" not in form:
            raise _missing_field("key")
        if "policy" not in form:
            raise Refused(403, "AccessDenied", "Access Denied")
        for name in _FORM_FIELDS:
            if name.lower() not in form:
                raise _missing_field(name)
        stamp = form["x-amz-date"]
        self._check_credential(form["x-amz-credential"], stamp, form["x-amz-algorithm"])
        self._check_signature(stamp, form["policy"], form["x-amz-signature"])
        policy = _read_policy(form["policy"])
        if self.clock() > policy.expires:
            raise _against_policy("Policy expired.")
        _check_conditions(policy, {**form, "bucket": self.bucket})
        content_type = form.get("content-type") or "binary/octet-stream"
        return UploadTerms(form["key"], content_type, policy.min_bytes, policy.max_bytes)

    def _credential(self, stamp: str) -> str:
        return f"{self.access_key}/{stamp[:8]}/{self.region}/{SERVICE}/aws4_request"

    def _to_sign(self, stamp: str, digest: str) -> str:
        scope = f"{stamp[:8]}/{self.region}/{SERVICE}/aws4_request"
        return f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}"

    def _sign(self, stamp: str, text: str) -> str:
        return signature(self.secret, stamp[:8], self.region, text)

    def _check_credential(self, credential: str, stamp: str, algorithm: str) -> None:
        if algorithm != ALGORITHM:
            raise _bad_query(f"Only {ALGORITHM} is supported.")
        _moment(stamp)
        if credential.split("/", 1)[0] != self.access_key:
            raise Refused(
                403,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            )
        if credential != self._credential(stamp):
            raise _bad_query("The credential does not fit the date, the region or the service.")

    def _check_signature(self, stamp: str, text: str, given: str) -> None:
        wanted = self._sign(stamp, text)
        if not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")):
            raise Refused(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
            )


def signature(secret: str, day: str, region: str, text: str) -> str:
    """Return the Signature Version 4 of a text as lower-case hex; `day` is YYYYMMDD."""
    key = f"AWS4{secret}".encode()
    for step in (day, region, SERVICE, "aws4_request"):
        key = hmac.digest(key, step.encode(), hashlib.sha256)
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


def disposition(file_name: str) -> str:
    """Return a Content-Disposition that saves as this name (RFC 6266), plain ASCII throughout."""
    plain = "".join(
        char if " " <= char <= "~" and char not in '"\\%' else "_" for char in file_name
    )
    exact = quote(file_name.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"


# ── the canonical request ────────────────────────────────────────────────────────────────────────


def _canonical_hash(
    method: str,
    path: str,
    pairs: Sequence[tuple[bytes, bytes]],
    headers: Mapping[str, str],
    signed: Sequence[str],
) -> str:
    lines = [method, path, _canonical_query(pairs)]
    lines.extend(f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed)
    lines.extend(("", ";".join(signed), _UNSIGNED))
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _canonical_query(pairs: Sequence[tuple[bytes, bytes]]) -> str:
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _query_pairs(raw_query: bytes) -> list[tuple[bytes, bytes]]:
    parts = [part.partition(b"=") for part in raw_query.replace(b"+", b"%20").split(b"&") if part]
    if len(parts) > _MAX_PAIRS:
        raise _bad_query("The query has too many values.")
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in parts]


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")


def _moment(stamp: str) -> float:
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise _bad_query("X-Amz-Date must be formatted \"yyyyMMdd'T'HHmmss'Z'\".") from None


def _lifetime(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= MAX_TTL:
        return int(text)
    raise _bad_query("X-Amz-Expires must be a number of seconds below a week.")


# ── the policy of a form ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Policy:
    expires: float
    min_bytes: int
    max_bytes: int
    rules: tuple[tuple[str, str, str], ...]
    """Operator (`eq` or `starts-with`), field name in lower case, value."""


def _read_policy(encoded: str) -> _Policy:
    try:
        document = json.loads(base64.b64decode(encoded, validate=True))
        text = str(document["expiration"])
        expires = datetime.fromisoformat(text).timestamp()
        conditions = list(document["conditions"])
        smallest, largest = 0, 5 * 2**30
        rules: list[tuple[str, str, str]] = []
        for condition in conditions:
            if isinstance(condition, dict):
                rules.extend(("eq", str(k).lower(), str(v)) for k, v in condition.items())
                continue
            operator, name, value = condition
            if str(operator).lower() == "content-length-range":
                smallest, largest = int(name), int(value)
                continue
            rules.append((_operator(operator), str(name).lower().removeprefix("$"), str(value)))
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError, binascii.Error):
        message = "The content of the form does not meet the conditions specified in the policy."
        raise Refused(400, "InvalidPolicyDocument", message) from None
    return _Policy(expires, smallest, largest, tuple(rules))


def _operator(value: object) -> str:
    operator = str(value).lower()
    if operator not in ("eq", "starts-with"):
        raise ValueError(operator)
    return operator


def _check_conditions(policy: _Policy, form: Mapping[str, str]) -> None:
    for operator, name, value in policy.rules:
        given = form.get(name, "")
        holds = given == value if operator == "eq" else given.startswith(value)
        if not holds:
            shown = json.dumps([operator, f"${name}", value])
            raise _against_policy(f"Policy Condition failed: {shown}")
    covered = {name for _, name, _ in policy.rules} | _FREE_FIELDS | {"bucket"}
    extra = [name for name in form if name not in covered and not name.startswith("x-ignore-")]
    if extra:
        raise _against_policy(f"Extra input fields: {', '.join(extra)}")


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────


def _bad_query(message: str) -> Refused:
    return Refused(400, "AuthorizationQueryParametersError", message)


def _missing_field(name: str) -> Refused:
    message = (
        f"Bucket POST must contain a field named '{name}'.  "
        "If it is specified, please check the order of the fields."
    )
    return Refused(400, "InvalidArgument", message, (("ArgumentName", name), ("ArgumentValue", "")))


def _against_policy(reason: str) -> Refused:
    return Refused(403, "AccessDenied", f"Invalid according to Policy: {reason}")


def _expired(ttl: int, expires: float, now: float) -> Refused:
    shown = [
        datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for at in (expires, now)
    ]
    details = (("X-Amz-Expires", str(ttl)), ("Expires", shown[0]), ("ServerTime", shown[1]))
    return Refused(403, "AccessDenied", "Request has expired", details)
