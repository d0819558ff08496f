"""The sample mailbox is the same each time, valid mail, and looks like one that is in use."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from itertools import pairwise
from pathlib import Path

import pytest

from services.sandbox import intake
from services.sandbox.samples import SampleMail, fill, mails
from services.sandbox.samples.hostile import KINDS
from services.sandbox.store import Store

_ADDRESS = "ops-bot@agents.example.com"
_NOW = datetime(2026, 11, 21, 14, 5, tzinfo=UTC).timestamp()


def _make(
    count: int, seed: int = 7, now: float = _NOW, address: str = _ADDRESS
) -> list[SampleMail]:
    return list(mails(count, address=address, now=now, seed=seed))


@pytest.fixture(scope="module")
def some() -> list[SampleMail]:
    return _make(2_000)


@pytest.fixture(scope="module")
def parsed(some: list[SampleMail]) -> list[tuple[SampleMail, Message]]:
    return [(mail, message_from_bytes(mail.delivery.raw)) for mail in some]


# ── the same each time ───────────────────────────────────────────────────────────────────────────


def test_the_same_seed_gives_the_same_bytes(some: list[SampleMail]) -> None:
    assert _make(2_000) == some


def test_another_seed_gives_other_mail() -> None:
    one, other = ({mail.delivery.raw for mail in _make(300, seed)} for seed in (7, 8))
    assert not one & other


@pytest.mark.parametrize("count", [0, 1, 5, 15, 16, 40])
def test_any_number_of_mails_can_be_had(count: int) -> None:
    made = _make(count)
    assert len(made) == count
    assert len({mail.delivery.message_id for mail in made}) == count


def test_the_first_screen_does_not_depend_on_the_number_of_mails(some: list[SampleMail]) -> None:
    few = [mail.delivery.summary for mail in _make(40)[-15:]]
    assert few == [mail.delivery.summary for mail in some[-15:]]


# ── valid mail ───────────────────────────────────────────────────────────────────────────────────


def test_every_mail_parses_without_a_defect_except_the_broken(
    parsed: list[tuple[SampleMail, Message]],
) -> None:
    faulty = [mail.kind for mail, message in parsed if any(part.defects for part in message.walk())]
    assert set(faulty) <= {"hostile"}
    for mail, message in parsed:
        assert mail.broken or not any(part.defects for part in message.walk()), (
            mail.delivery.summary
        )


def test_line_ends_and_lengths_are_those_of_the_wire(some: list[SampleMail]) -> None:
    for mail in some:
        assert mail.broken or not re.search(rb"(?<!\r)\n|\r(?!\n)", mail.delivery.raw), mail.kind
        head, _, _ = mail.delivery.raw.partition(b"\r\n\r\n")
        assert max(map(len, head.split(b"\r\n"))) <= 998
        if mail.kind != "hostile":
            assert max(map(len, mail.delivery.raw.split(b"\r\n"))) <= 998, mail.kind


def test_each_address_header_stands_once(parsed: list[tuple[SampleMail, Message]]) -> None:
    for mail, message in parsed:
        for name in ("From", "To", "Subject", "Date", "Message-ID", "Return-Path"):
            assert len(message.get_all(name, [])) == 1, (mail.kind, name)
        at = parsedate_to_datetime(str(message["Date"])).timestamp()
        assert at == mail.delivery.received_at


def test_what_the_list_tells_is_what_parsing_tells(some: list[SampleMail], tmp_path: Path) -> None:
    store = Store(tmp_path, durable=False)
    store.add_agent("ops-bot")
    fill(store, "ops-bot", 20, now=_NOW)
    sizes = dict(store.database.connection.execute("SELECT key, size FROM objects"))
    store.close()
    for mail in some:
        delivery = mail.delivery
        told = intake.summarise(
            delivery.raw, _ADDRESS, verified=delivery.verified, size_of=sizes.get
        )
        assert delivery.summary == told


def test_mime_ids_are_unique(parsed: list[tuple[SampleMail, Message]]) -> None:
    assert len({str(message["Message-ID"]) for _, message in parsed}) == len(parsed)


def test_replies_name_what_they_answer(parsed: list[tuple[SampleMail, Message]]) -> None:
    known: dict[str, str] = {}
    followed = 0
    for mail, message in parsed:
        subject = mail.delivery.summary.subject if mail.delivery.summary else ""
        references = str(message.get("References", "")).split()
        if mail.kind == "thread" and references:
            assert references[-1] == str(message["In-Reply-To"])
            followed += references[0] in known
            assert subject.endswith(known.get(references[0], ""))
            assert re.match(r"(Re|RE|AW): ", subject)
        known[str(message["Message-ID"])] = subject
    assert followed > 100


# ── a mailbox that somebody uses ─────────────────────────────────────────────────────────────────


def test_mail_arrives_in_order_and_not_after_now(some: list[SampleMail]) -> None:
    times = [mail.delivery.received_at or 0 for mail in some]
    assert all(one <= other for one, other in pairwise(times))
    assert _NOW - 600 < times[-1] < _NOW


def test_most_mail_arrives_in_work_hours(some: list[SampleMail]) -> None:
    moments = [datetime.fromtimestamp(mail.delivery.received_at or 0, UTC) for mail in some]
    in_hours = [moment for moment in moments if 7 <= moment.hour < 18 and moment.weekday() < 5]
    assert 0.6 < len(in_hours) / len(some) < 0.95


@pytest.mark.parametrize("count", [300, 2_000])
def test_about_a_tenth_is_unread_and_most_of_that_is_new(count: int) -> None:
    unread = [place for place, mail in enumerate(_make(count)) if not mail.delivery.is_read]
    assert 0.06 < len(unread) / count < 0.16
    assert sum(place > count * 0.7 for place in unread) > len(unread) / 2


def test_only_older_mail_is_archived(some: list[SampleMail]) -> None:
    archived = [place for place, mail in enumerate(some) if mail.delivery.archived]
    assert 0.05 < len(archived) / len(some) < 0.3
    assert max(archived) < len(some) - 100


def test_a_sender_is_always_verified_or_never(some: list[SampleMail]) -> None:
    verdicts: dict[str, set[bool]] = {}
    for mail in some:
        assert mail.delivery.summary
        address = parseaddr(mail.delivery.summary.sender)[1]
        verdicts.setdefault(address, set()).add(mail.delivery.verified)
    assert all(len(found) == 1 for found in verdicts.values())
    assert {True, False} == set().union(*verdicts.values())


def test_every_kind_of_mail_and_mark_occurs(some: list[SampleMail]) -> None:
    kinds = Counter(mail.kind for mail in some)
    assert len(kinds) >= 18
    labels = Counter(label for mail in some for label in mail.delivery.labels)
    wanted = {
        "ci",
        "invoices",
        "ops",
        "leads",
        "contracts",
        "jobs",
        "security",
        "newsletter",
        "tasks",
    }
    assert wanted <= set(labels)
    summaries = [mail.delivery.summary for mail in some if mail.delivery.summary]
    for mark in ("encrypted", "files", "marketplace_request_id", "correlation_id"):
        assert 10 < sum(bool(getattr(summary, mark)) for summary in summaries) < len(some)
    assert any(file.object_key for summary in summaries for file in summary.files)


def test_hostile_mail_is_rare_but_complete_in_a_thousand(some: list[SampleMail]) -> None:
    hostile = [place for place, mail in enumerate(reversed(some)) if mail.kind == "hostile"]
    assert sum(place < 1_000 for place in hostile) == len(KINDS)
    assert min(hostile) > 25
    assert sum(place >= 1_000 for place in hostile) <= 2


def test_subjects_and_senders_are_varied(some: list[SampleMail]) -> None:
    subjects = Counter(mail.delivery.summary.subject for mail in some if mail.delivery.summary)
    senders = {mail.delivery.summary.sender for mail in some if mail.delivery.summary}
    assert len(subjects) > 0.7 * len(some)
    assert subjects.most_common(1)[0][1] < 0.005 * len(some)
    assert len(senders) > 150


def test_the_newest_fifteen_show_the_range(some: list[SampleMail]) -> None:
    newest = [mail.delivery for mail in some[-15:]]
    summaries = [delivery.summary for delivery in newest if delivery.summary]
    assert summaries[-1].subject == "Invoice 4821 ready for approval"
    assert 4 <= sum(not delivery.is_read for delivery in newest) <= 9
    assert any(not delivery.verified for delivery in newest)
    assert any(summary.encrypted for summary in summaries)
    assert any(summary.marketplace_request_id for summary in summaries)
    assert len({label for delivery in newest for label in delivery.labels}) >= 6
    assert not any(delivery.archived for delivery in newest)


# ── real files ───────────────────────────────────────────────────────────────────────────────────


def _check_pdf(data: bytes) -> None:
    start = int(re.findall(rb"startxref\n(\d+)", data)[0])
    entries = re.findall(rb"(\d{10}) 00000 n ", data[start:])
    assert data.startswith(b"%PDF-1.4")
    for number, entry in enumerate(entries, 1):
        assert data[int(entry) :].startswith(b"%d 0 obj" % number)


def _check_csv(data: bytes) -> None:
    rows = data.decode().splitlines()
    assert len({row.count(",") for row in rows}) == 1


def _check_png(data: bytes) -> None:
    at = 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        body, crc = data[at + 4 : at + 8 + size], data[at + 8 + size : at + 12 + size]
        assert zlib.crc32(body) == struct.unpack(">I", crc)[0]
        at += 12 + size


def _check_zip(data: bytes) -> None:
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None


_CHECKS: dict[str, Callable[[bytes], None]] = {
    "application/pdf": _check_pdf,
    "text/csv": _check_csv,
    "image/png": _check_png,
    "application/zip": _check_zip,
}


@pytest.mark.parametrize("kind", sorted(_CHECKS))
def test_attached_files_are_whole(parsed: list[tuple[SampleMail, Message]], kind: str) -> None:
    found = 0
    for mail, message in parsed:
        for part in message.walk():
            if part.get_content_type() == kind and mail.kind != "hostile":
                data = part.get_payload(decode=True)
                assert isinstance(data, bytes)
                _CHECKS[kind](data)
                found += 1
    assert found > 5


# ── into the store ───────────────────────────────────────────────────────────────────────────────


def test_filling_a_store_makes_a_mailbox_whose_references_can_be_followed(tmp_path: Path) -> None:
    store = Store(tmp_path, durable=False)
    agent = store.add_agent("ops-bot")
    assert fill(store, "ops-bot", 200, now=_NOW) == 200
    followed = 0
    for mail in mails(200, address=agent.address, now=_NOW):
        stored = store.message(agent, mail.delivery.message_id)
        assert stored is not None
        assert store.raw(stored) == mail.delivery.raw
        for file in store.files(stored):
            if file.object_key:
                followed += 1
                assert store.blobs.size(file.object_key) == file.size
            elif not file.failed:
                assert len(intake.part_bytes(mail.delivery.raw, file.part)) == file.size
    assert followed >= 2
    store.close()


def test_an_unknown_agent_cannot_be_filled(tmp_path: Path) -> None:
    store = Store(tmp_path, durable=False)
    with pytest.raises(KeyError):
        fill(store, "nobody", 1, now=_NOW)
    store.close()
