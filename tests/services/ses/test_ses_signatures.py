"""Who may use the SES door: real signatures pass, and a change anywhere in a request is refused.

Requests are signed by botocore and changed afterwards. Where moto enforces signatures it is asked
the same: two checkers that were written apart say the same of every request.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from services.sandbox.ses.account import SesAccount
from services.sandbox.ses.errors import SesError
from services.sandbox.ses.sigv4 import SignedRequest, check
from tests.conftest import SandboxControl
from tests.patience import PATIENCE
from tests.services.ses.conftest import SesControl

pytest.importorskip("boto3")
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SENDER = "ops-bot@agents.example.com"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
_MOTO = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Request:
    """A request as it goes over the wire."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    def ask(self) -> httpx.Response:
        with httpx.Client(trust_env=False) as client:
            return client.request(
                self.method, self.url, headers=self.headers, content=self.body, timeout=30
            )


@dataclass(frozen=True)
class Place:
    """A door, and whose key opens it."""

    url: str
    key: str
    secret: str

    def signed(
        self, path: str = "/", body: bytes | None = None, *, region: str = "us-east-1",
        service: str = "ses", method: str = "POST", headers: dict[str, str] | None = None,
    ) -> Request:  # fmt: skip
        data = form() if body is None else body
        asked = AWSRequest(
            method, self.url + path, data=data, headers=headers or {"Content-Type": FORM}
        )
        SigV4Auth(Credentials(self.key, self.secret), service, region).add_auth(asked)
        sealed = asked.prepare()
        said = {name: value for name, value in sealed.headers.items() if name != "Content-Length"}
        return Request(method, sealed.url, said, data)


def form(subject: str = "signed") -> bytes:
    fields = {
        "Action": "SendEmail", "Version": "2010-12-01", "Source": SENDER,
        "Destination.ToAddresses.member.1": SENDER, "Message.Subject.Data": subject,
        "Message.Body.Text.Data": "text with + and % and ü",
    }  # fmt: skip
    return urlencode(fields).encode()


@pytest.fixture
def ours(door: SesControl) -> Place:
    return Place(door.access.url, door.access.access_key, door.access.secret_key)


@pytest.fixture(scope="module")
def motos() -> Iterator[Place]:
    """A moto server that checks signatures, with one user who may use SES."""
    pytest.importorskip("moto")
    pytest.importorskip("flask")
    boto3 = pytest.importorskip("boto3")
    child = subprocess.Popen(
        [sys.executable, "-c", _MOTO], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    url = f"http://127.0.0.1:{int(child.stdout.readline())}"
    known = {
        "endpoint_url": url, "region_name": "us-east-1",
        "aws_access_key_id": "x", "aws_secret_access_key": "x",
    }  # fmt: skip
    session = boto3.session.Session()
    iam = session.client("iam", **known)
    iam.create_user(UserName="sender")
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="sender", PolicyName="all", PolicyDocument=policy)
    key = iam.create_access_key(UserName="sender")["AccessKey"]
    session.client("ses", **known).verify_domain_identity(Domain="agents.example.com")
    httpx.post(f"{url}/moto-api/reset-auth", content=b"0", trust_env=False).raise_for_status()
    yield Place(url, key["AccessKeyId"], key["SecretAccessKey"])
    child.stdin.close()  # type: ignore[union-attr]
    child.terminate()
    child.wait(PATIENCE)


# ── changes that both checkers judge ─────────────────────────────────────────────────────────────


def swapped(text: str) -> str:
    """Another hex digit at the end."""
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def changed(request: Request, name: str, value: str) -> Request:
    return replace(request, headers={**request.headers, name: value})


Change = Callable[[Place], Request]

