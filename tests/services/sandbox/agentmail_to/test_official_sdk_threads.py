"""The official SDK on threads and drafts of the /v0 door; every answer checked (sdk_check.py).

The call list of api/agentmail_to.md §14. Every answer is validated as raw JSON against the model
that the SDK chose, with a scan for invented fields and for nulls (sdk_check.py).
"""

from __future__ import annotations

import datetime as dt

import httpx
import pytest
from agentmail import AgentMail
from agentmail.drafts.types.draft_send_status import DraftSendStatus
from agentmail.errors import ConflictError, NotFoundError, UnprocessableError
from agentmail.messages.errors import MessageRejectedError

from tests.services.sandbox.agentmail_to.sdk_check import checked, literals
from tests.services.sandbox.agentmail_to.v0_control import (
    Org,
    V0Control,
    attachment,
    mail,
)


def test_threads_of_an_inbox_a_pod_and_the_organization(
    sdk: AgentMail, v0: V0Control, org: Org
) -> None:
    first = v0.receive(org.one, mail("Thread", "first zebra"), received_at=1_700_000_000.0)
    reply = checked(sdk.inboxes.messages.reply, org.one, first["message_id"], text="second",
                    attachments=[attachment()])  # fmt: skip
    v0.receive(org.two, mail("Elsewhere"))
    for threads, scope in (
        (sdk.inboxes.threads, (org.one,)),
        (sdk.threads, ()),
        (sdk.pods.threads, (org.pod_id,)),
    ):
        listed = checked(threads.list, *scope, limit=1, senders=["ada"], recipients=["agents"],
                         labels=["received"], subject=["thr"])  # fmt: skip
        item = listed.threads[0]
        assert (item.thread_id, item.message_count) == (reply.thread_id, 2)
        assert set(item.labels) == {"delivered", "received", "sent", "unread"}
        assert item.received_timestamp < item.sent_timestamp
        found = checked(threads.search, *scope, q="zebra")
        assert found.threads[0].highlights.text == ["first **zebra**"]
        newest = checked(threads.get, *scope, reply.thread_id, limit=1)
        assert [m.message_id for m in newest.messages] == [reply.message_id]
        older = checked(threads.get, *scope, reply.thread_id, limit=1,
                        page_token=newest.next_page_token)  # fmt: skip
        assert [m.message_id for m in older.messages] == [first["message_id"]]
        assert older.next_page_token is None
        file = item.attachments[0].attachment_id
        assert checked(threads.get_attachment, *scope, reply.thread_id, file).download_url
        changed = checked(threads.update, *scope, reply.thread_id, add_labels=["trash"])
        assert "trash" in changed.labels
        assert reply.thread_id not in [t.thread_id for t in checked(threads.list, *scope).threads]
        in_trash = checked(threads.list, *scope, include_trash=True, labels=["trash"])
        assert [t.thread_id for t in in_trash.threads] == [reply.thread_id]
        checked(threads.update, *scope, reply.thread_id, remove_labels=["trash"])
    checked(sdk.threads.delete, reply.thread_id)
    with pytest.raises(NotFoundError):
        checked(sdk.inboxes.threads.get, org.one, reply.thread_id)


def test_drafts_from_making_to_sending(sdk: AgentMail, v0: V0Control, org: Org) -> None:
    drafts = sdk.inboxes.drafts
    made = checked(
        drafts.create, org.one, to=[org.two], cc=["c@out.example"], subject="Draft", text="Body",
        html="<p>Body</p>", labels=["Review"], attachments=[attachment()], client_id="d-1",
        reply_to=["r@out.example"],
    )  # fmt: skip
    assert checked(drafts.create, org.one, client_id="d-1").draft_id == made.draft_id
    changed = checked(
        drafts.update, org.one, made.draft_id, html=None, cc=[], subject="Changed",
        add_labels=["x"], remove_labels=["review"],
        add_attachments=[attachment("two.txt", b"2")],
        remove_attachments=[made.attachments[0].attachment_id],
    )  # fmt: skip
    assert (changed.html, changed.cc, changed.labels) == (None, None, ["x"])
    assert [file.filename for file in changed.attachments] == ["two.txt"]
    link = checked(drafts.get_attachment, org.one, made.draft_id,
                   changed.attachments[0].attachment_id)  # fmt: skip
    assert httpx.get(link.download_url, trust_env=False).content == b"2"
    for listed in (
        checked(drafts.list, org.one, labels=["x"]),
        checked(sdk.drafts.list),
        checked(sdk.pods.drafts.list, org.pod_id),
    ):
        assert [d.draft_id for d in listed.drafts] == [made.draft_id]
    assert checked(sdk.drafts.get, made.draft_id).subject == "Changed"
    sent = checked(drafts.send, org.one, made.draft_id, add_labels=["y"])
    mine = checked(sdk.inboxes.messages.get, org.one, sent.message_id)
    assert {"x", "y", "sent"} <= set(mine.labels)
    assert checked(sdk.inboxes.messages.get, org.two, sent.message_id).text == "Body"
    for call in (drafts.get, drafts.send):
        with pytest.raises((NotFoundError, MessageRejectedError)):
            checked(call, org.one, made.draft_id)


def test_drafts_that_answer_forward_and_wait(sdk: AgentMail, v0: V0Control, org: Org) -> None:
    source = v0.receive(org.one, mail("Ask", "Why?", To=org.one))["message_id"]
    drafts = sdk.inboxes.drafts
    answer = checked(drafts.create, org.one, in_reply_to=source, reply_all=True, text="Because.")
    assert (answer.subject, answer.to) == ("Re: Ask", ["Ada <ada@elsewhere.example>"])
    assert answer.references == [source]
    sent = checked(drafts.send, org.one, answer.draft_id)
    assert checked(sdk.inboxes.messages.get, org.one, sent.message_id).in_reply_to == source
    onward = checked(drafts.create, org.one, forward_of=source, to=[org.two])
    checked(drafts.send, org.one, onward.draft_id)
    assert "Why?" in checked(sdk.inboxes.messages.list, org.two).messages[0].preview
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    waits = checked(drafts.create, org.one, to=[org.two], text="Later", send_at=later)
    assert waits.send_status in literals(DraftSendStatus)
    assert waits.labels == ["scheduled"]
    free = checked(drafts.update, org.one, waits.draft_id, send_at=None)
    assert (free.send_at, free.send_status, free.labels) == (None, None, [])
    checked(drafts.update, org.one, waits.draft_id, send_at=later)
    v0.sandbox.settings(clock_offset=3700.0)
    assert checked(sdk.inboxes.messages.list, org.two).count == 2
    with pytest.raises(NotFoundError):
        checked(drafts.get, org.one, waits.draft_id)
    busy = checked(drafts.create, org.one, to=[org.two], text="x")
    v0.control("PUT", f"drafts/{busy.draft_id}", {"send_status": "sending"})
    with pytest.raises(ConflictError):
        checked(drafts.update, org.one, busy.draft_id, text="y")
    checked(sdk.inboxes.drafts.list, org.one)


def test_a_long_thread_cannot_be_relabelled_at_once(
    sdk: AgentMail, v0: V0Control, org: Org
) -> None:
    first = v0.receive(org.one, mail("Long"))
    for _ in range(99):
        v0.receive(org.one, mail("Long", In_Reply_To=first["message_id"]))
    with pytest.raises(UnprocessableError):
        checked(sdk.inboxes.threads.update, org.one, first["thread_id"], add_labels=["x"])
