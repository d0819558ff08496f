"""Uploads, own downloads and inbound attachments of the sandbox (api/assmbl.md §6)."""

from __future__ import annotations

import json
import re
from email.message import EmailMessage

import httpx
import pytest


def grant(api, name="a.txt", kind="text/plain", largest=100):
    body = {"file_name": name, "content_type": kind, "max_bytes": largest}
    return api.post("/attachments/upload-request", json=body)


def post(upload, data, kind="text/plain"):
    form = dict(upload)
    files = {"file": ("x", data, kind)}
    return httpx.post(form.pop("url"), data=form, files=files, trust_env=False, verify=False)


def fetch(url):
    return httpx.get(url, trust_env=False, verify=False)


def with_files(*files):
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "a@b.example", "files"
    mail.set_content("see below")
    for name, kind, data in files:
        main, sub = kind.split("/")
        mail.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return mail.as_bytes()


def test_an_upload_comes_back_by_its_key(sandbox, agent, api):
    given = grant(api).json()
    assert re.fullmatch(rf"uploads/{agent.agent_id}/[0-9a-f-]{{36}}-a\.txt", given["object_key"])
    assert all(isinstance(value, str) for value in given["upload"].values())
    assert given["upload"]["url"].startswith(sandbox.s3_url)
    assert post(given["upload"], b"hello").status_code == 204
    link = api.post("/attachments/download-request", json={"object_key": given["object_key"]})
    assert fetch(link.json()["url"]).content == b"hello"


def test_an_upload_form_expires(sandbox, api):
    upload = grant(api).json()["upload"]
    sandbox.settings(clock_offset=301)
    assert post(upload, b"x").status_code == 403


def test_a_download_link_expires(sandbox, api):
    given = grant(api).json()
    post(given["upload"], b"x")
    link = api.post("/attachments/download-request", json={"object_key": given["object_key"]})
    assert fetch(link.json()["url"]).status_code == 200
    sandbox.settings(clock_offset=301)
    assert fetch(link.json()["url"]).status_code == 403


@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("uploads/someone-else/x", 403), ("inbound/1/0", 403), ("x", 403),
        ("uploads/../uploads/x", 403), ("uploads", 403),
    ],
)  # fmt: skip
def test_only_the_own_prefix_can_be_downloaded(api, key, status):
    answer = api.post("/attachments/download-request", json={"object_key": key})
    assert (answer.status_code, answer.json()["error"]) == (status, "forbidden_object_key")


def test_an_own_key_without_object_is_404(agent, api):
    body = {"object_key": f"uploads/{agent.agent_id}/nothing"}
    answer = api.post("/attachments/download-request", json=body)
    assert (answer.status_code, answer.json()["error"]) == (404, "attachment_not_found")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\\b", "ü ☃.pdf", ".hidden", "a b%2f", "~"])
def test_no_file_name_makes_a_path_of_the_key(agent, api, name):
    key = grant(api, name).json()["object_key"]
    assert key.count("/") == 2
    assert key.startswith(f"uploads/{agent.agent_id}/")


@pytest.mark.parametrize(
    "body",
    [
        {"file_name": "", "content_type": "a/b", "max_bytes": 1},
        {"file_name": "a\nb", "content_type": "a/b", "max_bytes": 1},
        {"file_name": "a", "content_type": "text", "max_bytes": 1},
        {"file_name": "a", "content_type": "a/b\n", "max_bytes": 1},
        {"file_name": "a", "content_type": "a/b", "max_bytes": 0},
        {"file_name": "a", "content_type": "a/b", "max_bytes": True},
        {"file_name": "a", "content_type": "a/b"},
    ],
)
def test_a_form_is_given_for_a_sensible_file_only(api, body):
    answer = api.post("/attachments/upload-request", json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_attachments_in_the_mime_are_listed_and_downloaded(sandbox, agent, api):
    files = [("r.pdf", "application/pdf", b"%PDF"), ("žluť.csv", "text/csv", b"a,b\n1,2\n")]
    message = sandbox.add_mail(agent, with_files(*files))
    manifest = api.get(f"/messages/{message}").json()["attachments"]
    assert [(e["index"], e["file_name"], e["content_type"], e["size"]) for e in manifest] == [
        (0, "r.pdf", "application/pdf", 4), (1, "žluť.csv", "text/csv", 8),
    ]  # fmt: skip
    for index, (name, _, data) in enumerate(files):
        path = f"/messages/{message}/attachments/{index}"
        assert api.get(f"{path}/status").json() == manifest[index]
        for _ in range(2):
            answer = fetch(api.post(f"{path}/download-request").json()["url"])
            assert answer.content == data
        assert "attachment" in answer.headers["content-disposition"], name


@pytest.mark.parametrize("index", ["1", "-1", "01", "x", "1e0", "99999999999999999999", "٠", " 0"])
def test_an_index_out_of_range_is_404(sandbox, agent, api, index):
    message = sandbox.add_mail(agent, with_files(("a", "a/b", b"x")))
    answer = api.get(f"/messages/{message}/attachments/{index}/status")
    assert (answer.status_code, answer.json()["error"]) == (404, "attachment_not_found")


def test_an_attachment_can_be_pending_then_ready(sandbox, agent, api):
    message = sandbox.add_mail(agent, with_files(("a", "a/b", b"x")))
    path = f"/messages/{message}/attachments/0"
    sandbox.fault("pending_attachments", agent, operation="get_inbound_attachment_status", times=2)
    states = [api.get(f"{path}/status").json()["status"] for _ in range(3)]
    assert states == ["pending", "pending", "ready"]
    sandbox.fault("pending_attachments", agent)
    refused = api.post(f"{path}/download-request")
    assert (refused.status_code, refused.json()["error"]) == (409, "attachment_not_ready")
    assert api.post(f"{path}/download-request").status_code == 200


def manifest_mail(sender, entries):
    header = json.dumps(entries)
    return f"From: {sender}\r\nX-AgentMail-Attachments: {header}\r\n\r\nbody\r\n"


def test_a_strangers_reference_is_shown_as_failed_and_never_followed(sandbox, agent, api):
    given = grant(api).json()
    post(given["upload"], b"secret")
    entry = [{"object_key": given["object_key"], "name": "x"}]
    for sender, verified in [(agent.address, False), ("mallory@agents.example.com", True)]:
        message = sandbox.add_mail(agent, manifest_mail(sender, entry), verified=verified)
        path = f"/messages/{message}/attachments/0"
        assert api.get(f"{path}/status").json()["status"] == "failed"
        assert api.post(f"{path}/download-request").status_code == 409


@pytest.mark.parametrize(
    "header", ["{", "[" * 5000, "[1, null, []]", '"x"', "{}", "x" * 70_000, '[{"name": {"a": 1}}]']
)
def test_a_broken_manifest_header_does_no_harm(sandbox, agent, api, header):
    raw = f"From: a@b.example\r\nX-AgentMail-Attachments: {header}\r\n\r\nbody\r\n"
    message = sandbox.add_mail(agent, raw, verified=True)
    told = api.get(f"/messages/{message}").json()
    assert all(entry["status"] == "failed" for entry in told["attachments"])
    assert told["BodyPreview"] == "body"
