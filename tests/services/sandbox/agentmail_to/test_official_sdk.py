"""The official SDK works against the /v0 door, and its models find nothing that deviates.

The call list of api/agentmail_to.md §14. Every answer is validated as raw JSON against the model
that the SDK chose, with a scan for invented fields and for nulls (sdk_check.py).
"""

from __future__ import annotations

import httpx
import pytest
from agentmail import AgentMail
from agentmail.api_keys.types.create_bearer_api_key_request import CreateBearerApiKeyRequest
from agentmail.core.api_error import ApiError
from agentmail.errors import ConflictError, NotFoundError, ValidationError
from agentmail.inbox_events.types.inbox_event_type import InboxEventType
from agentmail.inboxes.types.create_inbox_request import CreateInboxRequest
from agentmail.inboxes.types.inbox_status import InboxStatus
from agentmail.lists.types.entry_type import EntryType
from agentmail.messages.errors import MessageRejectedError
from agentmail.messages.types.message import Message

from tests.services.sandbox.agentmail_to.sdk_check import Deviation, check, checked, literals
from tests.services.sandbox.agentmail_to.v0_control import (
    Org,
    V0Control,
    attachment,
    client_of,
    mail,
)


def test_identity_and_organization(sdk: AgentMail, v0: V0Control, org: Org) -> None:
    me = checked(sdk.auth.me)
    assert (me.scope_type, me.scope_id) == ("organization", org.organization_id)
    narrow = client_of(v0, v0.key(org, inbox_id=org.one))
    me = checked(narrow.auth.me)
    assert (me.scope_type, me.scope_id, me.inbox_id) == ("inbox", org.one, org.one)
    assert checked(sdk.organizations.get).inbox_count == 2


def test_inboxes_from_making_to_deleting(sdk: AgentMail, org: Org) -> None:
    bare = checked(sdk.inboxes.create)
    wanted = CreateInboxRequest(
        username=f"{org.one.partition('@')[0]}-x", display_name="Named One",
        client_id=f"c-{org.pod_id}", metadata={"team": "a", "rank": 2, "on": True},
    )  # fmt: skip
    named = checked(sdk.inboxes.create, request=wanted)
    again = checked(
        sdk.inboxes.create, request=CreateInboxRequest(client_id=f"c-{org.pod_id}")
    )  # fmt: skip
    assert again.inbox_id == named.inbox_id
    page = checked(sdk.inboxes.list, limit=1, ascending=False)
    assert (page.count, len(page.inboxes)) == (1, 1)
    assert page.next_page_token
    second = checked(sdk.inboxes.list, limit=1, page_token=page.next_page_token, ascending=False)
    assert second.inboxes[0].inbox_id != page.inboxes[0].inbox_id
    found = checked(sdk.inboxes.search, q="named")
    assert [inbox.inbox_id for inbox in found.inboxes] == [named.inbox_id]
    changed = checked(
        sdk.inboxes.update, named.inbox_id, display_name="Other", status="paused",
        metadata={"team": None, "new": "yes"},
    )  # fmt: skip
    assert changed.metadata == {"rank": 2, "on": True, "new": "yes"}
    assert changed.status in literals(InboxStatus)
    assert checked(sdk.inboxes.get, named.inbox_id).display_name == "Other"
    for inbox_id in (bare.inbox_id, named.inbox_id):
        checked(sdk.inboxes.delete, inbox_id)
    with pytest.raises(NotFoundError):
        checked(sdk.inboxes.get, bare.inbox_id)


