"""Files to and from the real sandbox: links, uploads, downloads, what their storage may not be."""

from __future__ import annotations

import tempfile
from typing import BinaryIO

import pytest

from services.api.assmbl import AssmblClient
from services.api.assmbl_send import MailSender
from services.api.file_sink import FileSink
from services.api.presigned import DownloadLink, LinkExpired
from services.errors import (
    BadAnswer,
    Forbidden,
    NotFound,
    Offline,
    PolicyRefused,
    Rejected,
)
from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.services.api.assmbl_stage import MAIL, content


async def test_a_file_travels_up_out_in_and_down(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    told: list[int] = []
    ref = await client.attachments.upload_file(
        document, file_name="a b.bin", content_type="application/octet-stream",
        on_progress=told.append,
    )  # fmt: skip
    assert ref.size == 300_000
    assert told[-1] == 300_000
    assert told == sorted(told)
    await MailSender(client.exchange).send_mail(agent.address, "s", "b", attachments=[ref])
    message_id = (await client.list_inbox()).items[0].message_id
    status = await client.attachments.get_inbound_attachment_status(message_id, 0)
    assert (status.status, status.file_name, status.size) == ("ready", "a b.bin", 300_000)
    with tempfile.TemporaryFile() as arrived:
        down = await client.attachments.download_file(message_id, 0, arrived.fileno())
        assert content(arrived) == content(document)
    assert down
    assert down.size == 300_000

    own = await client.attachments.request_attachment_download(ref.object_key)
    with tempfile.TemporaryFile() as arrived:
        await client.attachments.storage.download(own, FileSink(arrived.fileno()))
        assert content(arrived) == content(document)

    seen = [request for request in sandbox.requests() if request["door"] == "s3"]
    assert [request["operation"] for request in seen] == ["s3_upload", "s3_download", "s3_download"]
    for request in seen:
        assert "authorization" not in {name.lower() for name in request["headers"]}
        assert request["status"] in (200, 204)


async def test_an_expired_form_is_replaced_once(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    sandbox.fault("status", operation="s3_upload", status=403)
    await client.attachments.upload_file(document, file_name="f", content_type="text/plain")
    forms = [r for r in sandbox.requests(agent) if r["operation"] == "request_attachment_upload"]
    assert len(forms) == 2


async def test_a_form_that_always_expires_ends_with_a_sentence(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    sandbox.fault("short_ttl", agent, operation="request_attachment_upload", seconds=0, times=None)
    sandbox.settings(clock_offset=5)
    with pytest.raises(LinkExpired, match="does not accept the form"):
        await client.attachments.upload_file(document, file_name="f", content_type="text/plain")
    forms = [r for r in sandbox.requests(agent) if r["operation"] == "request_attachment_upload"]
    assert len(forms) == 2


async def test_an_upload_that_breaks_begins_again_under_the_same_key(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    sandbox.fault("drop_before", operation="s3_upload", times=2)
    told: list[int] = []
    ref = await client.attachments.upload_file(
        document, file_name="f", content_type="text/plain", on_progress=told.append
    )
    assert (ref.size, told[-1]) == (300_000, 300_000)
    forms = [r for r in sandbox.requests(agent) if r["operation"] == "request_attachment_upload"]
    assert len(forms) == 1


async def test_a_storage_host_that_is_down_is_not_asked_for_ever(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    sandbox.fault("drop_before", operation="s3_upload", times=None)
    with pytest.raises(Offline):
        await client.attachments.upload_file(document, file_name="f", content_type="text/plain")
    asked = [r["operation"] for r in sandbox.requests()]
    assert asked.count("s3_upload") == 4
    assert asked.count("request_attachment_upload") == 1


async def test_a_file_larger_than_its_form_is_refused(
    client: AssmblClient, document: BinaryIO
) -> None:
    form = await client.attachments.request_attachment_upload("f", "text/plain", 10)
    with pytest.raises(Rejected, match="refused the file"):
        await client.attachments.storage.upload(form, document, content_type="text/plain")


async def inbound(client: AssmblClient, agent: Agent, document: BinaryIO) -> str:
    ref = await client.attachments.upload_file(
        document, file_name="f", content_type="application/octet-stream"
    )
    await MailSender(client.exchange).send_mail(agent.address, "s", "b", attachments=[ref])
    return (await client.list_inbox()).items[0].message_id


async def test_a_download_that_breaks_goes_on_where_it_stood(
    client: AssmblClient, agent: Agent, document: BinaryIO
) -> None:
    message_id = await inbound(client, agent, document)
    whole = content(document)
    with tempfile.TemporaryFile() as arrived:
        arrived.write(whole[:100_000])
        arrived.flush()
        told: list[int] = []
        down = await client.attachments.download_file(
            message_id, 0, arrived.fileno(), resume=True, on_progress=told.append
        )
        assert content(arrived) == whole
    assert down
    assert down.size == len(whole)
    assert told[0] > 100_000


async def test_a_dropped_download_is_tried_again(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    message_id = await inbound(client, agent, document)
    sandbox.fault("drop_before", operation="s3_download", times=2)
    with tempfile.TemporaryFile() as arrived:
        await client.attachments.download_file(message_id, 0, arrived.fileno())
        assert content(arrived) == content(document)


async def test_an_expired_link_is_replaced_once_and_then_told(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    message_id = await inbound(client, agent, document)
    sandbox.fault("status", operation="s3_download", status=403)
    with tempfile.TemporaryFile() as arrived:
        assert await client.attachments.download_file(message_id, 0, arrived.fileno())
    sandbox.fault("status", operation="s3_download", status=403, times=2)
    with tempfile.TemporaryFile() as arrived, pytest.raises(LinkExpired):
        await client.attachments.download_file(message_id, 0, arrived.fileno())


async def test_a_download_above_its_limit_is_stopped(
    client: AssmblClient, agent: Agent, document: BinaryIO
) -> None:
    message_id = await inbound(client, agent, document)
    with tempfile.TemporaryFile() as arrived:
        with pytest.raises(BadAnswer, match="larger than"):
            await client.attachments.download_file(message_id, 0, arrived.fileno(), largest=100_000)
        assert len(content(arrived)) <= 100_000


async def test_a_pending_attachment_is_no_error(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    message_id = await inbound(client, agent, document)
    sandbox.fault("pending_attachments", agent, times=None)
    status = await client.attachments.get_inbound_attachment_status(message_id, 0)
    assert status.status == "pending"
    with tempfile.TemporaryFile() as arrived:
        assert await client.attachments.download_file(message_id, 0, arrived.fileno()) is None


async def test_files_that_are_not_there_or_not_ours_are_told(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent
) -> None:
    one = sandbox.add_mail(agent, MAIL.format("x", "x"))
    for call in (
        client.attachments.get_inbound_attachment_status,
        client.attachments.request_inbound_attachment_download,
    ):
        with pytest.raises(NotFound, match="attachment is not there"):
            await call(one, 0)
    with pytest.raises(Forbidden, match="another agent"):
        await client.attachments.request_attachment_download("uploads/other/x")


async def test_an_odd_link_is_refused_before_it_connects(client: AssmblClient) -> None:
    for url in ("https://evil.example/x", "http://10.0.0.1/x", "file:///etc/passwd", ""):
        with tempfile.TemporaryFile() as arrived, pytest.raises(PolicyRefused):
            await client.attachments.storage.download(DownloadLink(url), FileSink(arrived.fileno()))
