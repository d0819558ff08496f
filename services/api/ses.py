"""Sending through Amazon SES: finished bytes go out once, by boto3, in a thread.

Closes seven traps. boto3 repeats a call by itself, and SES has no idempotency: repetition is off, so
one call is one request. boto3 takes any answer with status 200 for a yes: without a message id it
is none. Credentials in our hands: only boto3's own chain knows them. Mail in clear over the network
because an endpoint was set somewhere: https, or this machine. A slow import on the screen's thread:
boto3 is loaded in the worker, when SES is first used. An endpoint that sends a byte now and then: boto3
limits each of them, and would wait for ever; one limit holds for the whole call, and the thread that is
left behind keeps neither other mail nor the end of the program waiting. And its loggers, which print whole requests,
mail and signature included: they are silent.

A pure transport: what may leave is the gate's decision, and nobody else may import this module.
Source: reference 000, options 1 to 3 and 5; option 4 is the service's own `/send`.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final, Protocol, TypeVar

from services import origins
from services.api import ses_failures
from services.api.connection_failures import HttpRoute, timed_out
from services.api.ses_failures import Attempt
from services.daemon_call import in_daemon
from services.errors import BadAnswer, ConfigError, UsageError
from services.policy_config import is_plain_address
from services.progress import Stopped
from services.service_config import SesPlace

INSTALL: Final = "Sending through Amazon SES needs an extra: pip install 'agentmail-tui[ses]'."
CONNECT_SECONDS: Final = 10
ANSWER_SECONDS: Final = 60
CALL_SECONDS: Final = 90.0
"""The limit of a whole call by the clock, with what it takes to get the credentials."""
SLOWEST: Final = 16_384
"""Bytes a second that a mail is given on top of that."""
_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,200}")
_LOGGERS: Final = ("boto3", "botocore", "urllib3")
_CHECK: Final = "Check the network and the endpoint."
_ODD: Final = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What botocore's parsers end with where the JSON is no object, nested without end, or no UTF-8."""
_MOST: Final = 1e15
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SesReceipt:
    """What SES says about a mail that it took; "" where it says nothing."""

    message_id: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class SesStanding:
    """What an SES account may do; recipients in 24 hours, recipients a second."""

    in_sandbox: bool
    may_send: bool
    daily: float
    per_second: float
    sent: float

    @property
    def sentence(self) -> str:
        """Say it to a person."""
        if not self.may_send:
            return "AWS has paused sending for this account."
        daily = "no daily limit" if self.daily < 0 else f"{self.sent:.0f} of {self.daily:.0f} today"
        quota = f"{daily}, {self.per_second:g} a second"
        if self.in_sandbox:
            return f"In sandbox mode: mail goes to verified addresses only; {quota}."
        return f"Ready to send: {quota}."


class RawSender(Protocol):
    """What sending needs of a transport: the finished bytes of one mail, one recipient.

    `bcc` get the same bytes by the same call. Raises ServiceError; with `uncertain` set the mail
    may have left.
    """

    async def send_raw(self, raw: bytes, *, to: str, bcc: tuple[str, ...] = ()) -> SesReceipt: ...


def is_installed() -> bool:
    """Tell whether the extra is there, without importing it."""
    return find_spec("boto3") is not None