def test_messages_are_listed_with_every_filter(sdk: AgentMail, v0: V0Control, org: Org) -> None:
    for at, subject in enumerate(("Alpha one", "Beta two", "Alpha three")):
        v0.receive(org.one, mail(subject, Cc="C <c@x.example>"), received_at=1_700_000_000.5 + at)
    everything = checked(sdk.inboxes.messages.list, org.one)
    assert [m.subject for m in everything.messages] == ["Alpha three", "Beta two", "Alpha one"]

    def subjects(**named: object) -> list[str]:
        return [m.subject for m in checked(sdk.inboxes.messages.list, org.one, **named).messages]

    assert subjects(ascending=True) == ["Alpha one", "Beta two", "Alpha three"]
    assert subjects(limit=1) == ["Alpha three"]
    assert subjects(labels=["received", "unread"]) == [m.subject for m in everything.messages]
    assert subjects(labels=["sent"]) == []
    assert subjects(subject=["alpha", "one"]) == ["Alpha one"]
    assert subjects(from_=["ada"]) == [m.subject for m in everything.messages]
    assert subjects(to=["c@x.example"]) == [m.subject for m in everything.messages]
    middle = everything.messages[1].timestamp
    assert subjects(after=middle) == ["Alpha three", "Beta two"]
    assert subjects(before=middle) == ["Beta two", "Alpha one"]
    flags = ("include_spam", "include_blocked", "include_unauthenticated", "include_trash")
    assert len(subjects(**dict.fromkeys(flags, True))) == 3


def test_a_message_is_read_searched_labelled_and_deleted(
    sdk: AgentMail, v0: V0Control, org: Org
) -> None:
    received = v0.receive(
        org.one,
        mail("Quarterly report", "The zebra is new.\r\n\r\nOn Monday Bo wrote:\r\n> old words",
             In_Reply_To="<a@b>", References="<x@y> <a@b>", Reply_To="Desk <desk@x.example>"),
    )["message_id"]  # fmt: skip
    whole = checked(sdk.inboxes.messages.get, org.one, received)
    assert whole.extracted_text == "The zebra is new."
    assert (whole.in_reply_to, whole.references) == ("<a@b>", ["<x@y>", "<a@b>"])
    assert whole.reply_to == ["Desk <desk@x.example>"]
    found = checked(sdk.inboxes.messages.search, org.one, q="zeb", limit=5)
    assert found.messages[0].highlights.text == [
        "The **zebra** is new.\n\nOn Monday Bo wrote:\n> old words"
    ]
    after = checked(sdk.inboxes.messages.update, org.one, received, add_labels="Read",
                    remove_labels=["unread"])  # fmt: skip
    assert sorted(after.labels) == ["read", "received"]
    got = checked(sdk.inboxes.messages.batch_get, org.one, message_ids=[received, "<gone@x>"])
    assert (got.count, got.limit, got.messages[0].text) == (1, 2, None)
    done = checked(
        sdk.inboxes.messages.batch_update, org.one, message_ids=[received], add_labels=["a", "b"]
    )
    assert done.updates[0].labels == ["read", "received", "a", "b"]
    events = checked(sdk.inboxes.events.list, org.one)
    assert {(e.event_type, e.label) for e in events.events} == {
        ("label.added", "read"), ("label.removed", "unread"), ("label.added", "a"),
        ("label.added", "b"),
    }  # fmt: skip
    assert {event.event_type for event in events.events} <= literals(InboxEventType)
    checked(sdk.inboxes.messages.delete, org.one, received)
    with pytest.raises(NotFoundError):
        checked(sdk.inboxes.messages.get, org.one, received)


