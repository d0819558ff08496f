"""Answers made to harm: too much of anything, too slow, of something else, or no sense at all."""

from __future__ import annotations

import json
import random
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from services import origins
from services.api import codec, presigned
from services.api.agentmail_to import paging
from services.api.agentmail_to.client import AgentMailToClient
from services.api.agentmail_to.inboxes import Inboxes
from services.api.assmbl import AssmblClient
from services.api.assmbl_send import MailSender
from services.api.exchange import decode
from services.api.factory import check_account
from services.api.failures import CutAnswer
from services.api.file_sink import MemorySink
from services.api.http import LARGEST, HttpDoor
from services.api.presigned import DownloadLink, StorageDoor
from services.config import Account
from services.errors import BadAnswer, MailError, ServiceError, TimedOut
from services.redact import Secret
from tests.fakes.scripted_service import FakeService, FakeSleep, Reply, Script, Seen, answer
from tests.spoiled_bytes import spoiled

WHOLE = bytes(range(256)) * 40


# ── files ────────────────────────────────────────────────────────────────────────────────────────


async def download(
    *replies: Reply, script: Script | None = None, held: bytes = b"",
    largest: int = presigned.LARGEST_FILE,
) -> tuple[MemorySink, ServiceError | None]:  # fmt: skip
    sink, error = MemorySink(), None
    if held:
        sink.write(held)
    async with FakeService(*replies, script=script) as service:
        door = StorageDoor(origins.origin_of("http://127.0.0.1:1"))
        try:
            await door.download(DownloadLink(service.url), sink, largest=largest)
        except ServiceError as caught:
            error = caught
        await door.aclose()
    return sink, error


def part(data: bytes, span: str) -> Reply:
    return answer(206, data, headers={"Content-Range": f"bytes {span}"})


async def test_a_part_that_ends_before_the_file_does_is_not_taken_for_the_rest() -> None:
    some = part(WHOLE[100:200], f"100-199/{len(WHOLE)}")
    sink, error = await download(some, held=WHOLE[:100])
    assert isinstance(error, CutAnswer)
    assert sink.take() == WHOLE[:200]
    rest = part(WHOLE[200:], f"200-{len(WHOLE) - 1}/{len(WHOLE)}")
    sink, error = await download(rest, held=sink.take())
    assert error is None
    assert sink.take() == WHOLE


async def test_a_part_that_is_longer_than_the_file_is_thrown_away() -> None:
    sink, error = await download(part(WHOLE, "100-199/200"), held=WHOLE[:100])
    assert isinstance(error, CutAnswer)
    assert sink.size == 0


async def test_a_part_of_a_file_of_unknown_size_is_the_rest() -> None:
    sink, error = await download(part(WHOLE[100:], "100-1/*"), held=WHOLE[:100])
    assert error is None
    assert sink.take() == WHOLE


async def test_a_file_that_drips_is_given_up_long_before_its_largest_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(presigned, "GRACE_SECONDS", 0.2)
    drip = Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", drip=b"x" * 10)
    _, error = await download(drip)
    assert isinstance(error, TimedOut)


async def test_the_time_for_a_file_grows_with_what_has_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(presigned, "SLOWEST", 1)

    def drip(_: Seen) -> Reply:
        # Once it is asked there is no grace any more: all the time there is comes with the pieces.
        monkeypatch.setattr(presigned, "GRACE_SECONDS", 0.0)
        return Reply(b"HTTP/1.1 200 OK\r\n\r\n", drip=b"x" * 16_384)

    sink, error = await download(script=drip, largest=20 * 16_384)
    assert isinstance(error, BadAnswer)
    assert "larger than" in error.sentence
    assert sink.size > 10 * 16_384


GOOD = {"url": "http://127.0.0.1:1/", "policy": "p"}


