"""`POST /send` of the sandbox: delivery, keys, idempotency, headers (api/assmbl.md §5, §13)."""

from __future__ import annotations

import email
import email.policy
import json

import httpx
import pytest


@pytest.fixture
def peer(sandbox):
    made = sandbox.new_agent()
    yield made
    sandbox.remove_agent(made)


def items(sandbox, peer):
    return sandbox.call(peer, "GET", "/inbox")["items"]


def received(sandbox, peer):
    return sandbox.call(peer, "GET", f"/messages/{items(sandbox, peer)[-1]['MessageID']}")


def parsed(told):
    return email.message_from_bytes(told["raw_mime"].encode(), policy=email.policy.default)


def text(mail):
    return mail.get_content().replace("\r\n", "\n")


def send(api, to, **fields):
    return api.post("/send", json={"to": to, "subject": "Hello", "body": "Text.", **fields})


def test_a_mail_to_a_local_agent_arrives_as_real_mime(sandbox, agent, api, peer):
    answer = send(api, peer.address, subject="Grüße", body="Zeile\n.\nFrom x\nžluťoučký")
    assert answer.status_code == 200
    told = received(sandbox, peer)
    mail = parsed(told)
    assert mail["From"] == agent.address
    assert mail["To"] == peer.address
    assert mail["Subject"] == "Grüße"
    assert mail.get_content_type() == "text/plain"
    assert text(mail) == "Zeile\n.\nFrom x\nžluťoučký\n"
    assert told["SenderVerified"] is True
    assert "\n" not in told["raw_mime"].replace("\r\n", "")


def test_every_answer_has_the_three_tracking_keys(api, peer):
    plain = send(api, peer.address).json()
    assert plain["correlation_id"].startswith("corr-")
    assert plain["idempotency_key"] is None
    assert plain["reservation_key"] is None
    assert "marketplace_request_id" not in plain
    keyed = send(api, peer.address, correlation_id="c-1", idempotency_key="i-1").json()
    assert (keyed["correlation_id"], keyed["idempotency_key"]) == ("c-1", "i-1")


def test_keys_in_the_headers_count_when_the_body_names_none(sandbox, api, peer):
    headers = {"x-agentmail-correlation-id": "c-h", "X-AgentMail-Idempotency-Key": "i-h"}
    first = send(api, peer.address, headers=headers).json()
    assert (first["correlation_id"], first["idempotency_key"]) == ("c-h", "i-h")
    other = send(api, peer.address, headers=headers, correlation_id="c-b", idempotency_key="i-b")
    assert other.json()["correlation_id"] == "c-b"
    mail = email.message_from_string(received(sandbox, peer)["raw_mime"])
    assert mail.get_all("X-AgentMail-Correlation-Id") == ["c-b"]
    assert mail.get_all("X-AgentMail-Idempotency-Key") == ["i-b"]


def test_a_repeated_key_gets_the_stored_bytes_and_delivers_once(sandbox, api, peer):
    fields = {"idempotency_key": "once", "headers": {"X-B": "2", "X-A": "1"}}
    first = send(api, peer.address, **fields)
    fields["headers"] = {"X-A": "1", "X-B": "2"}
    again = send(api, peer.address, **fields)
    assert again.content == first.content
    assert len(items(sandbox, peer)) == 1


def test_a_key_used_for_another_mail_is_409(sandbox, api, peer):
    send(api, peer.address, idempotency_key="k")
    other = send(api, peer.address, idempotency_key="k", body="Different.")
    assert (other.status_code, other.json()["error"]) == (409, "idempotency_key_conflict")
    assert len(items(sandbox, peer)) == 1


def test_a_refused_mail_leaves_its_key_free(sandbox, api, peer):
    refused = send(api, peer.address, idempotency_key="k", headers={"From": "x@y.example"})
    assert refused.status_code == 400
    assert send(api, peer.address, idempotency_key="k").status_code == 200
    assert len(items(sandbox, peer)) == 1


def test_keys_of_two_agents_do_not_meet(sandbox, api, peer):
    send(api, peer.address, idempotency_key="shared")
    body = {"to": peer.address, "subject": "s", "body": "b", "idempotency_key": "shared"}
    assert sandbox.call(peer, "POST", "/send", body)["idempotency_key"] == "shared"
    assert len(items(sandbox, peer)) == 2


