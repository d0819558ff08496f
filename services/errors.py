"""The one error family, and the exit code that each member stands for.

Closes the trap of errors that tell the operator what broke inside instead of what to do next: every
error carries a sentence for a person and a next step. Nothing in an error may hold a token, a
presigned query or mail text, because errors reach logs and screens.

    MailError                      1  anything the operator can be told about
    ├── UsageError                 2  the command line or a dialog was filled in wrongly
    ├── ConfigError                1  the configuration cannot be used
    ├── SecretStoreError           1  the keyring or the secret file cannot be used
    ├── CacheError                 1  the local cache cannot be used
    │   ├── CacheLocked            1  another instance writes to it
    │   ├── CacheDamaged           1  part of it had to be set aside
    │   └── DiskFull               1  a write did not fit; the state before it stands
    ├── RenderError                1  a message cannot be shown as text (raw view is offered)
    ├── PolicyRefused              7  the operator's own policy says no
    ├── CryptoError                8  a key or an encrypted message cannot be used
    └── ServiceError               1  the service was asked and the answer is not what was wanted
        ├── Offline                6  no connection, or it broke
        ├── TimedOut               6  the deadline passed
        ├── BadAnswer              6  the answer is not what the contract says
        ├── SignedOut              5  401
        ├── Forbidden              5  403
        ├── NotFound               4  404
        ├── Conflict               1  409 and 412
        ├── Rejected               1  400, 413, 422 and other 4xx
        ├── RateLimited            6  429
        └── ServerBroken           6  5xx
"""

from __future__ import annotations


class MailError(Exception):
    """Something went wrong that a person should read about.

    `sentence` is complete and safe to show, `next_step` says what to do (may be empty).
    """

    exit_code = 1

    def __init__(self, sentence: str, next_step: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.sentence} {self.next_step}".rstrip()


class UsageError(MailError):
    """The caller asked for something that cannot be asked for."""

    exit_code = 2


class ConfigError(MailError):
    """The configuration cannot be read or does not make sense."""


class SecretStoreError(MailError):
    """No place for a secret could be used; the sentence says which were tried."""


class CacheError(MailError):
    """The local cache cannot be used."""


class CacheLocked(CacheError):
    """Another instance holds the cache for writing."""


class CacheDamaged(CacheError):
    """A part of the cache could not be read and was set aside."""


class DiskFull(CacheError):
    """A write did not fit on the disk; what was committed before it stands."""


class RenderError(MailError):
    """A message cannot be turned into readable text within its limits."""


class PolicyRefused(MailError):
    """The operator's own policy forbids this."""

    exit_code = 7


class CryptoError(MailError):
    """A key or an encrypted message cannot be used."""

    exit_code = 8


class ServiceError(MailError):
    """The mail service did not do what was asked.

    `status` is the HTTP status (0 when there was no answer), `code` the service's own name for the
    error (a hint only: api/assmbl.md §15), `retry_after` seconds to wait when the service said so.
    `uncertain` means that the service may have carried out the request all the same.
    """

    def __init__(
        self,
        sentence: str,
        next_step: str = "",
        *,
        status: int = 0,
        code: str = "",
        retry_after: float | None = None,
        uncertain: bool = False,
    ) -> None:
        super().__init__(sentence, next_step)
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.uncertain = uncertain


class Offline(ServiceError):
    """The service cannot be reached."""

    exit_code = 6


class TimedOut(ServiceError):
    """The wall-clock deadline of a request passed."""

    exit_code = 6


class BadAnswer(ServiceError):
    """The answer breaks the contract (not JSON, cut, wrong types, a repeated cursor)."""

    exit_code = 6


class SignedOut(ServiceError):
    """The token is missing or no longer accepted (401)."""

    exit_code = 5


class Forbidden(ServiceError):
    """The token does not allow this (403)."""

    exit_code = 5


class NotFound(ServiceError):
    """What was asked for does not exist, or belongs to another agent (404)."""

    exit_code = 4


class Conflict(ServiceError):
    """The state on the service is another one than expected (409, 412)."""


class Rejected(ServiceError):
    """The service refused the request as it is (400, 413, 422)."""


class RateLimited(ServiceError):
    """Too many requests (429)."""

    exit_code = 6


class ServerBroken(ServiceError):
    """The service failed on its own side (5xx)."""

    exit_code = 6