@pytest.mark.parametrize(
    "grant",
    [
        {"object_key": "\ud800", "upload": GOOD},
        {"object_key": "k" * 5_000, "upload": GOOD},
        {"object_key": "k", "upload": {**GOOD, "policy": "\ud800"}},
        {"object_key": "k", "upload": {**GOOD, "\udfff": "x"}},
        {"object_key": "k", "upload": {"url": GOOD["url"], "fields": {"policy": "\ud800"}}},
        {"object_key": "k", "upload": {**GOOD, "url": "http://127.0.0.1:1/\ud800"}},
        {"object_key": "k", "upload": {**GOOD, "policy": 7}},
        {"object_key": "k", "upload": [GOOD]},
    ],
)
async def test_a_form_that_cannot_be_posted_is_an_error_with_a_sentence(
    grant: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    async with FakeService(answer(200, grant)) as service:
        client = AssmblClient(service.url, "token", sleep=FakeSleep())
        with (tmp_path / "file").open("rb") as file, pytest.raises(MailError) as error:
            await client.attachments.upload_file(file, file_name="f", content_type="a/b")
        await client.aclose()
    assert error.value.sentence


# ── JSON that fills the memory ───────────────────────────────────────────────────────────────────

BOMBS = {
    "lists": b"[" + b"[]," * (3 * 1024 * 1024) + b"0]",
    "objects": b"[" + b"{}," * (3 * 1024 * 1024) + b"0]",
    "numbers": b"[" + b"0," * (5 * 1024 * 1024) + b"0]",
    "texts": b"[" + b'"ab",' * (2 * 1024 * 1024) + b'""]',
    "quotes": b'"' * (9 * 1024 * 1024),
    "keys": b"{" + b",".join(b'"k%d":0' % n for n in range(900_000)) + b"}",
    "no end": b'{"raw_mime":"' + b'\\"' * (5 * 1024 * 1024),
    "blanks": b" " * (9 * 1024 * 1024) + b"0",
}


@pytest.mark.parametrize("body", BOMBS.values(), ids=[*BOMBS])
def test_a_large_answer_that_is_not_mostly_text_is_refused_unread(body: bytes) -> None:
    assert len(body) > LARGEST
    with pytest.raises(BadAnswer, match="too large to be read"):
        decode(body)


@pytest.mark.parametrize("line", ["x" * 76 + "\r\n", '\\"{}[],', "\u00e9\u4e16", "\udc80"])
def test_a_large_text_is_read_whatever_is_in_it(line: str) -> None:
    text = line * (LARGEST // len(line) + 1)
    data = {"MessageID": "<a@b>", "raw_mime": text, "attachments": [{"index": 0}]}
    assert decode(json.dumps(data).encode()) == data


# ── a yes that cannot be read ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reply", "may_be_done"),
    [
        (answer(200, b"<html>"), True),
        (answer(200, b"{", headers={"Content-Encoding": "gzip"}), True),
        (answer(200, b"x" * (LARGEST + 1)), True),
        (answer(502, b"{", headers={"Content-Encoding": "gzip"}), True),
        (answer(404, b"{", headers={"Content-Encoding": "gzip"}), False),
        (answer(302, b"{", headers={"Content-Encoding": "gzip"}), False),
        (answer(302, b""), False),
    ],
    ids=["no-json", "packed", "too-large", "packed-502", "packed-404", "packed-302", "redirect"],
)
async def test_a_deletion_whose_answer_cannot_be_read_may_have_been_carried_out(
    reply: Reply, may_be_done: bool
) -> None:
    async with FakeService(reply) as service:
        client = AssmblClient(service.url, "token", sleep=FakeSleep())
        with pytest.raises(BadAnswer) as error:
            await client.delete_message("<a@b.example>")
        await client.aclose()
    assert error.value.uncertain is may_be_done


async def test_a_key_whose_receipt_cannot_be_read_may_have_been_published() -> None:
    async with FakeService(answer(200, {"agent_id": 7})) as service:
        client = AssmblClient(service.url, "token", sleep=FakeSleep())
        with pytest.raises(BadAnswer) as error:
            await client.directory.register_directory_key(public_key="pem")
        await client.aclose()
    assert error.value.uncertain


# ── something else than asked for ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("told", "is_it"),
    [("<a@b.example>", True), ("a@b.example", True), ("<c@b.example>", False), ("", False)],
)
async def test_another_message_is_not_read_under_the_name_of_the_one_asked_for(
    told: str, is_it: bool
) -> None:
    async with FakeService(answer(200, {"MessageID": told, "raw_mime": "x"})) as service:
        client = AssmblClient(service.url, "token", sleep=FakeSleep())
        if is_it:
            assert (await client.get_message("<a@b.example>")).raw_mime == "x"
        else:
            with pytest.raises(BadAnswer):
                await client.get_message("<a@b.example>")
        await client.aclose()


