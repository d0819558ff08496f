"""The inbox list of the sandbox, over HTTP (api/assmbl.md §4.1)."""

from __future__ import annotations

import pytest


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [item["MessageID"] for item in answer.json()["items"]]


def mail(subject="Report", sender="Ada <ada@corp.example>", body="The numbers are in."):
    return f"From: {sender}\r\nSubject: {subject}\r\n\r\n{body}\r\n"


def test_messages_come_oldest_first_with_every_known_field(sandbox, agent, api):
    first = sandbox.add_mail(
        agent, mail("one"), verified=True, labels=["x"], received_at=1_700_000_000
    )
    second = sandbox.add_mail(agent, mail("two"))
    page = api.get("/inbox").json()
    assert [item["MessageID"] for item in page["items"]] == [first, second]
    assert page["next_cursor"] is None
    assert page["items"][0] == {
        "MessageID": first, "SenderVerified": True, "Sender": "Ada <ada@corp.example>",
        "Recipient": agent.address, "Subject": "one", "BodyPreview": "The numbers are in.",
        "ReceivedAt": "2023-11-14T22:13:20Z", "Labels": ["x"], "IsRead": False, "Archived": False,
        "Encrypted": False, "AttachmentCount": 0, "TrustTier": "verified",
        "TrafficType": "direct", "CorrelationID": "", "MarketplaceRequestID": "",
    }  # fmt: skip


def test_a_walk_by_cursor_sees_every_message_once(sandbox, agent, api):
    made = [sandbox.add_mail(agent, mail(str(n))) for n in range(7)]
    seen, cursor = [], None
    while True:
        answer = api.get("/inbox", params={"limit": 3} | ({"cursor": cursor} if cursor else {}))
        seen += ids(answer)
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    assert seen == made


def test_a_cursor_survives_the_deletion_of_the_message_it_stands_on(sandbox, agent, api):
    made = [sandbox.add_mail(agent, mail(str(n))) for n in range(4)]
    cursor = api.get("/inbox", params={"limit": 2}).json()["next_cursor"]
    for message_id in made[1:3]:
        assert api.delete(f"/messages/{message_id}").status_code == 200
    assert ids(api.get("/inbox", params={"cursor": cursor})) == made[3:]


def test_filters_combine_with_and(sandbox, agent, api):
    wanted = sandbox.add_mail(agent, mail("Invoice 7"), verified=True, labels=["todo"])
    sandbox.add_mail(agent, mail("Invoice 8"), verified=False, labels=["todo"])
    sandbox.add_mail(agent, mail("Invoice 9"), verified=True, is_read=True, labels=["todo"])
    sandbox.add_mail(agent, mail("Invoice 10"), verified=True, archived=True, labels=["todo"])
    sandbox.add_mail(agent, mail("Invoice 11"), verified=True)
    query = {"q": "invoice", "verified_only": "true", "label": "todo", "is_read": "false"}
    assert ids(api.get("/inbox", params=query)) == [wanted]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, "ab"),
        ({"include_archived": "true"}, "abc"),
        ({"is_read": "true"}, "b"),
        ({"is_read": "false", "include_archived": "true"}, "ac"),
        ({"label": "Late"}, ""),
        ({"label": "late"}, "b"),
        ({"verified_only": "false"}, "ab"),
        ({"verified_only": "true"}, "a"),
    ],
)
def test_each_filter_keeps_what_it_says(sandbox, agent, api, query, wanted):
    made = {
        "a": sandbox.add_mail(agent, mail(), verified=True),
        "b": sandbox.add_mail(agent, mail(), is_read=True, labels=["late"]),
        "c": sandbox.add_mail(agent, mail(), archived=True),
    }
    assert ids(api.get("/inbox", params=query)) == [made[name] for name in wanted]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("QUARTERLY", True), ("arterl", True), ("corp.example", True), ("numbers are", True),
        ("é", True), ("ÜBER", True), ("50% [/off]", True), ('"said"', True), ("o'b", True),
        ("qu", True), ("50%x", False), ("_uarterly", False), ("AND", False), ("*", False),
        ("numbers  are", False), ("\x00", False), ("quarterly\x00", False), ("x" * 3000, False),
    ],
)  # fmt: skip
def test_search_is_a_substring_without_operators(sandbox, agent, api, q, found):
    subject = 'Quarterly é über "said" O\'Brien 50% [/off]'
    sandbox.add_mail(agent, mail(subject))
    sandbox.add_mail(agent, mail("Something else", "x@y.example", "Hello"))
    assert len(ids(api.get("/inbox", params={"q": q}))) == int(found)


def test_search_finds_nothing_that_was_deleted(sandbox, agent, api):
    made = sandbox.add_mail(agent, mail("zanzibar"))
    assert ids(api.get("/inbox", params={"q": "zanzibar"})) == [made]
    api.delete(f"/messages/{made}")
    assert ids(api.get("/inbox", params={"q": "zanzibar"})) == []


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("limit=0", "invalid_limit"), ("limit=101", "invalid_limit"), ("limit=", "invalid_limit"),
        ("limit=-1", "invalid_limit"), ("limit=1e1", "invalid_limit"), ("limit=99999999999999999999", "invalid_limit"),
        ("limit=%D9%A3", "invalid_limit"), ("limit=1.0", "invalid_limit"),
        ("cursor=", "invalid_cursor"), ("cursor=abc", "invalid_cursor"),
        ("cursor=%FF%00", "invalid_cursor"), ("cursor=" + "A" * 32, "invalid_cursor"),
        ("q=", "invalid_query"), ("q=%20%09", "invalid_query"), ("q=%E3%80%80", "invalid_query"),
        ("verified_only=1", "invalid_query"), ("is_read=True", "invalid_query"),
        ("include_archived=", "invalid_query"), ("&".join(["a=1"] * 200), "invalid_query"),
    ],
)  # fmt: skip
def test_a_bad_query_is_400_with_the_contracts_name(api, query, error):
    answer = api.get(f"/inbox?{query}")
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_another_agents_cursor_is_refused(sandbox, agent, api):
    other = sandbox.new_agent()
    for _ in range(2):
        sandbox.add_mail(other, mail())
    headers = {"Authorization": f"Bearer {other.token}"}
    cursor = api.get("/inbox?limit=1", headers=headers).json()["next_cursor"]
    assert cursor
    answer = api.get("/inbox", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_cursor")


def test_the_default_page_is_25_and_the_largest_100(sandbox, agent, api):
    sandbox.fill(agent, 101)
    assert len(ids(api.get("/inbox"))) == 25
    page = api.get("/inbox?limit=100&include_archived=true").json()
    assert len(page["items"]) == 100
    assert page["next_cursor"]


def test_every_verdict_of_a_sample_mailbox_is_there(sandbox, agent, api):
    sandbox.fill(agent, 100)
    items = api.get("/inbox?limit=100&include_archived=true").json()["items"]
    assert {item["SenderVerified"] for item in items} == {True, False}
    assert {item["IsRead"] for item in items} == {True, False}
