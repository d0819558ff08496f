"""Ids that somebody else chose, in every operation of the table: the right path, or none at all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from services.api.agentmail_to.routes import ROUTES, SEND_ROUTES, V0Route
from services.errors import MailError, NotFound, UsageError
from tests.services.api.agentmail_to.conftest import Asked
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, mail, seg

REFUSED = {
    "empty": "",
    "dot": ".",
    "dots": "..",
    "line ends": "<a\r\nX-Evil: 1@x>",
    "line feed": "<a@x>\n",
    "nul": "<a\x00b@x>",
    "escape": "<\x1b]0;title\x07@x>",
    "no text": "<\udc80@x>",
    "c1 control": "<\x9b31m@x>",
}
PASSED = {
    "climbing": "</../..>",
    "climbing to keys": "</../../../api-keys/k1>",
    "bare climbing": "../../api-keys/k1",
    "slashes": "<a/b/raw@x>",
    "back slashes": "..\\..\\x",
    "query": "<a?limit=1@x>",
    "fragment": "<a#b@x>",
    "percent": "<100%25@x>",
    "escaped dots": "%2e%2e",
    "escaped slash": "%2F..%2F",
    "plus and blank": "<a+b c@x>",
    "blank": " ",
    "letters": "<ünïcode-☃-\U0001f600@x>",
    "right to left": "<\u202egpj.exe@x>",
    "long": f"<{'x' * 1000}@x>",
    "upper literal": "SEARCH",
    "dotted": "...",
}
LITERAL = {"search", "send", "batch-get", "batch-update"}
OPERATIONS = {**ROUTES, **SEND_ROUTES}
BODIES: dict[str, dict[str, Any]] = {
    "batch_get_messages": {"message_ids": ["<none@x>"]},
    "batch_update_messages": {"message_ids": ["<none@x>"], "add_labels": ["x"]},
    "update_message": {"add_labels": ["x"]},
    "update_thread": {"add_labels": ["x"]},
    "create_draft": {"subject": "x"},
    "update_draft": {"subject": "x"},
    "create_entry": {"entry": "a@b.example"},
    "create_organization_entry": {"entry": "a@b.example"},
    "update_inbox": {"display_name": "x"},
    "send_message": {"to": ["a@b.example"], "text": "x"},
    "reply_message": {"to": ["a@b.example"], "text": "x"},
}
QUERIES = {
    "search_messages": {"q": "xx"},
    "search_inboxes": {"q": "xx"},
    "search_threads": {"q": "xx"},
}
PLACES = [
    (name, place)
    for name, route in OPERATIONS.items()
    if name not in SEND_ROUTES
    for place in re.findall(r"\{(\w+)\}", route.path)
    if place not in {"direction", "type"}
]
"""What stands in for direction and type are words of ours."""


def ids_for(route: V0Route, org: Org, place: str, hostile: str) -> dict[str, str]:
    usual = {
        "inbox_id": org.one,
        "message_id": "<plain@x>",
        "thread_id": "plain",
        "draft_id": "plain",
        "attachment_id": "plain",
        "direction": "receive",
        "type": "block",
        "entry": "a@b.example",
    }
    return {name: usual[name] for name in re.findall(r"\{(\w+)\}", route.path)} | {place: hostile}


@pytest.mark.parametrize(("name", "place"), PLACES, ids=[f"{n}-{p}" for n, p in PLACES])
async def test_a_hostile_id_reaches_its_own_path_or_nothing(
    client: AgentMailToClient, org: Org, asked: Asked, name: str, place: str
) -> None:
    route = ROUTES[name]
    expected: list[tuple[str, str]] = []
    # A retry would be a second request: "not there" and "no such list" are not tried again.
    for hostile in (*PASSED.values(), *REFUSED.values(), *LITERAL):
        ids = ids_for(route, org, place, hostile)
        try:
            await client.exchange.call(
                name, ids=ids, body=BODIES.get(name), query=QUERIES.get(name)
            )
        except UsageError:
            assert hostile in REFUSED.values() or hostile in LITERAL, hostile
            continue
        except MailError:
            pass
        assert hostile not in REFUSED.values(), hostile
        escaped = {name: seg(value) for name, value in ids.items()}
        expected.append((route.method, f"/v0{route.path.format(**escaped)}"))
    told = asked()
    assert [(one["method"], one["path"]) for one in told] == expected
    # The door took each of them for the operation that was meant, and none for another.
    assert {one["operation"] for one in told} <= {f"v0_{door_name(name)}"}, told


def door_name(name: str) -> str:
    """The door's name of an operation: it prefixes those of an inbox that exist in other scopes."""
    scoped = {
        "list_threads", "search_threads", "get_thread", "update_thread", "delete_thread",
        "get_thread_attachment", "list_drafts", "get_draft", "get_draft_attachment",
        "list_entries", "get_entry", "create_entry", "delete_entry",
    }  # fmt: skip
    if name in scoped:
        return f"inbox_{name}"
    return {
        "list_organization_entries": "list_entries",
        "create_organization_entry": "create_entry",
        "delete_organization_entry": "delete_entry",
    }.get(name, name)


