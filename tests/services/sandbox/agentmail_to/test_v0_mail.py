"""What mail does in the /v0 door: two doors on one store, states, lists, links, oddities."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email import message_from_string, policy
from typing import Any

import httpx
import pytest

from services.sandbox.process import SandboxProcess
from services.sandbox.records import Agent
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, mail, seg


@pytest.fixture
def assmbl(v0: V0Control, org: Org) -> Agent:
    """The first inbox as the Assmbl door knows it."""
    name = org.one.partition("@")[0]
    agents = v0.sandbox.http.get("/_sandbox/agents").json()["agents"]
    (about,) = [agent for agent in agents if agent["agent_id"] == name]
    return Agent(name, org.one, about["token"])


def inbox_path(inbox_id: str, *more: str) -> str:
    return "/".join(("inboxes", seg(inbox_id), *more))


# ── one store ────────────────────────────────────────────────────────────────────────────────────


def test_a_mail_sent_by_one_door_arrives_at_the_other(
    v0: V0Control, org: Org, api_v0: httpx.Client, agent: Agent
) -> None:
    sent = api_v0.post(
        inbox_path(org.one, "messages", "send"),
        json={"to": agent.address, "bcc": "o@out.example", "subject": "Over", "text": "From /v0"},
    ).json()
    (item,) = v0.sandbox.call(agent, "GET", "/inbox")["items"]
    assert (item["Subject"], item["SenderVerified"]) == ("Over", True)
    raw = v0.sandbox.call(agent, "GET", f"/messages/{item['MessageID']}")["raw_mime"]
    read = message_from_string(raw, policy=policy.default)
    assert read["Message-ID"] == sent["message_id"]
    assert read["Bcc"] is None
    body = {"to": org.one, "subject": "Back", "body": "From Assmbl",
            "headers": {"In-Reply-To": sent["message_id"]}}  # fmt: skip
    v0.sandbox.call(agent, "POST", "/send", body)
    listed = api_v0.get(inbox_path(org.one, "messages")).json()["messages"]
    assert [m["subject"] for m in listed] == ["Back", "Over"]
    assert {m["thread_id"] for m in listed} == {sent["thread_id"]}


def test_read_state_and_deletion_are_the_same_at_both_doors(
    v0: V0Control, org: Org, api_v0: httpx.Client, assmbl: Agent
) -> None:
    stored = v0.sandbox.add_mail(assmbl, mail("Shared"))
    path = inbox_path(org.one, "messages")
    (message,) = api_v0.get(path).json()["messages"]
    one = f"{path}/{seg(message['message_id'])}"

    def unread_there() -> bool:
        return not v0.sandbox.call(assmbl, "GET", "/inbox")["items"][0]["IsRead"]

    api_v0.patch(one, json={"remove_labels": ["unread"], "add_labels": ["read"]})
    assert not unread_there()
    v0.sandbox.call(assmbl, "PATCH", f"/messages/{stored}/read", {"is_read": False})
    assert "unread" in api_v0.get(one).json()["labels"]
    v0.sandbox.call(assmbl, "PATCH", f"/messages/{stored}/read", {"is_read": True})
    assert "unread" not in api_v0.get(one).json()["labels"]
    v0.sandbox.call(assmbl, "DELETE", f"/messages/{stored}")
    assert api_v0.get(one).status_code == 404
    stored = v0.sandbox.add_mail(assmbl, mail("Second"))
    (message,) = api_v0.get(path).json()["messages"]
    assert api_v0.delete(f"{path}/{seg(message['message_id'])}").status_code == 200
    assert v0.sandbox.call(assmbl, "GET", "/inbox")["items"] == []


def test_mail_by_smtp_is_listed_in_the_order_of_arrival(
    v0: V0Control, org: Org, api_v0: httpx.Client
) -> None:
    host, _, port = v0.sandbox.smtp.partition(":")
    with smtplib.SMTP(host, int(port)) as smtp:
        for subject in ("One", "Two"):
            smtp.sendmail("ada@elsewhere.example", [org.one], mail(subject))
    listed = api_v0.get(inbox_path(org.one, "messages"), params={"ascending": "true"}).json()
    assert [m["subject"] for m in listed["messages"]] == ["One", "Two"]


@pytest.mark.parametrize("message_id", ["", "<twice@x.example>"], ids=["missing", "taken"])
def test_a_message_id_that_names_nothing_alone_is_replaced(
    v0: V0Control, org: Org, api_v0: httpx.Client, message_id: str
) -> None:
    v0.receive(org.one, mail("One", Message_ID=message_id))
    v0.receive(org.one, mail("Two", Message_ID=message_id))
    listed = api_v0.get(inbox_path(org.one, "messages")).json()["messages"]
    assert len({m["message_id"] for m in listed}) == 2
    for message in listed:
        one = inbox_path(org.one, "messages", seg(message["message_id"]))
        assert api_v0.get(one).json()["subject"] == message["subject"]


def test_a_mail_to_oneself_is_two_messages_of_one_thread(org: Org, api_v0: httpx.Client) -> None:
    api_v0.post(inbox_path(org.one, "messages", "send"), json={"to": org.one, "text": "Me"})
    listed = api_v0.get(inbox_path(org.one, "messages")).json()["messages"]
    assert sorted("sent" in m["labels"] for m in listed) == [False, True]
    assert len({m["thread_id"] for m in listed}) == 1


def test_what_was_announced_works_after_a_restart(disk: Any) -> None:
    first = SandboxProcess.start(messages=3, data=disk)
    first.stop()
    again = SandboxProcess.start(data=disk)
    try:
        assert again.agentmail_to.api_key == first.agentmail_to.api_key
        assert again.agentmail_to.inbox_keys == first.agentmail_to.inbox_keys
        access = again.agentmail_to
        for key in (access.api_key, access.inbox_keys["ops-bot@agents.example.com"]):
            listed = httpx.get(
                f"{access.base_url}{inbox_path('ops-bot@agents.example.com', 'messages')}",
                headers={"Authorization": f"Bearer {key}"}, trust_env=False,
            )  # fmt: skip
            assert listed.json()["count"] == 3
        assert access.api_key not in repr(again)
    finally:
        again.stop()


# ── states ───────────────────────────────────────────────────────────────────────────────────────


def test_trash_is_undone_and_deletion_is_not(v0: V0Control, org: Org, api_v0: httpx.Client) -> None:
    message_id = v0.receive(org.one, mail())["message_id"]
    path = inbox_path(org.one, "messages")
    one = f"{path}/{seg(message_id)}"
    api_v0.patch(one, json={"add_labels": "Trash"})
    assert api_v0.get(path).json()["count"] == 0
    in_trash = {"labels": '["trash"]', "include_trash": "true"}
    assert api_v0.get(path, params=in_trash).json()["count"] == 1
    api_v0.patch(one, json={"remove_labels": "trash"})
    assert api_v0.get(path).json()["count"] == 1
    assert api_v0.delete(one).status_code == 200
    assert api_v0.delete(one).status_code == 404


def test_an_address_that_leads_nowhere_bounces(org: Org, api_v0: httpx.Client) -> None:
    sent = api_v0.post(
        inbox_path(org.one, "messages", "send"),
        json={"to": "nobody-at-all@agents.example.com", "text": "x"},
    ).json()
    one = inbox_path(org.one, "messages", seg(sent["message_id"]))
    assert api_v0.get(one).json()["labels"] == ["bounced", "sent"]


def test_a_due_draft_that_may_not_leave_says_failed(
    v0: V0Control, org: Org, api_v0: httpx.Client
) -> None:
    drafts = inbox_path(org.one, "drafts")
    body = {"to": [org.two], "text": "x", "send_at": "2099-01-01T00:00:00Z"}
    draft = api_v0.post(drafts, json=body).json()
    assert draft["send_at"] == "2099-01-01T00:00:00.000Z"
    api_v0.patch(inbox_path(org.one), json={"status": "paused"})
    api_v0.patch(f"{drafts}/{draft['draft_id']}", json={"send_at": "2001-01-01T00:00:00Z"})
    failed = api_v0.get(f"{drafts}/{draft['draft_id']}").json()
    assert (failed["send_status"], v0.sent(org.one)) == ("failed", [])
    api_v0.patch(inbox_path(org.one), json={"status": "active"})
    api_v0.get("auth/me")
    assert v0.sent(org.one) == []
    soon = api_v0.patch(
        f"{drafts}/{draft['draft_id']}", json={"send_at": "2001-01-01T00:00:00Z"}
    ).json()
    assert soon["send_status"] == "scheduled"
    assert api_v0.get(f"{drafts}/{draft['draft_id']}").status_code == 404
    assert [sent["operation"] for sent in v0.sent(org.one)] == ["v0_scheduled"]


def test_a_draft_that_is_being_sent_stays_as_it_is(
    v0: V0Control, org: Org, api_v0: httpx.Client
) -> None:
    drafts = inbox_path(org.one, "drafts")
    draft = api_v0.post(drafts, json={"to": [org.two], "text": "x"}).json()["draft_id"]
    v0.control("PUT", f"drafts/{draft}", {"send_status": "sending"})
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/send")):
        answer = api_v0.request(method, f"{drafts}/{draft}{path}", json={})
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_a_paused_inbox_sends_nothing(v0: V0Control, org: Org, api_v0: httpx.Client) -> None:
    api_v0.patch(inbox_path(org.one), json={"status": "paused"})
    answer = api_v0.post(inbox_path(org.one, "messages", "send"), json={"to": org.two, "text": "x"})
    assert (answer.status_code, answer.json()["code"]) == (403, "inbox_paused")
    assert v0.sent(org.one) == []


# ── lists ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("entries", "passes"),
    [
        ({}, True),
        ({"lists/send/block": "bad.example"}, False),
        ({"lists/send/block": "x@bad.example"}, False),
        ({"lists/send/block": "other.example"}, True),
        ({"lists/send/block": "bad.example", "INBOX/lists/send/allow": "x@bad.example"}, True),
        ({"INBOX/lists/send/block": "x@bad.example", "lists/send/allow": "bad.example"}, False),
        ({"INBOX/lists/send/allow": "only.example"}, False),
        ({"lists/send/allow": "bad.example", "lists/send/block": "x@bad.example"}, False),
        ({"lists/receive/block": "bad.example"}, True),
    ],
)
def test_lists_decide_who_may_be_written_to(
    v0: V0Control, org: Org, api_v0: httpx.Client, entries: dict[str, str], passes: bool
) -> None:
    for path, entry in entries.items():
        made = api_v0.post(path.replace("INBOX", inbox_path(org.one)), json={"entry": entry})
        assert made.status_code == 200
    answer = api_v0.post(
        inbox_path(org.one, "messages", "send"),
        json={"bcc": "X@bad.example", "text": "x"},
    )
    if passes:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "message_rejected")
        assert v0.sent(org.one) == []


def test_what_comes_in_is_judged_by_receive_and_answers_by_reply(
    v0: V0Control, org: Org, api_v0: httpx.Client
) -> None:
    api_v0.post("lists/receive/block", json={"entry": "elsewhere.example"})
    sent = api_v0.post(
        inbox_path(org.one, "messages", "send"), json={"to": "ada@elsewhere.example", "text": "?"}
    ).json()["message_id"]
    v0.receive(org.one, mail("Cold"))
    v0.receive(org.one, mail("Answer", In_Reply_To=sent))
    path = inbox_path(org.one, "messages")
    listed = api_v0.get(path, params={"labels": "received"}).json()["messages"]
    assert [m["subject"] for m in listed] == ["Answer"]
    blocked = api_v0.get(path, params={"labels": "blocked", "include_blocked": "true"}).json()
    assert [m["subject"] for m in blocked["messages"]] == ["Cold"]


# ── links ────────────────────────────────────────────────────────────────────────────────────────


def test_a_link_works_without_the_key_only_and_ends(
    v0: V0Control, org: Org, api_v0: httpx.Client
) -> None:
    message_id = v0.receive(org.one, mail())["message_id"]
    raw = inbox_path(org.one, "messages", seg(message_id), "raw")
    link = api_v0.get(raw).json()["download_url"]
    assert httpx.URL(link).port != httpx.URL(v0.root).port
    leak = {"Authorization": f"Bearer {org.key}"}
    assert httpx.get(link, headers=leak, trust_env=False).status_code == 400
    assert httpx.get(link, trust_env=False).status_code == 200
    v0.sandbox.settings(clock_offset=3700.0)
    assert httpx.get(link, trust_env=False).status_code == 403
    v0.sandbox.fault("short_ttl", operation="v0_get_message_raw", seconds=0)
    assert api_v0.get(raw).status_code == 200


def test_a_linked_attachment_is_fetched_from_loopback_only(
    v0: V0Control, org: Org, api_v0: httpx.Client
) -> None:
    message_id = v0.receive(org.one, mail("Enclosed"))["message_id"]
    raw = api_v0.get(inbox_path(org.one, "messages", seg(message_id), "raw")).json()
    path = inbox_path(org.one, "messages", "send")

    def send(url: str) -> httpx.Response:
        file = {"filename": "mail.txt", "content_type": "text/plain", "url": url}
        return api_v0.post(path, json={"to": org.two, "text": "x", "attachments": [file]})

    assert send(raw["download_url"]).status_code == 200
    (theirs,) = api_v0.get(inbox_path(org.two, "messages")).json()["messages"]
    assert theirs["attachments"][0]["filename"] == "mail.txt"
    for url in (f"{v0.root}/v0/inboxes", "http://192.0.2.1/x", "file:///etc/passwd", "https://x/",
                "nonsense", "http://127.0.0.1:1/x"):  # fmt: skip
        refused = send(url)
        assert (refused.status_code, refused.json()["code"]) == (403, "message_rejected")


# ── ordered oddities ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def odd(v0: V0Control, org: Org, api_v0: httpx.Client) -> Iterator[Any]:
    """Order a fault and read one message."""
    message_id = v0.receive(org.one, mail())["message_id"]

    def read(kind: str, **fields: Any) -> httpx.Response:
        v0.sandbox.fault(kind, operation="v0_get_message", **fields)
        return api_v0.get(inbox_path(org.one, "messages", seg(message_id)))

    return read


def test_the_service_of_tomorrow_and_of_bad_days(odd: Any) -> None:
    assert odd("unknown_fields").json()["field_of_tomorrow"]
    assert "label-of-tomorrow" in odd("unknown_labels").json()["labels"]
    assert not {"text", "preview", "extracted_text"} & odd("absent_text").json().keys()
    assert odd("html").headers["content-type"] == "text/html"
    limited = odd("status", status=429, retry_after="1")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "1")
    assert limited.json()["code"] == "rate_limit_exceeded"
    gateway = odd("answer", status=403, body='{"message":"Forbidden"}')
    assert (gateway.status_code, gateway.json()) == (403, {"message": "Forbidden"})
    detail = odd("answer", status=422, body='{"detail":"text Field required"}')
    assert (detail.status_code, detail.json()) == (422, {"detail": "text Field required"})
    named = odd("status", status=403, error="missing_permission")
    assert named.json()["code"] == "missing_permission"
    with pytest.raises(httpx.TransportError):
        odd("drop_before")


def test_a_fault_hits_the_operation_and_the_inbox_it_names(
    v0: V0Control, org: Org, api_v0: httpx.Client, assmbl: Agent
) -> None:
    v0.sandbox.fault("status", assmbl, operation="v0_list_messages", status=503)
    assert api_v0.get(inbox_path(org.two, "messages")).status_code == 200
    assert api_v0.get(inbox_path(org.one)).status_code == 200
    assert api_v0.get(inbox_path(org.one, "messages")).status_code == 503
    assert api_v0.get(inbox_path(org.one, "messages")).status_code == 200
    (seen,) = [r for r in v0.sandbox.requests(assmbl) if r["status"] == 503]
    assert (seen["door"], seen["operation"]) == ("agentmail_to", "v0_list_messages")
    assert org.key not in str(seen)


def test_the_controls_answer_to_local_programs_only(v0: V0Control) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        answer = httpx.post(f"{v0.root}/_sandbox/organizations", json={}, headers=headers,
                            trust_env=False)  # fmt: skip
        assert answer.status_code == 403
