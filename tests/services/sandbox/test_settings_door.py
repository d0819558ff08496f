"""Trust, notifications, webhook, balance: what is stored is answered (api/assmbl.md §9, §10)."""

from __future__ import annotations

import pytest


def test_a_trusted_peer_is_kept_and_removed(api):
    path = "/trusted-peers/research"
    assert api.get(path).status_code == 404
    state = {"peer_agent_id": "research", "enabled": True, "rate_limit_per_minute": 60}
    assert api.put(path, json={"rate_limit_per_minute": 60}).json() == state
    assert api.get(path).json() == state
    assert api.delete(path).json() == state
    assert api.get(path).json()["error"] == "peer_not_found"


def test_notification_rules_are_replaced_as_a_whole(api):
    assert api.get("/notifications").json() == {"rules": []}
    rule = {"id": "r", "name": "n", "filters": {"sender_verified": True},
            "channels": {"email": {"enabled": True, "recipients": ["a@b.example"]}}}  # fmt: skip
    assert api.put("/notifications", json={"rules": [rule]}).status_code == 200
    told = api.get("/notifications").json()["rules"][0]
    assert told["filters"]["sender_verified"] is True
    assert told["channels"]["email"]["recipients"] == ["a@b.example"]
    api.put("/notifications", json={"rules": []})
    assert api.get("/notifications").json() == {"rules": []}


def test_a_webhooks_secret_is_told_when_it_is_new_and_never_again(api):
    hook = {"url": "https://hooks.example/in"}
    first = api.put("/webhook", json=hook).json()
    assert len(first["signing_secret"]) == 64
    assert "signing_secret" not in api.put("/webhook", json=hook).json()
    rotated = api.put("/webhook", json={**hook, "rotate_secret": True}).json()
    assert rotated["signing_secret"] != first["signing_secret"]
    assert api.get("/webhook").json() == {"url": hook["url"], "enabled": True}
    assert api.delete("/webhook").json() == {"url": None, "enabled": False}
    assert api.get("/webhook").json() == {"url": None, "enabled": False}


@pytest.mark.parametrize("url", ["http://plain.example", "ftp://x", "", "https://", "https://a b"])
def test_a_webhook_is_https_only(api, url):
    assert api.put("/webhook", json={"url": url}).status_code == 400


def test_a_capability_secret_is_told_once_with_its_end(api):
    told = api.post("/capability-secrets", json={"peer_agent_id": "research"}).json()
    again = api.post("/capability-secrets", json={"peer_agent_id": "research"}).json()
    assert told["secret"] != again["secret"]
    assert told["expires_at"].endswith("Z")


def test_there_is_a_wallet_and_an_empty_history(api):
    assert api.get("/billing/balance").json()["currency"] == "USD"
    assert api.get("/billing/usage").json() == {"items": []}
