"""What SES refuses, the door refuses by the same name: senders, recipients, sizes, quotas, raw mail."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.sandbox.context import Clock, Sandbox
from services.sandbox.presign import Signer
from services.sandbox.records import Agent
from services.sandbox.ses.account import DAY, SesAccount, SesSettings
from services.sandbox.ses.errors import SesError
from services.sandbox.ses.mailing import V1_LIMIT, V2_LIMIT, Mailing
from services.sandbox.ses.outgoing import Outgoing
from services.sandbox.store import Store
from tests.services.ses.conftest import Inbox, SesControl
from tests.services.ses.ses_requests import raw, refused, simple


@pytest.mark.parametrize(
    ("source", "author"),
    [
        ("eve@elsewhere.example", "eve@elsewhere.example"),
        ("{own}", "eve@elsewhere.example"),
        ("eve@agents.example.com.evil.example", "{own}"),
        ("eve@notagents.example.com", "{own}"),
    ],
    ids=["both", "the From field", "a domain below another", "a look-alike"],
)
def test_an_unverified_sender_is_rejected(
    v1: Any, v2: Any, agent: Agent, peer: Agent, inbox: Inbox, source: str, author: str
) -> None:
    source, author = (text.format(own=agent.address) for text in (source, author))
    data = raw(author, peer.address)
    status, code, message = refused(
        v1.send_raw_email, Source=source, Destinations=[peer.address], RawMessage={"Data": data}
    )
    assert (status, code) == (400, "MessageRejected")
    assert message.startswith("Email address is not verified. The following identities failed")
    assert "US-EAST-1" in message
    status, code, _ = refused(
        v2.send_email,
        FromEmailAddress=source,
        Destination={"ToAddresses": [peer.address]},
        Content={"Raw": {"Data": data}},
    )
    assert (status, code) == (400, "MessageRejected")
    assert inbox(peer) == []


def test_in_sandbox_mode_a_recipient_has_to_be_verified_too(
    v1: Any, agent: Agent, peer: Agent, door: SesControl
) -> None:
    door.switch(production=False)
    asked = {"Source": agent.address, "Message": simple()}
    to = {"ToAddresses": [peer.address, "ann@elsewhere.example"]}
    status, code, message = refused(v1.send_email, Destination=to, **asked)
    assert (status, code) == (400, "MessageRejected")
    assert message.endswith(": ann@elsewhere.example")
    v1.verify_email_identity(EmailAddress="ann@elsewhere.example")
    v1.send_email(Destination=to, **asked)
    simulator = {"ToAddresses": ["success@simulator.amazonses.com"]}
    v1.send_email(Destination=simulator, **asked)


def test_fifty_recipients_are_taken_and_one_more_is_not(v1: Any, v2: Any, agent: Agent) -> None:
    fifty = [f"r{n}@elsewhere.example" for n in range(50)]
    asked = {"Source": agent.address, "Message": simple()}
    v1.send_email(Destination={"ToAddresses": fifty[:20], "BccAddresses": fifty[20:]}, **asked)
    over = {"ToAddresses": fifty, "CcAddresses": ["one-more@elsewhere.example"]}
    assert refused(v1.send_email, Destination=over, **asked) == (
        400, "InvalidParameterValue", "Recipient count exceeds 50.",
    )  # fmt: skip
    status, code, _ = refused(
        v2.send_email,
        FromEmailAddress=agent.address,
        Destination=over,
        Content={"Simple": simple()},
    )
    assert (status, code) == (400, "BadRequestException")


def test_the_newer_api_takes_what_is_too_large_for_the_older(
    v2: Any, agent: Agent, peer: Agent, sandbox: Any
) -> None:
    # Over HTTP with the newer one only: boto3 takes seconds to write 10 MB as a form.
    data = raw(agent.address, peer.address) + (b"x" * 990 + b"\n") * (V1_LIMIT // 991 + 1)
    v2.send_email(Content={"Raw": {"Data": data}})
    assert len(sandbox.call(peer, "GET", "/inbox")["items"]) == 1


@pytest.mark.parametrize("limit", [V1_LIMIT, V2_LIMIT], ids=["v1", "v2"])
def test_a_mail_may_have_so_many_bytes_and_not_one_more(tmp_path: Path, limit: int) -> None:
    clock = Clock()
    store = Store(tmp_path, durable=False, clock=clock)
    mailing = Mailing(Sandbox(store, Signer("secret", "http://127.0.0.1", clock), clock))
    own = "a@agents.example.com"
    mail = Outgoing(own, ("b@elsewhere.example",), b"x" * limit, senders=(own,))
    assert mailing.send(mail, "SendEmail", limit)
    said = f"Message length is more than {limit} bytes long: '{limit + 1}'."
    with pytest.raises(SesError, match=re.escape(said)):
        mailing.send(replace(mail, raw=mail.raw + b"x"), "SendEmail", limit)
    store.close()


def test_quotas_count_recipients_and_are_told(v1: Any, v2: Any, agent: Agent, door: Any) -> None:
    door.switch(daily=3)
    two = {"ToAddresses": ["a@elsewhere.example", "b@elsewhere.example"]}
    asked = {"Source": agent.address, "Message": simple()}
    v1.send_email(Destination=two, **asked)
    newer = {"FromEmailAddress": agent.address, "Content": {"Simple": simple()}}
    assert v1.get_send_quota()["SentLast24Hours"] == 2.0
    assert refused(v1.send_email, Destination=two, **asked) == (
        400, "Throttling", "Daily message quota exceeded.",
    )  # fmt: skip
    assert refused(v2.send_email, Destination=two, **newer)[:2] == (400, "LimitExceededException")
    door.switch(daily=100, per_second=1)
    assert refused(v1.send_email, Destination=two, **asked) == (
        400, "Throttling", "Maximum sending rate exceeded.",
    )  # fmt: skip
    assert refused(v2.send_email, Destination=two, **newer)[:2] == (429, "TooManyRequestsException")
    door.switch(per_second=2)
    door.sandbox.settings(clock_offset=2)
    v1.send_email(Destination=two, **asked)
    quota = v2.get_account()["SendQuota"]
    assert quota == {"Max24HourSend": 100.0, "MaxSendRate": 2.0, "SentLast24Hours": 4.0}


def test_the_rate_is_counted_over_a_second_and_the_quota_over_a_day() -> None:
    account = SesAccount(settings=SesSettings(daily=4, per_second=2))
    account.check_quota(1_000.0, 2)
    with pytest.raises(SesError, match="rate"):
        account.check_quota(1_000.9, 1)
    account.check_quota(1_001.0, 2)
    with pytest.raises(SesError, match="Daily"):
        account.check_quota(1_100.0, 1)
    account.check_quota(1_000.0 + DAY, 2)


def test_a_paused_account_sends_nothing(v1: Any, v2: Any, agent: Agent, door: SesControl) -> None:
    door.switch(sending=False)
    data = {"Data": raw(agent.address, "a@elsewhere.example")}
    assert refused(v1.send_raw_email, RawMessage=data)[1] == "AccountSendingPausedException"
    assert refused(v2.send_email, Content={"Raw": data})[1] == "SendingPausedException"
    assert v2.get_account()["SendingEnabled"] is False
    assert v1.get_account_sending_enabled()["Enabled"] is False


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"To": "nobody"}, "Missing final '@domain'"),
        ({"To": "grün@elsewhere.example"}, "non-ASCII"),
        ({"To": "a b@elsewhere.example"}, "Illegal address|Missing final"),
        ({"From": ""}, "Missing required header 'From'"),
        ({"To": ""}, "no recipients"),
    ],
    ids=["no domain", "not ASCII", "a blank", "no From", "nobody"],
)
def test_a_raw_mail_that_cannot_be_sent_is_refused(
    v1: Any, agent: Agent, change: dict[str, str], message: str
) -> None:
    fields = {"From": agent.address, "To": "a@elsewhere.example", **change}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    status, code, said = refused(
        v1.send_raw_email, RawMessage={"Data": f"{head}\r\ntext\r\n".encode()}
    )
    assert (status, code) == (400, "InvalidParameterValue")
    assert re.search(message, said)


def test_two_subjects_are_not_taken(v1: Any, agent: Agent) -> None:
    data = f"From: {agent.address}\r\nTo: a@b.example\r\nSubject: 1\r\nSubject: 2\r\n\r\n".encode()
    assert refused(v1.send_raw_email, RawMessage={"Data": data})[2] == "Duplicate header 'Subject'."


def test_a_configuration_set_has_to_be_there(v1: Any, v2: Any, agent: Agent, door: Any) -> None:
    data = {"Data": raw(agent.address, "a@elsewhere.example")}
    asked = {"RawMessage": data, "ConfigurationSetName": "metrics"}
    assert refused(v1.send_raw_email, **asked)[1] == "ConfigurationSetDoesNotExist"
    newer = {"Content": {"Raw": data}, "ConfigurationSetName": "metrics"}
    assert refused(v2.send_email, **newer)[:2] == (404, "NotFoundException")
    door.switch(configuration_sets=["metrics"])
    v1.send_raw_email(**asked)


def test_what_the_door_does_not_know_is_refused_and_not_left_out(v1: Any, v2: Any) -> None:
    assert refused(v1.list_templates)[1] == "InvalidAction"
    template = {"Template": {"TemplateName": "t", "TemplateData": "{}"}}
    assert refused(v2.send_email, Content=template)[:2] == (400, "BadRequestException")
    assert refused(v2.list_contact_lists)[1] == "UnknownOperationException"
