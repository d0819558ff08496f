"""What SES says no with: one reason, under the name that each of its two APIs gives it.

Closes the trap of a client that was tested against one API's error names and meets the other's.
Names, statuses and sentences are those that the service is known to use.
"""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """Why a request was turned down: the code of v1, that of v2, and their HTTP statuses."""

    INVALID = ("InvalidParameterValue", "BadRequestException", 400, 400)
    REJECTED = ("MessageRejected", "MessageRejected", 400, 400)
    THROTTLED = ("Throttling", "TooManyRequestsException", 400, 429)
    QUOTA = ("Throttling", "LimitExceededException", 400, 400)
    PAUSED = ("AccountSendingPausedException", "SendingPausedException", 400, 400)
    NO_SET = ("ConfigurationSetDoesNotExist", "NotFoundException", 400, 404)
    NOT_FOUND = ("NotFound", "NotFoundException", 404, 404)
    EXISTS = ("AlreadyExists", "AlreadyExistsException", 400, 400)
    UNSIGNED = ("MissingAuthenticationToken", "MissingAuthenticationTokenException", 403, 403)
    INCOMPLETE = ("IncompleteSignature", "IncompleteSignatureException", 400, 400)
    BAD_KEY = ("InvalidClientTokenId", "UnrecognizedClientException", 403, 403)
    BAD_SIGNATURE = ("SignatureDoesNotMatch", "InvalidSignatureException", 403, 403)
    NO_ACTION = ("InvalidAction", "UnknownOperationException", 400, 404)
    MALFORMED = ("MalformedQueryString", "SerializationException", 400, 400)
    TOO_LARGE = ("RequestEntityTooLarge", "RequestEntityTooLargeException", 413, 413)
    UNAVAILABLE = ("ServiceUnavailable", "InternalServiceErrorException", 503, 503)

    def __init__(self, v1: str, v2: str, v1_status: int, v2_status: int) -> None:
        self.v1 = v1
        self.v2 = v2
        self.v1_status = v1_status
        self.v2_status = v2_status


class SesError(Exception):
    """A request that SES turns down; the message goes out as it is."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
