"""Whatever is asked of the /v0 door, the answer is JSON of its own and never a broken server."""

from __future__ import annotations

import json
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.sandbox.agentmail_to.endpoints import Endpoint, endpoints
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, mail, seg

ENDPOINTS = tuple(endpoints())
QUERIES = ("limit", "page_token", "ascending", "labels", "before", "after", "from", "to", "subject",
           "senders", "recipients", "q", "include_spam", "include_trash")  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12) | st.sampled_from(
    ["", "[", '["a","b"]', "true", "1", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
     "a@x.example",     "trash", "0001-01-01T00:00:00+14:00", "-1", "\x00", "x" * 300]
)  # fmt: skip
IDS = st.integers(0, 5).flatmap(lambda n: st.just("") if n else TEXTS.filter(bool))
"""Mostly the real one, which the empty text stands for."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def requests(draw: Any) -> tuple[Endpoint, dict[str, str], dict[str, str], bytes]:
    endpoint = draw(st.sampled_from(ENDPOINTS))
    ids = {part.strip("{}"): draw(IDS) for part in endpoint.segments if part.startswith("{")}
    query = draw(st.dictionaries(st.sampled_from(QUERIES), TEXTS, max_size=3))
    body: object = {}
    if endpoint.body is not None:
        names = st.sampled_from(msgspec.structs.fields(endpoint.body)).map(lambda f: f.encode_name)
        body = draw(st.dictionaries(names, JSON, max_size=5) | JSON)
    return endpoint, ids, query, json.dumps(body).encode()


@pytest.fixture
def real(v0: V0Control, org: Org, api_v0: httpx.Client) -> dict[str, str]:
    """Ids of things that are there: what an empty id of a request stands for."""
    received = v0.receive(org.one, mail())
    draft = api_v0.post(f"inboxes/{seg(org.one)}/drafts", json={"to": [org.two], "text": "x"})
    return {
        "inbox_id": org.one, "pod_id": org.pod_id, "draft_id": draft.json()["draft_id"],
        "direction": "receive", "type": "allow", "entry": "x.example", "attachment_id": "att_1-0",
        "api_key_id": "key_0", **received,
    }  # fmt: skip


@settings(max_examples=250, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(request=requests())
def test_no_request_breaks_the_server(
    api_v0: httpx.Client,
    real: dict[str, str],
    request: tuple[Endpoint, dict[str, str], dict[str, str], bytes],
) -> None:
    endpoint, ids, query, body = request
    if endpoint.name.endswith("delete_inbox"):
        ids["inbox_id"] = "nobody@agents.example.com"
    names = {name: value or real[name] for name, value in ids.items()}
    path = "/".join(
        seg(names[part.strip("{}")]) if part.startswith("{") else part for part in endpoint.segments
    )
    answer = api_v0.request(
        endpoint.method, path.removeprefix("v0/"), params=query,
        content=body if endpoint.body else None,
    )  # fmt: skip
    assert answer.status_code < 500, (answer.status_code, answer.text)
    if answer.content:
        answered = answer.json()
        assert answer.status_code == 200 or "message" in answered
