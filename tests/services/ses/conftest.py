"""Amazon's own client against the sandbox's SES door, and the agents whose mail arrives there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

import pytest

from services.outbound.office import Office
from services.sandbox.records import Agent, SesAccess
from services.service_config import SesPlace
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party, alice, bob, own_keys  # noqa: F401 - fixtures
from tests.services.outbound.office_stage import Stage
from tests.services.ses.ses_office import Opens


def ses_client(api: str, access: SesAccess, **changed: Any) -> Any:
    """A boto3 client for `ses` or `sesv2` at the door, without any repetition."""
    boto3 = pytest.importorskip("boto3")
    from botocore.config import Config

    known = {
        "endpoint_url": access.url,
        "region_name": access.region,
        "aws_access_key_id": access.access_key,
        "aws_secret_access_key": access.secret_key,
        "config": Config(retries={"total_max_attempts": 1}, read_timeout=60),
    }
    return boto3.session.Session().client(api, **{**known, **changed})


@pytest.fixture(scope="session")
def v1(sandbox_session: SandboxControl) -> Any:
    return ses_client("ses", sandbox_session.ses)


@pytest.fixture(scope="session")
def v2(sandbox_session: SandboxControl) -> Any:
    return ses_client("sesv2", sandbox_session.ses)


class SesControl:
    """The door seen from behind; what other tests have sent is left out."""

    def __init__(self, sandbox: SandboxControl) -> None:
        self.sandbox = sandbox
        self.access = sandbox.ses
        self._before = len(self._all())

    def sent(self) -> list[dict[str, Any]]:
        return self._all()[self._before :]

    def _all(self) -> list[dict[str, Any]]:
        answer = self.sandbox.http.get("/_sandbox/ses/sent")
        return list(answer.json()["sent"])

    def switch(self, **settings: Any) -> None:
        answer = self.sandbox.http.put("/_sandbox/ses/settings", json=settings)
        assert answer.status_code == 200, answer.text

    def asked(self) -> list[dict[str, Any]]:
        return [seen for seen in self.sandbox.requests() if seen["door"] == "ses"]

    def fault(self, kind: str, **fields: Any) -> None:
        self.sandbox.fault(kind, operation="ses_send", **fields)


@pytest.fixture
def door(sandbox: SandboxControl) -> SesControl:
    return SesControl(sandbox)


Inbox = Callable[[Agent], list[EmailMessage]]


@pytest.fixture
def inbox(sandbox: SandboxControl) -> Inbox:
    """What an agent got, oldest first, read over the API and parsed by the standard library."""

    def read(agent: Agent) -> list[EmailMessage]:
        items = sandbox.call(agent, "GET", "/inbox")["items"]
        found = [sandbox.call(agent, "GET", f"/messages/{item['MessageID']}") for item in items]
        mails = [message_from_string(one["raw_mime"], policy=policy.default) for one in found]
        return mails[::-1]  # type: ignore[return-value]

    return read


@pytest.fixture
def peer(sandbox: SandboxControl) -> Any:
    """Another agent."""
    made = sandbox.new_agent()
    yield made
    sandbox.remove_agent(made)


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch, door: SesControl) -> pytest.MonkeyPatch:
    """The operator's AWS credentials, in the environment as boto3 looks for them."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", door.access.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", door.access.secret_key)
    return monkeypatch


@pytest.fixture
async def opens(
    alice: Party,  # noqa: F811
    door: SesControl,
    credentials: pytest.MonkeyPatch,
) -> AsyncIterator[Opens]:
    """Opens an office of Alice's that may send by SES; what differs is given."""
    stages: list[Stage] = []

    async def opened(*, place: dict[str, str] | None = None, **more: Any) -> Office:
        at = SesPlace(alice.address, door.access.region, door.access.url)
        stages.append(Stage(alice, ses=replace(at, **(place or {})), **more))
        return await stages[-1].open()

    yield opened
    for stage in stages:
        await stage.close()
