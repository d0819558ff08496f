"""Every answer of AWS becomes a sentence of ours; none of its own words reaches a screen."""

from __future__ import annotations

import pytest

from services.api.connection_failures import HttpRoute
from services.api.failures import LONGEST_WAIT, Untrusted
from services.api.ses_failures import Attempt, of_client, of_refusal
from services.errors import (
    Forbidden,
    Offline,
    RateLimited,
    Rejected,
    ServerBroken,
    ServiceError,
    SignedOut,
    TimedOut,
)

pytest.importorskip("boto3")
from botocore import exceptions as boto

SENDER, TO = "ada@agents.example.com", "ann@elsewhere.example"
ATTEMPT = Attempt(HttpRoute("https://email.us-east-1.amazonaws.com"), SENDER, (TO,))
HOSTILE = "\x1b[2J<b>token sk-live-1234</b> \u202etxt"
NOT_VERIFIED = "Email address is not verified. The following identities failed the check in region "


def refused(code: str, message: str = HOSTILE, status: int = 400) -> ServiceError:
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return of_refusal(boto.ClientError(answer, "SendEmail"), ATTEMPT)


@pytest.mark.parametrize(
    ("code", "status", "kind", "word"),
    [
        ("MessageRejected", 400, Rejected, "rejected"),
        ("AccessDenied", 403, Forbidden, "may not send"),
        ("AccessDeniedException", 403, Forbidden, "may not send"),
        ("InvalidClientTokenId", 403, SignedOut, "credentials"),
        ("UnrecognizedClientException", 403, SignedOut, "credentials"),
        ("MissingAuthenticationTokenException", 403, SignedOut, "credentials"),
        ("ExpiredToken", 403, SignedOut, "expired"),
        ("ExpiredTokenException", 403, SignedOut, "expired"),
        ("SignatureDoesNotMatch", 403, SignedOut, "signature"),
        ("InvalidSignatureException", 403, SignedOut, "signature"),
        ("Throttling", 400, RateLimited, "faster"),
        ("ThrottlingException", 400, RateLimited, "faster"),
        ("TooManyRequestsException", 429, RateLimited, "faster"),
        ("Unheard", 429, RateLimited, "faster"),
        ("AccountSendingPausedException", 400, Rejected, "paused"),
        ("SendingPausedException", 400, Rejected, "paused"),
        ("AccountSuspendedException", 400, Rejected, "suspended"),
        ("MailFromDomainNotVerifiedException", 400, Rejected, "MAIL FROM"),
        ("ConfigurationSetDoesNotExist", 400, Rejected, "configuration set"),
        ("NotFoundException", 404, Rejected, "configuration set"),
        ("BadRequestException", 400, Rejected, "did not accept"),
        ("RequestEntityTooLarge", 413, Rejected, "larger"),
        ("Unheard", 418, Rejected, "did not accept"),
        ("Unheard", 403, Forbidden, "may not send"),
        (HOSTILE, 400, Rejected, "did not accept"),
    ],
)
def test_a_refusal_is_a_sentence_and_nothing_has_left(
    code: str, status: int, kind: type[ServiceError], word: str
) -> None:
    error = refused(code, status=status)
    assert type(error) is kind
    assert word in error.sentence
    assert not error.uncertain
    assert error.status == status
    shown = f"{error} {error!r} {error.code}"
    assert "\x1b" not in shown
    assert "sk-live" not in shown


@pytest.mark.parametrize("status", [0, 200, 500, 503, 599])
@pytest.mark.parametrize("code", ["InternalFailure", "MessageRejected", "Unheard"])
def test_a_failure_of_the_service_leaves_it_open(code: str, status: int) -> None:
    error = refused(code, status=status)
    if code == "MessageRejected" and status < 500:
        assert isinstance(error, Rejected)
        return
    assert isinstance(error, ServerBroken)
    assert error.uncertain


@pytest.mark.parametrize(
    ("code", "message", "wait"),
    [
        ("Throttling", "Daily message quota exceeded.", LONGEST_WAIT),
        ("LimitExceededException", "Daily message quota exceeded.", LONGEST_WAIT),
        ("Throttling", "Maximum sending rate exceeded.", 1.0),
    ],
)
def test_the_two_quotas_are_told_apart(code: str, message: str, wait: float) -> None:
    error = refused(code, message)
    assert isinstance(error, RateLimited)
    assert error.retry_after == wait
    assert ("daily" in error.sentence) is (wait == LONGEST_WAIT)


@pytest.mark.parametrize(
    ("failed", "says"),
    [
        (SENDER, "has not verified the sender ada@agents.example.com"),
        (SENDER.upper(), "has not verified the sender"),
        ("agents.example.com", "has not verified the sender"),
        (f"{SENDER}, {TO}", "has not verified the sender"),
        (TO, "sandbox mode, which sends to verified addresses only; ann@elsewhere.example is not"),
        (HOSTILE, "has not verified the sender"),
    ],
    ids=["sender", "other case", "its domain", "both", "recipient", "hostile"],
)
def test_whose_address_is_not_verified_is_said(failed: str, says: str) -> None:
    error = refused("MessageRejected", f"{NOT_VERIFIED}US-EAST-1: {failed}")
    assert says in error.sentence
    assert "\x1b" not in error.sentence


@pytest.mark.parametrize(
    ("error", "kind", "is_uncertain"),
    [
        (boto.NoCredentialsError(), SignedOut, False),
        (boto.PartialCredentialsError(provider="env", cred_var="x"), SignedOut, False),
        (boto.CredentialRetrievalError(provider="p", error_msg=HOSTILE), SignedOut, False),
        (boto.UnauthorizedSSOTokenError(), SignedOut, False),
        (boto.TokenRetrievalError(provider="sso", error_msg=HOSTILE), SignedOut, False),
        (boto.EndpointConnectionError(endpoint_url="u", error=HOSTILE), Offline, False),
        (boto.ConnectTimeoutError(endpoint_url="u", error=HOSTILE), TimedOut, False),
        (boto.ProxyConnectionError(proxy_url="u", error=HOSTILE), Offline, False),
        (
            boto.SSLError(endpoint_url="u", error="[SSL: CERTIFICATE_VERIFY_FAILED]"),
            Untrusted,
            False,
        ),
        (boto.SSLError(endpoint_url="u", error=HOSTILE), Offline, True),
        (boto.ReadTimeoutError(endpoint_url="u", error=HOSTILE), TimedOut, True),
        (boto.ConnectionClosedError(endpoint_url="u", error=HOSTILE), Offline, True),
        (boto.IncompleteReadError(actual_bytes=1, expected_bytes=2), Offline, True),
        (boto.HTTPClientError(error=HOSTILE), Offline, True),
    ],
)
def test_a_call_without_an_answer_says_whether_the_mail_may_have_left(
    error: boto.BotoCoreError, kind: type[ServiceError], is_uncertain: bool
) -> None:
    told = of_client(error, ATTEMPT)
    assert type(told) is kind
    assert told.uncertain is is_uncertain
    assert "\x1b" not in str(told)
    assert "sk-live" not in str(told)