class SesTransport:
    """Sends the mail of one identity; `RawSender`."""

    def __init__(
        self, place: SesPlace, limit: Callable[[float], asyncio.Timeout] = asyncio.timeout
    ) -> None:
        """`limit` ends what takes longer than so many seconds."""
        if not is_plain_address(place.identity):
            raise ConfigError("The SES identity is no plain mail address.", "Set identity.")
        self._place = place
        self._limit = limit
        self._here = threading.local()
        self._lock = threading.Lock()
        self._client: Any = None

    async def send_raw(self, raw: bytes, *, to: str, bcc: tuple[str, ...] = ()) -> SesReceipt:
        """Send one finished mail to one address, exactly once; `bcc` stand in no header.

        They are named in the one call, so SES takes the mail for all of them or for nobody. Raises
        ConfigError (the extra, region or profile is missing), ServiceError; with `uncertain` set the
        mail may have left, and it is not repeated here.
        """
        asked: dict[str, Any] = {
            "FromEmailAddress": self._place.identity,
            "Destination": {"ToAddresses": [to], **({"BccAddresses": [*bcc]} if bcc else {})},
            "Content": {"Raw": {"Data": raw}},
        }
        if self._place.configuration_set:
            asked["ConfigurationSetName"] = self._place.configuration_set
        answer = await self._call(
            lambda client: client.send_email(**asked), (to, *bcc), len(raw) / SLOWEST
        )
        about = answer.get("ResponseMetadata", {})
        message_id = str(answer.get("MessageId", ""))
        if not _MESSAGE_ID.fullmatch(message_id):
            # boto3 takes a cut answer, and the page of a network that asks to sign in, for a yes.
            raise BadAnswer("The answer is not that of Amazon SES.", _CHECK, uncertain=True)
        return SesReceipt(message_id, str(about.get("RequestId", "")))

    async def standing(self) -> SesStanding:
        """Ask what the account may do; raises as `send_raw`."""
        answer = await self._call(lambda client: client.get_account())
        quota = answer.get("SendQuota")
        if not isinstance(quota, dict):
            raise BadAnswer("The answer is not that of Amazon SES.", _CHECK)
        return SesStanding(
            in_sandbox=not answer.get("ProductionAccessEnabled", False),
            may_send=bool(answer.get("SendingEnabled", True)),
            daily=_number(quota.get("Max24HourSend")),
            per_second=_number(quota.get("MaxSendRate")),
            sent=_number(quota.get("SentLast24Hours")),
        )

    async def _call(
        self, call: Callable[[Any], T], to: tuple[str, ...] = (), more: float = 0.0
    ) -> T:
        """Run a call beside the loop; TimedOut when it takes `more` seconds longer than any may."""
        start = _Start()
        try:
            async with self._limit(CALL_SECONDS + more):
                return await in_daemon(lambda: self._called(call, to, start))
        except TimeoutError:
            raise timed_out("Amazon SES", uncertain=not start.bar()) from None
        finally:
            start.bar()

    def _called(self, call: Callable[[Any], T], to: tuple[str, ...], start: _Start) -> T:
        """Run in a thread: the first call loads boto3."""
        self._here.start = start
        client = self._made()
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        way = HttpRoute.to(str(client.meta.endpoint_url), _proxy_of(self._place))
        attempt = Attempt(way, self._place.identity, to)
        try:
            return call(client)
        except ClientError as error:
            raise ses_failures.of_refusal(error, attempt) from None
        except BotoCoreError as error:
            raise ses_failures.of_client(error, attempt) from None
        except (ResponseParserError, *_ODD):
            raise BadAnswer(
                "The answer is not that of Amazon SES.", _CHECK, uncertain=True
            ) from None

    def _made(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = _client(self._place)
                self._client.meta.events.register("before-send", self._before_send)
            return self._client

    def _before_send(self, **_: object) -> None:
        """Called by boto3 on the thread of a call, when the request is signed."""
        self._here.start.pass_on()


class _Start:
    """Whether the request of one call has begun to leave, or never will; for two threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._has_begun = False
        self._is_barred = False

    def pass_on(self) -> None:
        """The request leaves now; Stopped when nobody waits for it any more."""
        with self._lock:
            if self._is_barred:
                raise Stopped("This was given up.")
            self._has_begun = True

    def bar(self) -> bool:
        """Let no request leave from now on; False when it has begun already."""
        with self._lock:
            self._is_barred = not self._has_begun
            return self._is_barred


def _client(place: SesPlace) -> Any:
    try:
        from boto3.session import Session
        from botocore import exceptions as boto
        from botocore.config import Config
    except ImportError:
        raise ConfigError(INSTALL) from None
    _silence()
    proxy = _proxy_of(place)
    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        proxies={"https": proxy, "http": proxy} if proxy else {},
        # A decision names the endpoint; one that only the environment knows was never shown.
        ignore_configured_endpoint_urls=True,
    )
    try:
        session = Session(profile_name=place.profile or None, region_name=place.region or None)
        client = session.client("sesv2", endpoint_url=place.endpoint or None, config=config)
    except boto.NoRegionError:
        raise ConfigError("No AWS region is set for SES.", "Set region in the account.") from None
    except boto.ProfileNotFound:
        raise ConfigError(
            "There is no such AWS profile.", "Check profile in the account."
        ) from None
    except (boto.BotoCoreError, ValueError):
        raise ConfigError(
            "The AWS configuration cannot be used.", "Check region, endpoint and profile."
        ) from None
    _check_endpoint(str(client.meta.endpoint_url))
    return client


def _proxy_of(place: SesPlace) -> str:
    """Return the proxy on the way; mail to this machine would pass one in clear."""
    try:
        is_here = bool(place.endpoint) and origins.origin_of(place.endpoint).is_loopback
        return origins.proxy_url(place.proxy) if place.proxy and not is_here else ""
    except (ValueError, UsageError):
        raise ConfigError(
            "The AWS configuration cannot be used.", "Check endpoint and proxy."
        ) from None


def _number(value: object) -> float:
    """Return a number of an answer, 0 for anything else; one without end is none."""
    return float(value) if isinstance(value, int | float) and abs(value) < _MOST else 0.0


def _silence() -> None:
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False


def _check_endpoint(url: str) -> None:
    try:
        origin = origins.origin_of(url)
    except ValueError:
        raise ConfigError("The SES endpoint is no web address.", "Check endpoint.") from None
    if origin.scheme != "https" and not origins.is_loopback(origin.host):
        raise ConfigError(
            "The SES endpoint does not use https, so mail would travel in clear.",
            "Set an https endpoint; only this machine may do without.",
        )
