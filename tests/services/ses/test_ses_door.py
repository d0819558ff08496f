"""The SES door as boto3 sees it: what both APIs send arrives, and faults have the form of the API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from services.sandbox.records import Agent
from tests.services.ses.conftest import Inbox, SesControl, ses_client
from tests.services.ses.ses_requests import raw, refused, simple

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
    from botocore.exceptions import ConnectionClosedError

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
