"""The SES door as boto3 sees it: both APIs send, and what SES refuses is refused by its name."""

from __future__ import annotations

import re
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.sandbox.context import Clock, Sandbox
from services.sandbox.presign import Signer
from services.sandbox.records import Agent
from services.sandbox.ses.account import DAY, SesAccount, SesSettings
from services.sandbox.ses.errors import SesError
from services.sandbox.ses.mailing import V1_LIMIT, V2_LIMIT, Mailing
from services.sandbox.ses.outgoing import Outgoing
from services.sandbox.store import Store
from tests.services.ses.conftest import Inbox, SesControl, ses_client

pytest.importorskip("boto3")
from botocore.exceptions import ClientError, ConnectionClosedError


def raw(sender: str, to: str, subject: str = "raw", body: str = "text\n", **fields: str) -> bytes:
    mail = EmailMessage()
    for name, value in {"From": sender, "To": to, "Subject": subject, **fields}.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(body)
    return mail.as_bytes()


def simple(text: str = "hello\n", subject: str = "simple") -> dict[str, Any]:
    return {"Subject": {"Data": subject}, "Body": {"Text": {"Data": text}}}


def refused(call: Any, **asked: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**asked)
    answer = caught.value.response
    error, about = answer["Error"], answer["ResponseMetadata"]
    return about["HTTPStatusCode"], error["Code"], error["Message"]


# ── what arrives ─────────────────────────────────────────────────────────────────────────────────


def test_a_plain_mail_of_the_older_api_arrives(
    v1: Any, agent: Agent, peer: Agent, inbox: Inbox
) -> None:
    answer = v1.send_email(
        Source=f"Ada <{agent.address}>",
        Destination={"ToAddresses": [peer.address]},
        Message=simple("Grüße\nund mehr\n", "Zahlen für März"),
        ReplyToAddresses=["reply@agents.example.com"],
    )
    (mail,) = inbox(peer)
    assert mail["Subject"] == "Zahlen für März"
    assert mail.get_content().replace("\r\n", "\n") == "Grüße\nund mehr\n"
    assert mail["From"] == f"Ada <{agent.address}>"
    assert mail["Reply-To"] == "reply@agents.example.com"
    assert mail["Message-ID"] == f"<{answer['MessageId']}@email.amazonses.com>"


def test_text_and_html_of_the_newer_api_arrive_together(
    v2: Any, agent: Agent, peer: Agent, inbox: Inbox
) -> None:
    content = simple()
    content["Body"]["Html"] = {"Data": "<p>hello</p>"}
    content["Headers"] = [{"Name": "X-Workflow-Name", "Value": "order-status"}]
    v2.send_email(
        FromEmailAddress=agent.address,
        Destination={"ToAddresses": [peer.address]},
        Content={"Simple": content},
    )
    (mail,) = inbox(peer)
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]  # type: ignore[attr-defined]
    assert mail["X-Workflow-Name"] == "order-status"


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_a_raw_mail_keeps_its_bytes_but_for_the_fields_that_are_the_services(
    v1: Any, v2: Any, agent: Agent, peer: Agent, inbox: Inbox, door: SesControl, api: str
) -> None:
    data = raw(
        agent.address, peer.address, Message_ID="<mine@agents.example.com>", X_Priority="high",
        Bcc="secret@elsewhere.example", X_SES_MESSAGE_TAGS="a=b", body="line\n" * 40,
    )  # fmt: skip
    if api == "v1":
        v1.send_raw_email(
            Source=agent.address, Destinations=[peer.address], RawMessage={"Data": data}
        )
    else:
        v2.send_email(
            FromEmailAddress=agent.address,
            Destination={"ToAddresses": [peer.address]},
            Content={"Raw": {"Data": data}},
        )
    (mail,) = inbox(peer)
    assert mail["X-Priority"] == "high"
    assert mail.get_content().replace("\r\n", "\n") == "line\n" * 40
    assert mail["Bcc"] is None
    assert mail["X-SES-MESSAGE-TAGS"] is None
    assert str(mail["Message-ID"]).endswith("@email.amazonses.com>")
    assert mail["Date"] is not None
    assert door.sent()[-1]["delivered"] == [peer.address]


def test_without_an_envelope_the_header_says_who_gets_a_raw_mail(
    v1: Any, agent: Agent, peer: Agent, inbox: Inbox, door: SesControl
) -> None:
    data = raw(agent.address, "somebody@elsewhere.example", Bcc=peer.address)
    v1.send_raw_email(RawMessage={"Data": data})
    assert len(inbox(peer)) == 1
    sent = door.sent()[-1]
    assert sent["recipients"] == ["somebody@elsewhere.example", peer.address]
    assert sent["source"] == agent.address