async def test_another_message_of_agentmail_to_is_not_read_either() -> None:
    other = {"message_id": "<c@b.example>", "labels": ["received"], "download_url": "x"}
    async with FakeService(answer(200, other)) as service:
        client = AgentMailToClient(f"{service.url}/v0/", "key", "a@b.example", sleep=FakeSleep())
        with pytest.raises(BadAnswer, match="another message"):
            await client.message("<a@b.example>")
        await client.aclose()


@pytest.mark.parametrize(
    "odd", ["\ud800", "x" * 5_000, "a\nb", "\x1b[2J", 7, None, ["a"], {}], ids=range(8)
)
async def test_a_receipt_keeps_no_id_that_could_not_be_kept(odd: Any) -> None:
    async with FakeService(answer(200, {"message_id": odd, "correlation_id": "c-1"})) as service:
        client = AssmblClient(service.url, "token", sleep=FakeSleep())
        receipt = await MailSender(client.exchange).send_mail("a@b.example", "s", "b")
        await client.aclose()
    assert (receipt.message_id, receipt.correlation_id) == ("", "c-1")


@pytest.mark.parametrize("unread", [-1, 2**60, 10**40, 1.5, True, "3"])
async def test_a_count_that_is_none_is_not_the_mail_service(unread: object) -> None:
    async with FakeService(answer(200, {"unread_count": unread})) as service:
        told = await check_account(Account("work", "assmbl", service.url), "token")
    assert not told.ok
    assert told.sentence == "What answers there is not the mail service."


def test_labels_without_end_are_cut_off() -> None:
    labels = [f"label-{n}" for n in range(5_000)]
    assert len(codec.inbox_item({"MessageID": "<a@b>", "Labels": labels}).labels) == 200


async def test_a_list_that_never_runs_out_of_new_entries_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paging, "_MOST", 20)
    numbers = count()

    def page(_: Seen) -> Reply:
        address = f"bot{next(numbers)}@agents.example.com"
        inboxes = [{"inbox_id": address, "email": address}]
        return answer(200, {"inboxes": inboxes, "next_page_token": f"t{next(numbers)}"})

    async with FakeService(script=page) as service:
        client = AgentMailToClient(f"{service.url}/v0/", "key", "a@b.example", sleep=FakeSleep())
        with pytest.raises(BadAnswer, match="without end"):
            await Inboxes(client.door).all()
        await client.aclose()
        assert len(service.seen) == 21


# ── no sense at all ──────────────────────────────────────────────────────────────────────────────

SOUND = (
    answer(200, {"items": []}).data,
    answer(404, {"error": "message_not_found"}).data,
    answer(429, {}, headers={"Retry-After": "Thu, 01 Jan 2099 00:00:00 GMT"}).data,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: https://a.example/\r\nContent-Length: 0\r\n\r\n",
)
PIECES = (b"\r\n", b"\0", b":", b"-1", b"9" * 30, b"\xff", b"chunked", b" ", b"HTTP/1.1", b"\x85")


def mutated(number: int) -> bytes:
    """A sound answer, spoiled."""
    chance = random.Random(number)
    return spoiled(chance.choice(SOUND), chance, PIECES)


async def outcome(door: HttpDoor) -> str:
    try:
        return str((await door.ask("GET", "/inbox", seconds=5)).status)
    except ServiceError as error:
        return error.sentence


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_answers_ends_as_an_answer_or_an_error_with_a_sentence(seed: int) -> None:
    replies = [Reply(mutated(seed * 100 + number), close=True) for number in range(100)]
    async with FakeService(*replies) as service:
        door = HttpDoor(service.url, Secret("canary"))
        told = [await outcome(door) for _ in replies]
        await door.aclose()
    assert all(told)
    assert "canary" not in "".join(told)
