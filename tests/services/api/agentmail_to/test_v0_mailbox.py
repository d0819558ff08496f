"""The real mailbox and engine over AgentMail.to: sync, changes both ways, offline, search, reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services import events, requests
from services.api.agentmail_to.client import AgentMailToClient
from services.attachments.transfer import Fetcher, Wanted
from services.errors import BadAnswer, NotFound, Offline, UsageError
from services.models import Mailbox as Box
from services.models import MailFilter, SyncPhase
from services.sync.mailbox import Mailbox
from tests.services.api.agentmail_to.conftest import no_pause
from tests.services.api.agentmail_to.v0_inbox import fill, with_files
from tests.services.engine.engine_stage import Run
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, mail, seg
from tests.services.sync.conftest import Desktop

SOME = 230
"""Three pages."""


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    desktop = Desktop(tmp_path / "account")
    yield desktop
    desktop.stop()


class Elsewhere:
    """Another client of the same inbox, which knows nothing of this program."""

    def __init__(self, http: httpx.Client, inbox_id: str) -> None:
        self._http = http
        self._base = f"inboxes/{inbox_id}/messages"

    def labels(self, message_id: str) -> set[str]:
        answer = self._http.get(f"{self._base}/{seg(message_id)}")
        return set(answer.json()["labels"])

    def relabel(self, message_id: str, add: str = "", remove: str = "") -> None:
        body = {"add_labels": [add] if add else [], "remove_labels": [remove] if remove else []}
        self._http.patch(f"{self._base}/{seg(message_id)}", json=body).raise_for_status()

    def delete(self, message_id: str) -> None:
        self._http.delete(f"{self._base}/{seg(message_id)}").raise_for_status()


@pytest.fixture
def elsewhere(v0: V0Control, org: Org) -> Iterator[Elsewhere]:
    with v0.client(org.key) as http:
        yield Elsewhere(http, org.one)


def shown(mailbox: Mailbox, box: Box = Box.INBOX) -> list[str]:
    rows = mailbox.snapshot.select(MailFilter(box))
    return [rows.message_id(at) for at in range(len(rows))]


async def test_a_first_sync_reads_all_pages_and_a_second_one_only_the_tail(
    client, v0, org, desktop, asked
) -> None:
    ids = fill(v0, org.one, SOME)
    v0.receive(org.one, mail("Spam"), labels=["spam"])
    v0.receive(org.one, mail("Thrown away"), labels=["trash"])
    mailbox = desktop.start(client)
    outcome = await mailbox.sync()
    assert outcome.new == SOME
    mailbox.report.publish_now()
    assert shown(mailbox) == ids[::-1]
    assert mailbox.snapshot.counts.unread == SOME
    before = len(asked())
    new = v0.receive(org.one, mail("New"))["message_id"]
    assert (await mailbox.sync()).new == 1
    listed = [one for one in asked()[before:] if one["operation"] == "v0_list_messages"]
    assert len(listed) == 2  # of three pages
    assert mailbox.store.item(new).subject == "New"


@pytest.mark.parametrize("kind", ["expired_cursor", "repeated_cursor", "empty_page", "short_page"])
async def test_odd_pages_lose_no_message(client, v0, org, desktop, kind: str) -> None:
    ids = fill(v0, org.one, SOME)
    mailbox = desktop.start(client)
    # An empty page of the sandbox leads to where it stood, which is new for the first page only.
    skip = 0 if kind == "empty_page" else 1
    v0.sandbox.fault(kind, operation="v0_list_messages", skip=skip, size=7, times=1)
    if kind == "repeated_cursor":
        with pytest.raises(BadAnswer, match="again and again"):
            await mailbox.sync()
    await mailbox.sync()
    assert set(mailbox.store.ids()) == set(ids)


async def test_what_is_done_here_is_done_there(client, v0, org, desktop, elsewhere) -> None:
    read, labelled, archived, deleted, kept = fill(v0, org.one, 5)
    mailbox = desktop.start(client)
    await mailbox.sync()
    await mailbox.mark_read([read], True)
    await mailbox.change_labels([labelled], add=("Invoices", "b"))
    await mailbox.archive([archived])
    await mailbox.delete([deleted])
    assert (await mailbox.flush()).refused == ()
    assert elsewhere.labels(read) == {"received", "read"}
    assert elsewhere.labels(labelled) == {"received", "unread", "invoices", "b"}
    assert elsewhere.labels(archived) == {"received", "unread", "archived"}
    assert elsewhere.labels(deleted) == {"received", "unread", "trash"}
    assert elsewhere.labels(kept) == {"received", "unread"}
    assert set(mailbox.store.item(labelled).labels) == {"invoices", "b"}
    await mailbox.sync(full=True)
    assert shown(mailbox) == [kept, labelled, read]
    assert shown(mailbox, Box.ARCHIVED) == [archived]
    assert mailbox.store.item(read).is_read
    assert mailbox.store.item(deleted) is None
    await mailbox.change_labels([labelled], remove=("INVOICES",))
    await mailbox.archive([archived], False)
    await mailbox.flush()
    assert elsewhere.labels(labelled) == {"received", "unread", "b"}
    assert elsewhere.labels(archived) == {"received", "unread"}


async def test_what_is_done_elsewhere_is_seen_here(client, v0, org, desktop, elsewhere) -> None:
    read, archived, trashed, deleted, spam, kept = fill(v0, org.one, 6)
    mailbox = desktop.start(client)
    await mailbox.sync()
    elsewhere.relabel(read, remove="unread")
    elsewhere.relabel(archived, add="archived")
    elsewhere.relabel(trashed, add="trash")
    elsewhere.relabel(spam, add="spam")
    elsewhere.delete(deleted)
    outcome = await mailbox.sync(full=True)
    assert outcome.removed == 3
    assert shown(mailbox) == [kept, read]
    assert shown(mailbox, Box.ARCHIVED) == [archived]
    assert mailbox.store.item(read).is_read
    elsewhere.relabel(trashed, remove="trash")
    await mailbox.sync(full=True)
    assert mailbox.store.item(trashed) is not None


async def test_changes_made_offline_are_carried_out_when_the_service_is_back(
    client, v0, org, desktop, elsewhere
) -> None:
    one, two, three = fill(v0, org.one, 3)
    mailbox = desktop.start(client)
    await mailbox.sync()
    offline = desktop.start(None)
    await offline.mark_read([one], True)
    await offline.change_labels([one], add=("Later",))
    await offline.archive([two])
    await offline.delete([three])
    assert offline.waiting == 4
    again = desktop.start(client)
    assert again.waiting == 4
    assert (await again.flush()).refused == ()
    assert elsewhere.labels(one) == {"received", "read", "later"}
    assert elsewhere.labels(two) == {"received", "unread", "archived"}
    assert "trash" in elsewhere.labels(three)
    assert again.store.item(one).labels == ("later",)
    await again.sync(full=True)
    assert set(again.store.ids()) == {one, two}


async def test_a_deletion_that_was_carried_out_is_taken_back_from_the_trash(
    client, v0, org, desktop, elsewhere
) -> None:
    one, two, three, kept = fill(v0, org.one, 4)
    mailbox = desktop.start(client)
    await mailbox.sync()
    await mailbox.delete([one, two, three])
    await mailbox.flush()
    elsewhere.delete(three)
    assert list(mailbox.store.ids()) == [kept]
    undone = await mailbox.undo()
    assert (undone.restored, undone.too_late) == (2, 1)
    assert set(mailbox.store.ids()) == {one, two, kept}
    assert elsewhere.labels(one) == elsewhere.labels(two) == {"received", "unread"}
    await mailbox.sync(full=True)
    assert set(mailbox.store.ids()) == {one, two, kept}


async def test_a_deletion_whose_answer_was_lost_is_taken_back_there_too(
    client, v0, org, desktop, elsewhere
) -> None:
    (one,) = fill(v0, org.one, 1)
    mailbox = desktop.start(client)
    await mailbox.sync()
    await mailbox.delete([one])
    v0.sandbox.fault("drop_after", operation="v0_update_message", times=4)
    with pytest.raises(Offline):
        await mailbox.flush()
    assert "trash" in elsewhere.labels(one)
    undone = await mailbox.undo()
    assert (undone.restored, undone.uncertain, undone.too_late) == (1, 0, 0)
    assert elsewhere.labels(one) == {"received", "unread"}
    assert list(mailbox.store.ids()) == [one]


async def test_an_undo_that_cannot_reach_the_trash_says_so(client, v0, org, desktop) -> None:
    (one,) = fill(v0, org.one, 1)
    mailbox = desktop.start(client)
    await mailbox.sync()
    await mailbox.delete([one])
    await mailbox.flush()
    v0.sandbox.fault("drop_before", operation="v0_update_message", times=None)
    with pytest.raises(Offline):
        await mailbox.undo()


async def test_mail_with_an_earlier_time_than_the_last_page_is_seen_at_once(
    client, v0, org, desktop
) -> None:
    ids = fill(v0, org.one, 101)
    mailbox = desktop.start(client)
    await mailbox.sync()
    late = v0.receive(org.one, mail("Late"), received_at=1_700_000_050.5)["message_id"]
    assert (await mailbox.sync()).new == 1
    assert set(mailbox.store.ids()) == {*ids, late}


@pytest.mark.parametrize("hostile", ["..", ".", "search", "send", "<a\r\nX: 1@x>", "<\x1b[31m@x>"])
async def test_a_message_that_cannot_be_asked_for_is_shown_and_harms_no_other(
    client, v0, org, desktop, elsewhere, asked, hostile: str
) -> None:
    (kept,) = fill(v0, org.one, 1)
    v0.receive(org.one, mail("Odd"), message_id=hostile)
    mailbox = desktop.start(client)
    await mailbox.sync()
    assert mailbox.store.item(hostile).subject == "Odd"
    before = len(asked())
    with pytest.raises(UsageError):
        await mailbox.open(hostile)
    for change in (mailbox.mark_read([hostile], True), mailbox.delete([hostile])):
        assert await change == 1
    flushed = await mailbox.flush()
    assert [type(refusal.error) for refusal in flushed.refused] == [UsageError, UsageError]
    assert asked()[before:] == []
    assert mailbox.store.item(hostile) is not None
    assert not mailbox.store.item(hostile).is_read
    assert elsewhere.labels(kept) == {"received", "unread"}
    assert (await mailbox.sync(full=True)).removed == 0


async def test_a_change_of_what_is_gone_elsewhere_ends(client, v0, org, desktop, elsewhere) -> None:
    one, two, three = fill(v0, org.one, 3)
    mailbox = desktop.start(client)
    await mailbox.sync()
    elsewhere.delete(one)
    elsewhere.delete(two)
    await mailbox.mark_read([one], True)
    await mailbox.delete([two])
    flushed = await mailbox.flush()
    assert [refusal.gone for refusal in flushed.refused] == [True]
    assert mailbox.waiting == 0
    assert list(mailbox.store.ids()) == [three]


async def test_labels_of_the_service_are_refused_before_anything_changes(
    client, v0, org, desktop, asked
) -> None:
    (one,) = fill(v0, org.one, 1)
    mailbox = desktop.start(client)
    await mailbox.sync()
    before = len(asked())
    for label in ("delivered", "Trash", "unread", "spam"):
        with pytest.raises(UsageError, match="only the service"):
            await mailbox.change_labels([one], add=(label,))
    assert mailbox.waiting == 0
    assert len(asked()) == before


async def test_an_answer_that_was_lost_is_found_out(client, v0, org, desktop, elsewhere) -> None:
    (one, two) = fill(v0, org.one, 2)
    mailbox = desktop.start(client)
    await mailbox.sync()
    v0.sandbox.fault("drop_after", operation="v0_update_message", times=1)
    await mailbox.archive([one])
    v0.sandbox.fault("status", operation="v0_update_message", status=409, error="race_condition")
    await mailbox.delete([two])
    assert (await mailbox.flush()).sent == 2
    assert "archived" in elsewhere.labels(one)
    assert "trash" in elsewhere.labels(two)


async def test_a_wrong_host_makes_nothing_disappear(v0, org, client, desktop) -> None:
    ids = fill(v0, org.one, 3)
    mailbox = desktop.start(client)
    await mailbox.sync()
    v0.sandbox.fault("answer", operation="v0_list_messages", body='{"count": 0, "messages": []}')
    v0.sandbox.fault("answer", operation="v0_get_message", status=404, body="<html>", times=None)
    assert (await mailbox.sync(full=True)).removed == 0
    assert set(mailbox.store.ids()) == set(ids)


async def test_the_service_searches(client, v0, org, desktop) -> None:
    fill(v0, org.one, 3)
    found = v0.receive(org.one, mail("Zebra", "Stripes"))["message_id"]
    mailbox = desktop.start(client)
    await mailbox.sync()
    assert await mailbox.search_server("stripes") == (found,)
    assert await mailbox.search_server("giraffe") == ()


async def test_a_message_is_read_and_one_in_the_trash_is_forgotten(
    client, v0, org, desktop, elsewhere
) -> None:
    one, two = fill(v0, org.one, 2)
    mailbox = desktop.start(client)
    await mailbox.sync()
    opened = await mailbox.open(one)
    assert opened.trust.verified
    assert any("No. 0" in str(line) for line in await mailbox.raw(one))
    elsewhere.relabel(two, add="trash")
    with pytest.raises(NotFound, match="trash"):
        await mailbox.open(two)
    assert list(mailbox.store.ids()) == [one]


async def test_a_file_is_saved_by_the_same_hand_as_everywhere(
    client, v0, org, tmp_path: Path
) -> None:
    message_id = v0.receive(org.one, with_files(("../../evil.sh", b"#!")))["message_id"]
    (tmp_path / "saved").mkdir()
    fetcher = Fetcher(client.attachments, tmp_path / "staging")
    saved = await fetcher.save(Wanted(message_id, 0, tmp_path / "saved"))
    assert saved.path.parent == tmp_path / "saved"
    assert saved.path.read_bytes() == b"#!"


async def test_a_download_that_breaks_goes_on(client, v0, org, tmp_path: Path) -> None:
    content = bytes(range(256)) * 1_000
    message_id = v0.receive(org.one, with_files(("big.bin", content)))["message_id"]
    (tmp_path / "saved").mkdir()
    v0.sandbox.fault("truncated", operation="s3_download", size=100_000, times=1)
    fetcher = Fetcher(client.attachments, tmp_path / "staging")
    saved = await fetcher.save(Wanted(message_id, 0, tmp_path / "saved"))
    assert saved.path.read_bytes() == content


# ── the engine ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def run(tmp_path: Path, v0: V0Control, org: Org) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(**options: Any) -> Run:
        made = AgentMailToClient(v0.base_url, org.key, org.one, sleep=no_pause)
        runs.append(Run(tmp_path / "engine", lambda: made, **options))
        return runs[-1]

    yield start
    for one in runs:
        one.stop()


def test_the_engine_runs_an_inbox_of_agentmail_to(run, v0, org, elsewhere) -> None:
    one, two, three = fill(v0, org.one, 3)
    app: Run = run()
    app.phase(SyncPhase.SYNCED)
    while len(app.ids) < 3:
        app.wait(events.MailboxChanged)
    opened = app.answer(requests.OpenMessage(one), events.MessageOpened)
    assert opened.trust.verified
    app.answer(requests.ChangeLabels((two,), add=("Due",)), events.Notice)
    deleting = app.answer(requests.Delete((three,)), events.Notice)
    assert "trash" in str(deleting.sentence)
    refused = app.answer(requests.ChangeLabels((two,), add=("sent",)), events.RequestFailed)
    assert "only the service" in str(refused.sentence)
    app.waiting(1)  # the deletion has its time to be taken back
    assert "due" in elsewhere.labels(two)
    app.answer(requests.Undo(), events.Notice)
    new = v0.receive(org.one, mail("New"))["message_id"]
    app.wait(events.MailboxChanged, lambda _: new in app.ids)
    assert set(app.ids) == {one, two, three, new}