HONEST: dict[str, Change] = {
    "as it was signed": lambda place: place.signed(),
    "with blanks in a header": lambda place: place.signed(
        headers={"Content-Type": FORM, "X-Amz-Meta": "a   b"}
    ),
    "with letters beyond ASCII": lambda place: place.signed(body=form("Grüße + 100 %")),
}
FORGED: dict[str, Change] = {
    "another body": lambda place: replace(place.signed(), body=form("forged")),
    "one byte more": lambda place: replace(place.signed(), body=form() + b"&Tags="),
    "another secret": lambda place: replace(place, secret="x" * 40).signed(),
    "another signature": lambda place: changed(
        place.signed(), "Authorization", swapped(place.signed().headers["Authorization"])
    ),
    "another type": lambda place: changed(
        place.signed(), "Content-Type", "application/x-www-form-urlencoded"
    ),
    "a moved date": lambda place: changed(
        place.signed(), "X-Amz-Date", place.signed().headers["X-Amz-Date"][:-3] + "99Z"
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_both_take_an_honest_request(ours: Place, motos: Place, name: str) -> None:
    verdicts = [HONEST[name](place).ask().status_code for place in (ours, motos)]
    assert verdicts == [200, 200]


@pytest.mark.parametrize("name", FORGED)
def test_both_refuse_a_forged_request(
    ours: Place, motos: Place, door: SesControl, name: str
) -> None:
    before = len(door.sent())
    answers = [FORGED[name](place).ask() for place in (ours, motos)]
    assert [answer.status_code // 100 for answer in answers] == [4, 4]
    assert len(door.sent()) == before


def test_both_refuse_an_unknown_key(ours: Place, motos: Place) -> None:
    answers = [replace(place, key="AKIAUNKNOWN").signed().ask() for place in (ours, motos)]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert all("InvalidClientTokenId" in answer.text for answer in answers)


# ── what only our door enforces ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("another body", "SignatureDoesNotMatch"),
        ("another secret", "SignatureDoesNotMatch"),
        ("another type", "SignatureDoesNotMatch"),
    ],
)
def test_a_forged_request_is_refused_by_its_name(ours: Place, name: str, code: str) -> None:
    answer = FORGED[name](ours).ask()
    assert answer.status_code == 403
    assert f"<Code>{code}</Code>" in answer.text


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (lambda place: place.signed(region="eu-west-1"), "SignatureDoesNotMatch"),
        (lambda place: place.signed(service="s3"), "SignatureDoesNotMatch"),
        (lambda place: changed(place.signed(), "Authorization", ""), "MissingAuthenticationToken"),
        (lambda place: changed(place.signed(), "Authorization", "Bearer x"), "IncompleteSignature"),
        (
            lambda place: changed(place.signed(), "Authorization", "AWS4-HMAC-SHA256 Signature=0"),
            "IncompleteSignature",
        ),
        (lambda place: changed(place.signed(), "X-Amz-Date", "yesterday"), "IncompleteSignature"),
        (
            lambda place: changed(place.signed(), "X-Amz-Security-Token", "stolen"),
            "SignatureDoesNotMatch",
        ),
    ],
    ids=["region", "service", "unsigned", "bearer", "no credential", "no date", "added token"],
)
def test_a_request_that_is_not_signed_for_this_door_is_refused(
    ours: Place, asked: Change, code: str
) -> None:
    answer = asked(ours).ask()
    assert answer.status_code in (400, 403)
    assert f"<Code>{code}</Code>" in answer.text


@pytest.mark.parametrize("direction", [1, -1], ids=["too old", "from the future"])
def test_a_signature_lives_for_five_minutes(direction: int) -> None:
    account = SesAccount()
    asked = Place("http://127.0.0.1", account.access_key, account.secret).signed()
    headers = {"host": "127.0.0.1"} | {name.lower(): v for name, v in asked.headers.items()}
    request = SignedRequest("POST", b"/", b"", headers, asked.body)
    signed = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%S%z").timestamp()
    check(request, account, signed + direction * 300)
    with pytest.raises(SesError, match=r"Signature (expired|not yet current)"):
        check(request, account, signed + direction * 301)


@pytest.mark.parametrize("hours", [1, -1])
def test_a_request_of_another_hour_is_refused(
    ours: Place, sandbox: SandboxControl, hours: int
) -> None:
    sandbox.settings(clock_offset=hours * 3_600)
    answer = ours.signed().ask()
    assert answer.status_code == 403
    assert "Signature " in answer.text


@pytest.mark.parametrize("host", [False, True], ids=["headers", "host"])
def test_a_signature_that_leaves_out_what_matters_is_refused(ours: Place, host: bool) -> None:
    request = ours.signed()
    left_out = "host;" if host else ";x-amz-date"
    header = request.headers["Authorization"].replace(left_out, "")
    answer = changed(request, "Authorization", header).ask()
    assert answer.status_code == 403
    assert "must be a &#x27;SignedHeader&#x27;" in answer.text or "SignedHeader" in answer.text