def test_mail_of_this_door_is_not_verified_for_its_recipient(
    v1: Any, agent: Agent, peer: Agent, sandbox: Any
) -> None:
    # It went past the service's own sending, so what it says of uploads is not followed either.
    manifest = '[{"object_key": "uploads/x/1-a.bin", "name": "a.bin"}]'
    data = raw(agent.address, peer.address, X_AgentMail_Attachments=manifest)
    v1.send_raw_email(RawMessage={"Data": data})
    (item,) = sandbox.call(peer, "GET", "/inbox")["items"]
    assert item["SenderVerified"] is False


def test_the_same_recipient_twice_gets_one_mail(
    v1: Any, agent: Agent, peer: Agent, inbox: Inbox
) -> None:
    to = [peer.address, f"Peer <{peer.address}>", peer.address.upper()]
    v1.send_email(Source=agent.address, Destination={"ToAddresses": to}, Message=simple())
    assert len(inbox(peer)) == 1


def test_an_agent_that_does_not_exist_makes_a_notice_to_the_sender(
    v1: Any, agent: Agent, peer: Agent, inbox: Inbox
) -> None:
    to = [peer.address, "nobody@agents.example.com", "away@elsewhere.example"]
    v1.send_email(Source=agent.address, Destination={"ToAddresses": to}, Message=simple())
    (notice,) = inbox(agent)
    assert notice["Subject"] == "Delivery Status Notification (Failure)"
    assert notice.get_content().split()[-1] == "nobody@agents.example.com"
    assert len(inbox(peer)) == 1


# ── what is refused ──────────────────────────────────────────────────────────────────────────────


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


def test_identities_are_told(v1: Any, v2: Any, door: SesControl) -> None:
    v2.create_email_identity(EmailIdentity="ann@elsewhere.example")
    assert v1.list_identities()["Identities"] == ["agents.example.com", "ann@elsewhere.example"]
    about = v2.get_email_identity(EmailIdentity="ann@elsewhere.example")
    assert about["VerifiedForSendingStatus"] is True
    missing = refused(v2.get_email_identity, EmailIdentity="bob@elsewhere.example")
    assert missing[:2] == (404, "NotFoundException")
    told = v1.get_identity_verification_attributes(
        Identities=["ann@elsewhere.example", "bob@elsewhere.example"]
    )
    assert list(told["VerificationAttributes"]) == ["ann@elsewhere.example"]


# ── faults ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("api", ["v1", "v2"])
@pytest.mark.parametrize(
    ("kind", "arrived"), [("status", 0), ("status_after", 1)], ids=["before", "after"]
)
def test_an_ordered_failure_has_the_form_of_the_api(
    v1: Any, v2: Any, agent: Agent, peer: Agent, inbox: Inbox, door: SesControl,
    api: str, kind: str, arrived: int,
) -> None:  # fmt: skip
    door.fault(kind, status=503, error="ServiceUnavailable")
    data = {"Data": raw(agent.address, peer.address)}
    if api == "v1":
        told = refused(v1.send_raw_email, RawMessage=data)
    else:
        told = refused(v2.send_email, Content={"Raw": data})
    assert told == (503, "ServiceUnavailable", "This failure was ordered.")
    assert len(inbox(peer)) == arrived


def test_a_connection_can_be_cut_after_the_mail_was_taken(
    v1: Any, agent: Agent, peer: Agent, inbox: Inbox, door: SesControl
) -> None:
    door.fault("drop_after")
    with pytest.raises(ConnectionClosedError):
        v1.send_raw_email(RawMessage={"Data": raw(agent.address, peer.address)})
    assert len(inbox(peer)) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/", b"\xff\xfe=%%%&Action=SendEmail"),
        ("POST", "/", b"Action=SendEmail&Action=SendRawEmail"),
        ("POST", "/", b"&" * 3_000),
        ("POST", "/v2/email/outbound-emails", b"[" * 50_000),
        ("POST", "/v2/email/outbound-emails", b'{"Content": 7}'),
        ("GET", "/v2/email/identities/%ff%00", b""),
        ("PUT", "/", b"Action=SendEmail"),
        ("GET", "/../../etc/passwd", b""),
        ("POST", "/", b"Action=" + b"<&>" * 1_000),
    ],
)
def test_nonsense_without_a_signature_is_a_refusal_and_never_a_failure(
    door: SesControl, method: str, path: str, body: bytes
) -> None:
    answer = httpx.request(method, door.access.url + path, content=body, trust_env=False)
    assert 400 <= answer.status_code < 500
    assert answer.text.startswith(("<ErrorResponse", "{"))


def test_a_client_with_another_secret_is_refused_by_both(door: SesControl, agent: Agent) -> None:
    data = {"Data": raw(agent.address, "a@elsewhere.example")}
    for api, code in (("ses", "SignatureDoesNotMatch"), ("sesv2", "InvalidSignatureException")):
        client = ses_client(api, door.access, aws_secret_access_key="wrong")
        call = client.send_raw_email if api == "ses" else client.send_email
        asked = {"RawMessage": data} if api == "ses" else {"Content": {"Raw": data}}
        assert refused(call, **asked)[:2] == (403, code)
    assert door.sent() == [] or door.sent()[-1]["source"] != agent.address