def test_a_marketplace_mail_carries_its_id_and_gets_a_reservation(sandbox, api, peer):
    answer = send(api, peer.address, marketplace_request_id="mkt-1", usage={"tokens_input": 5})
    assert answer.json()["marketplace_request_id"] == "mkt-1"
    assert answer.json()["reservation_key"]
    told = received(sandbox, peer)
    assert told["MarketplaceRequestID"] == "mkt-1"
    assert told["TrafficType"] == "marketplace"
    assert "X-AgentMail-Marketplace-Request-Id: mkt-1" in told["raw_mime"]
    rows = api.get("/billing/usage").json()["items"]
    assert [(row["marketplace_request_id"], row["usage"]["tokens_input"]) for row in rows] == [
        ("mkt-1", 5)
    ]


def test_extra_headers_travel_and_the_encrypted_mark_is_seen(sandbox, api, peer):
    armor = "-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n"
    headers = {"X-AgentMail-Encrypted": "body", "In-Reply-To": "<a@b>", "References": "<x@y> <a@b>"}
    send(api, peer.address, body=armor, headers=headers)
    told = received(sandbox, peer)
    assert told["encrypted"] is told["Encrypted"] is True
    mail = email.message_from_string(told["raw_mime"])
    assert mail["In-Reply-To"] == "<a@b>"
    assert mail["References"] == "<x@y> <a@b>"


@pytest.mark.parametrize(
    "name",
    ["From", "to", "BCC", "Subject", "Content-Type", "content-transfer-encoding", "Message-ID",
     "X-AgentMail-Attachments", "Received", "MIME-Version"],
)  # fmt: skip
def test_headers_that_are_the_services_own_are_refused(api, peer, name):
    answer = send(api, peer.address, headers={name: "x"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_header")


@pytest.mark.parametrize(
    "headers",
    [{"X-A": "a\r\nBcc: b@c.example"}, {"X-A\r\nBcc": "x"}, {"X A": "x"}, {"X-A": "\x00"},
     {"X-A": "a\u2028b"}, {"X-A": "\x85"}, {"": "x"}, {"X:": "x"}],
)  # fmt: skip
def test_no_header_can_be_smuggled_in(sandbox, api, peer, headers):
    assert send(api, peer.address, headers=headers).status_code == 400
    assert len(items(sandbox, peer)) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("Reply-To", "<<<>>>@,;:"), ("Resent-Date", "soon"), ("References", "((((("),
     ("X-Long", "word " * 1900), ("X-Unbroken", "x" * 9000), ("X-Odd", "=?utf-8?q?=ZZ?= =?x"),
     ("Resent-Message-ID", "<"), ("List-Unsubscribe", "\u202e\u200b"), ("X-Empty", "")],
)  # fmt: skip
def test_hostile_header_values_are_carried_not_parsed(sandbox, api, peer, name, value):
    assert send(api, peer.address, headers={name: value}).status_code == 200
    mail = email.message_from_string(received(sandbox, peer)["raw_mime"])
    assert name in mail


@pytest.mark.parametrize(
    "to",
    ["", "x", "a@b@c", "Name <a@b.example>", "a@b.example, c@d.example", "a b@c.example",
     "a@b.example\n", "é@b.example", "@b.example", "a@", "a@-b.example", ["a@b.example"], None],
)  # fmt: skip
def test_the_recipient_is_one_bare_address(api, to):
    assert send(api, to).status_code == 400


def test_a_mail_to_the_outside_is_recorded_and_not_delivered(sandbox, agent, api):
    assert send(api, "person@elsewhere.example").status_code == 200
    assert send(api, "nobody-here@agents.example.com").status_code == 200
    sent = sandbox.sent(agent)
    assert [(mail["to"], mail["local"]) for mail in sent] == [
        ("person@elsewhere.example", False), ("nobody-here@agents.example.com", False),
    ]  # fmt: skip
    assert "Text." in sent[0]["raw_mime"]


def test_sending_to_oneself_works(sandbox, agent, api):
    send(api, agent.address.upper())
    assert received(sandbox, agent)["Sender"] == agent.address