def test_sending_with_everything_and_what_arrives(sdk: AgentMail, org: Org) -> None:
    sent = checked(
        sdk.inboxes.messages.send, org.one, to=f"Two <{org.two}>", cc=["c@out.example"],
        bcc="oversight@out.example", reply_to=["back@out.example"], subject="Ünïcode — and ok",
        text="Plain words", html="<p>Plain words</p>", attachments=[attachment()],
        headers={"X-Team": "blue"}, labels=["Outreach"],
    )  # fmt: skip
    mine = checked(sdk.inboxes.messages.get, org.one, sent.message_id)
    assert sorted(mine.labels) == ["delivered", "outreach", "sent"]
    assert mine.bcc == ["oversight@out.example"]
    theirs = checked(sdk.inboxes.messages.get, org.two, sent.message_id)
    assert (theirs.subject, theirs.text) == ("Ünïcode — and ok", "Plain words")
    assert (theirs.bcc, theirs.headers["X-Team"]) == (None, "blue")
    assert sorted(theirs.labels) == ["received", "unread"]
    listed = checked(sdk.inboxes.messages.list, org.two).messages[0]
    assert listed.attachments[0].filename == "note.txt"
    link = checked(
        sdk.inboxes.messages.get_attachment, org.two, sent.message_id,
        theirs.attachments[0].attachment_id,
    )  # fmt: skip
    assert httpx.get(link.download_url, trust_env=False).content.strip() == b"enclosed"
    raw = checked(sdk.inboxes.messages.get_raw, org.two, sent.message_id)
    mime = httpx.get(raw.download_url, trust_env=False).content
    assert len(mime) == raw.size
    assert b"oversight" not in mime


def test_a_key_sends_once_and_another_content_is_a_conflict(sdk: AgentMail, org: Org) -> None:
    options = {"additional_headers": {"Idempotency-Key": "once-1"}}
    send = sdk.inboxes.messages.send
    first = checked(send, org.one, to=org.two, text="x", request_options=options)
    second = checked(send, org.one, to=org.two, text="x", request_options=options)
    assert first.message_id == second.message_id
    assert checked(sdk.inboxes.messages.list, org.two).count == 1
    with pytest.raises(ConflictError):
        checked(send, org.one, to=org.two, text="y", request_options=options)


def test_reply_reply_all_and_forward(sdk: AgentMail, v0: V0Control, org: Org) -> None:
    source = v0.receive(
        org.one,
        mail("Question", "What now?", To=f"{org.one}, bo@out.example", Cc="cy@out.example"),
    )["message_id"]
    messages = sdk.inboxes.messages
    plain = checked(messages.reply, org.one, source, text="This.")
    whole = checked(messages.get, org.one, plain.message_id)
    assert (whole.subject, whole.to) == ("Re: Question", ["Ada <ada@elsewhere.example>"])
    assert whole.in_reply_to == source
    everybody = checked(messages.reply_all, org.one, source, text="All.")
    whole = checked(messages.get, org.one, everybody.message_id)
    assert whole.to == ["Ada <ada@elsewhere.example>", "bo@out.example"]
    assert whole.cc == ["cy@out.example"]
    chosen = checked(messages.reply, org.one, source, to=[org.two], bcc=["b@out.example"], text="C")
    assert checked(messages.get, org.one, chosen.message_id).to == [org.two]
    onward = checked(messages.forward, org.one, source, to=org.two, text="See below.")
    theirs = checked(messages.get, org.two, onward.message_id)
    assert theirs.subject == "Fwd: Question"
    assert theirs.text.startswith("See below.")
    assert "What now?" in theirs.text
    thread = checked(sdk.inboxes.threads.get, org.one, plain.thread_id)
    assert [m.message_id for m in thread.messages][:2] == [source, plain.message_id]


def test_lists_of_all_scopes(sdk: AgentMail, org: Org) -> None:
    for lists, scope in (
        (sdk.lists, ()), (sdk.inboxes.lists, (org.one,)), (sdk.pods.lists, (org.pod_id,)),
    ):  # fmt: skip
        made = checked(lists.create, *scope, "send", "block", entry="Bad@x.example", reason="spam")
        assert (made.entry, made.reason, made.entry_type) == ("bad@x.example", "spam", "email")
        assert made.entry_type in literals(EntryType)
        checked(lists.create, *scope, "send", "block", entry="evil.example")
        listed = checked(lists.list, *scope, "send", "block", limit=1)
        assert listed.next_page_token
        assert checked(lists.get, *scope, "send", "block", "evil.example").entry_type == "domain"
        checked(lists.delete, *scope, "send", "block", "evil.example")
        with pytest.raises(NotFoundError):
            checked(lists.get, *scope, "send", "block", "evil.example")
    with pytest.raises(MessageRejectedError):
        checked(sdk.inboxes.messages.send, org.one, to="bad@x.example", text="x")