def test_the_path_and_the_query_are_covered(ours: Place) -> None:
    path = "/v2/email/identities/agents.example.com"
    honest = ours.signed(path, b"", method="GET", headers={})
    assert honest.ask().status_code == 200
    elsewhere = replace(honest, url=honest.url.replace("agents", "other"))
    assert elsewhere.ask().status_code == 403
    assert replace(honest, url=f"{honest.url}?a=b").ask().status_code == 403


def test_an_encoded_path_is_signed_twice_encoded(ours: Place, door: SesControl) -> None:
    door.switch(identities=["ann+x@elsewhere.example"])
    path = "/v2/email/identities/ann%2Bx%40elsewhere.example"
    answer = ours.signed(path, b"", method="GET", headers={}).ask()
    assert answer.status_code == 200, answer.text


def test_the_newer_api_names_its_errors_in_a_header(ours: Place) -> None:
    asked: Any = {"Content-Type": "application/json"}
    request = ours.signed("/v2/email/outbound-emails", b"{}", headers=asked)
    answer = replace(request, body=b"{ }").ask()
    assert answer.status_code == 403
    assert answer.headers["x-amzn-errortype"] == "InvalidSignatureException"
    assert answer.json()["message"].startswith("The request signature we calculated")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[" * 50_000, b"\xff\xfe", b"7", b"{", b'{"Content": 7}', b'{"Content": {}}',
        b'{"Content": {"Raw": {"Data": "!"}}}',
        b'{"Content": {"Raw": {"Data": "AAAA"}}}',
        b'{"Content": {"Raw": {"Data": ""}, "Simple": null}}',
        b'{"Content": {"Template": {"TemplateName": "x"}}}',
        json.dumps({"FromEmailAddress": SENDER, "Destination": {"ToAddresses": ["a@b.example"]},
                    "Content": {"Simple": {"Subject": {"Data": "a\r\nBcc: x@y.example"},
                                           "Body": {"Text": {"Data": "t"}}}}}).encode(),
        json.dumps({"FromEmailAddress": SENDER, "Destination": {"ToAddresses": ["a@b.example"]},
                    "Content": {"Simple": {"Subject": {"Data": "s"}, "Body": {}}}}).encode(),
        json.dumps({"FromEmailAddress": SENDER, "Destination": {"ToAddresses": ["a@b.example"]},
                    "Content": {"Simple": {"Subject": {"Data": "s"},
                                           "Body": {"Text": {"Data": "\ud800"}}}}}).encode(),
        json.dumps({"FromEmailAddress": SENDER, "Destination": {"ToAddresses": ["a@b.example"]},
                    "Content": {"Simple": {"Subject": {"Data": "s"},
                                           "Headers": [{"Name": "A: b\r\nC", "Value": "d"}],
                                           "Body": {"Text": {"Data": "t"}}}}}).encode(),
    ],
    ids=range(15),
)  # fmt: skip
def test_signed_nonsense_of_the_newer_api_is_a_refusal(ours: Place, body: bytes) -> None:
    asked = {"Content-Type": "application/json"}
    answer = ours.signed("/v2/email/outbound-emails", body, headers=asked).ask()
    assert answer.status_code == 400, answer.text
    assert answer.headers["x-amzn-errortype"] in ("BadRequestException", "SerializationException")


@pytest.mark.parametrize(
    "change",
    [
        {"Source": ""}, {"Source": "nobody"}, {"Message.Subject.Data": "a\r\nBcc: x@y.example"},
        {"Message.Subject.Data": "a\x00b\nc"}, {"Message.Body.Text.Charset": "utf-7"},
        {"Destination.ToAddresses.member.1": "a@b.example\r\nRCPT TO:<c@d.example>"},
        {"Destination.ToAddresses.member.1": ""}, {"Template": "x"}, {"Action": "SendRawEmail"},
        {"Destination.ToAddresses.member.1": "x" * 5_000 + "@b.example"},
    ],
    ids=range(10),
)  # fmt: skip
def test_signed_nonsense_of_the_older_api_is_a_refusal(ours: Place, change: dict[str, str]) -> None:
    fields = {
        "Action": "SendEmail", "Source": SENDER, "Destination.ToAddresses.member.1": "a@b.example",
        "Message.Subject.Data": "s", "Message.Body.Text.Data": "t", **change,
    }  # fmt: skip
    answer = ours.signed(body=urlencode(fields).encode()).ask()
    assert answer.status_code == 400, answer.text
    assert "<Code>InvalidParameterValue</Code>" in answer.text