def test_attachments_become_a_manifest_a_footer_and_downloads(sandbox, agent, api, peer):
    key = upload(api, "bericht ü.pdf", b"%PDF-1", "application/pdf")
    sealed = upload(api, "x.asc", b"-----BEGIN", "application/pgp-encrypted")
    refs = [
        {"object_key": key, "name": "Bericht ü.pdf"},
        {"object_key": sealed, "name": "x.asc", "encrypted": True,
         "encryption": {"algorithm": "openpgp", "format": "armored"}},
    ]  # fmt: skip
    assert send(api, peer.address, attachments=refs).status_code == 200
    told = received(sandbox, peer)
    mail = parsed(told)
    header = json.loads(mail["X-AgentMail-Attachments"])
    assert [entry["object_key"] for entry in header] == [key, sealed]
    assert [(e["index"], e["file_name"], e["content_type"], e["size"], e["status"], e["encrypted"])
            for e in told["attachments"]] == [
        (0, "Bericht ü.pdf", "application/pdf", 6, "ready", False),
        (1, "x.asc", "application/pgp-encrypted", 10, "ready", True),
    ]  # fmt: skip
    assert told["AttachmentCount"] == 2
    links = [line.rsplit(" ", 1)[1] for line in mail.get_content().splitlines() if "http" in line]
    assert [fetch(link) for link in links] == [b"%PDF-1", b"-----BEGIN"]
    assert all("X-Amz-Expires=604800" in link for link in links)
    path = f"/messages/{told['MessageID']}/attachments/0"
    assert sandbox.call(peer, "GET", f"{path}/status")["status"] == "ready"
    link = sandbox.call(peer, "POST", f"{path}/download-request")["url"]
    assert fetch(link) == b"%PDF-1"


def test_the_footer_can_be_switched_off(sandbox, api, peer):
    sandbox.settings(footer=False)
    key = upload(api, "a.txt", b"x", "text/plain")
    send(api, peer.address, attachments=[{"object_key": key}])
    assert "Attachments (links" not in received(sandbox, peer)["raw_mime"]


def test_a_long_footer_follows_armor_without_touching_it(sandbox, api, peer):
    armor = "-----BEGIN PGP MESSAGE-----\n\n" + "A" * 64 + "\n-----END PGP MESSAGE-----\n"
    key = upload(api, "a.txt", b"x", "text/plain")
    send(api, peer.address, body=armor, attachments=[{"object_key": key}])
    mail = parsed(received(sandbox, peer))
    assert text(mail).startswith(armor)


def test_only_own_and_existing_uploads_can_be_attached(sandbox, api, peer):
    theirs = send(api, peer.address, attachments=[{"object_key": f"uploads/{peer.agent_id}/x"}])
    assert (theirs.status_code, theirs.json()["error"]) == (403, "forbidden_object_key")
    key = upload(api, "a", b"x", "text/plain")
    gone = send(api, peer.address, attachments=[{"object_key": key + "y"}])
    assert (gone.status_code, gone.json()["error"]) == (404, "attachment_not_found")
    assert len(items(sandbox, peer)) == 0


def upload(api, name, data, content_type):
    body = {"file_name": name, "content_type": content_type, "max_bytes": 1000}
    grant = api.post("/attachments/upload-request", json=body).json()
    form = dict(grant["upload"])
    url = form.pop("url")
    files = {"file": (name, data, content_type)}
    answer = httpx.post(url, data=form, files=files, trust_env=False, verify=False)
    assert answer.status_code == 204, answer.text
    return grant["object_key"]


def fetch(link):
    return httpx.get(link, trust_env=False, verify=False).content


def test_the_record_of_a_send_holds_the_request_as_it_came_once_for_each_delivery(
    sandbox, agent, api, peer
):
    more = {"idempotency_key": "i-9", "usage": {"tokens_input": 3}, "invented": True}
    assert send(api, peer.address, **more).status_code == 200
    assert send(api, peer.address, **more).status_code == 200
    (record,) = sandbox.sent(agent)
    assert record["request"] == {
        "to": peer.address, "subject": "Hello", "body": "Text.", **more,
    }  # fmt: skip
    assert len(items(sandbox, peer)) == 1