def test_pods_and_keys(sdk: AgentMail, v0: V0Control, org: Org) -> None:
    assert [pod.pod_id for pod in checked(sdk.pods.list).pods] == [org.pod_id]
    made = checked(sdk.pods.create, name="second")
    assert checked(sdk.pods.get, made.pod_id).name == "second"
    inbox = checked(sdk.pods.inboxes.create, made.pod_id)
    assert checked(sdk.pods.inboxes.list, made.pod_id).count == 1
    wanted = CreateBearerApiKeyRequest(name="narrow")
    key = checked(sdk.inboxes.api_keys.create, inbox.inbox_id, request=wanted)
    narrow = client_of(v0, key.api_key)
    assert [one.inbox_id for one in checked(narrow.inboxes.list).inboxes] == [inbox.inbox_id]
    checked(sdk.api_keys.delete, key.api_key_id)
    with pytest.raises(ApiError) as refused:
        checked(narrow.inboxes.list)
    assert refused.value.status_code == 401
    checked(sdk.inboxes.delete, inbox.inbox_id)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "status", "status": 400}, ValidationError),
        ({"kind": "status", "status": 401}, ApiError),
        ({"kind": "status", "status": 403}, MessageRejectedError),
        ({"kind": "answer", "status": 403, "body": '{"message":"Forbidden"}'},
         MessageRejectedError),
        ({"kind": "status", "status": 404}, NotFoundError),
        ({"kind": "status", "status": 409}, ConflictError),
        ({"kind": "answer", "status": 422, "body": '{"detail":"text Field required"}'}, ApiError),
        ({"kind": "status", "status": 429, "retry_after": "1"}, ApiError),
        ({"kind": "status", "status": 500}, ApiError),
        ({"kind": "status", "status": 503}, ApiError),
        ({"kind": "html"}, ApiError),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_ordered_failures_reach_the_sdk_as_its_exceptions(
    sdk: AgentMail, v0: V0Control, org: Org, fault: dict[str, object], kind: type[Exception]
) -> None:
    given = {name: value for name, value in fault.items() if name != "kind"}
    v0.sandbox.fault(str(fault["kind"]), operation="v0_send_message", **given)
    with pytest.raises(kind) as raised:
        checked(sdk.inboxes.messages.send, org.one, to=org.two, text="x")
    assert isinstance(raised.value, ApiError)
    assert raised.value.status_code == fault.get("status", 200)
    assert v0.sent(org.one) == []


def test_real_refusals_reach_the_sdk_as_its_exceptions(sdk: AgentMail, org: Org) -> None:
    send = sdk.inboxes.messages.send
    with pytest.raises(ApiError) as nobody:
        checked(send, org.one, text="x")
    assert nobody.value.status_code == 422
    with pytest.raises(ValidationError):
        checked(send, org.one, to=[f"a{n}@x.example" for n in range(51)], text="x")
    with pytest.raises(ValidationError):
        checked(sdk.inboxes.messages.search, org.one, q="x", page_token="invented")
    checked(sdk.inboxes.update, org.one, status="paused")
    with pytest.raises(MessageRejectedError):
        checked(send, org.one, to=org.two, text="x")


def test_the_check_itself_finds_what_deviates(sdk: AgentMail, v0: V0Control, org: Org) -> None:
    v0.receive(org.one, mail())
    v0.sandbox.fault("unknown_fields", operation="v0_list_messages")
    with pytest.raises(Deviation, match=r"messages\[0\].field_of_tomorrow"):
        checked(sdk.inboxes.messages.list, org.one)
    with pytest.raises(Deviation, match="labels"):
        check(Message, {"inbox_id": "x"})