@pytest.mark.parametrize("name", SEND_ROUTES)
@pytest.mark.parametrize("hostile", [*REFUSED.values(), "search", "send"], ids=repr)
def test_a_send_route_refuses_the_same_ids(name: str, hostile: str, org: Org) -> None:
    route = SEND_ROUTES[name]
    for place in re.findall(r"\{(\w+)\}", route.path):
        if (place, hostile) == ("inbox_id", "send"):
            continue  # no word of the service stands there
        with pytest.raises(UsageError):
            route.url_path(**ids_for(route, org, place, hostile))


@pytest.mark.parametrize(
    "name", [*SEND_ROUTES, "reply_all_message", "forward_message", "send_draft"]
)
async def test_a_client_cannot_call_what_sends(
    client: AgentMailToClient, org: Org, asked: Asked, name: str
) -> None:
    ids = {"inbox_id": org.one, "message_id": "<plain@x>", "draft_id": "plain"}
    with pytest.raises(UsageError):
        await client.exchange.call(name, ids=ids, body={"to": ["a@b.example"], "text": "x"})
    with pytest.raises(UsageError):
        await client.call(name, ids=ids, body={"to": ["a@b.example"], "text": "x"})
    assert asked() == []


@pytest.mark.parametrize("field", ["send_at", "html", "reply_all", "forward_of", "attachments"])
async def test_a_draft_cannot_be_given_what_sends_it_or_hides_its_text(
    client: AgentMailToClient, asked: Asked, field: str
) -> None:
    values = {"send_at": "2030-01-01T00:00:00Z", "html": "<b>", "reply_all": True,
              "forward_of": "<a@x>", "attachments": []}  # fmt: skip
    body = {"subject": "x", field: values[field]}
    with pytest.raises(UsageError):
        await client.call("create_draft", body=body)
    with pytest.raises(UsageError):
        await client.call("update_draft", ids={"draft_id": "d"}, body=body)
    assert asked() == []


# ── the client's own methods ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("hostile", PASSED.values(), ids=PASSED)
async def test_every_method_works_on_the_message_of_a_hostile_id_and_on_no_other(
    client: AgentMailToClient, v0: V0Control, org: Org, hostile: str
) -> None:
    bystander = v0.receive(org.one, mail("Bystander"))["message_id"]
    v0.receive(org.one, mail("Target"), message_id=hostile)
    if not hostile.strip():
        return  # the door names such a mail anew
    fetched = await client.get_message(hostile)
    assert (fetched.item.message_id, fetched.item.subject) == (hostile, "Target")
    assert "Subject: Target" in fetched.raw_mime
    await client.patch_message_read(hostile, is_read=True)
    await client.patch_message_archive(hostile, archived=True)
    assert await client.patch_message_labels(hostile, add=("own",)) == ("own",)
    assert list(await client.label_messages([hostile], add=("two",))) == [hostile]
    await client.delete_message(hostile)
    with pytest.raises(NotFound):
        await client.get_message(hostile)
    await client.undelete_message(hostile)
    items = (await client.list_inbox(include_archived=True)).items
    assert {item.message_id: (item.is_read, item.archived, set(item.labels)) for item in items} == {
        bystander: (False, False, set()),
        hostile: (True, True, {"own", "two"}),
    }


@pytest.mark.parametrize("hostile", [*REFUSED.values(), *sorted(LITERAL)], ids=repr)
async def test_every_method_refuses_an_id_that_cannot_be_asked_for(
    client: AgentMailToClient, asked: Asked, hostile: str
) -> None:
    calls = [
        client.get_message(hostile),
        client.message(hostile),
        client.delete_message(hostile),
        client.undelete_message(hostile),
        client.patch_message_read(hostile, is_read=True),
        client.patch_message_archive(hostile, archived=True),
        client.patch_message_labels(hostile, add=("x",)),
        client.attachments.raw(hostile),
        client.attachments.get_inbound_attachment_status(hostile, 0),
        client.attachments.download_file(hostile, 0, 0),
        client.attachments.request_inbound_attachment_download(hostile, 0),
    ]
    for call in calls:
        with pytest.raises(UsageError):
            await call
    assert asked() == []


def test_the_words_of_the_service_are_read_off_the_table() -> None:
    assert ROUTES["get_message"].taken["message_id"] == LITERAL
    assert ROUTES["get_inbox"].taken["inbox_id"] == {"search"}
    assert ROUTES["get_thread"].taken["thread_id"] == {"search"}
    paths = [(route.method, route.path) for route in OPERATIONS.values()]
    assert len(set(paths)) == len(paths)


def test_only_the_gate_s_module_knows_the_routes_that_send() -> None:
    root = Path(__file__).resolve().parents[4]
    allowed = {"services/api/agentmail_to/send.py", "services/api/agentmail_to/routes.py"}
    for folder in ("services", "tui", "widgets"):
        for path in (root / folder).rglob("*.py"):
            name = path.relative_to(root).as_posix()
            if name in allowed or "sandbox" in path.parts:
                continue
            code = "\n".join(line for line in path.read_text().splitlines() if "`" not in line)
            assert "SEND_ROUTES" not in code, name
            assert '"send_message"' not in code, name
            assert "messages/send" not in code, name
