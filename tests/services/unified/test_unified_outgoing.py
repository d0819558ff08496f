"""Writing, sending, keys and files over several accounts: each borrows of its own session only."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from services import events, requests
from services import key_events as keys
from services import outbound_events as ev
from services import transfer_events as files
from services.audit_events import AuditListed, ListAudit
from services.crypto.certs import PeerKey
from services.draft import Draft, DraftKind, Encryption
from services.outbound.log.store import OutboundStore
from services.outbound.offices import OfficeDoor, Offices
from services.policy_config import Policy
from services.redact import Secret
from services.seal_models import SealState
from services.sync.under_way import is_vital
from services.transfer_models import TransferState
from services.unified.ids import join_id, split_id
from tests.fakes import sealed_mail
from tests.fakes.openpgp_keys import person
from tests.fakes.operators import own_key
from tests.services.unified.household import Household, assmbl_member

ADA = person("Ada <ada@agents.example.com>")


def draft_to(to: str, subject: str = "Numbers") -> Draft:
    return replace(Draft.begin(), to=(to,), subject=subject, body="text")


def kept(one: Household, account: str, to: str, subject: str) -> str:
    saved = one.answer(ev.SaveDraft(draft_to(to, subject), account), ev.DraftSaved)
    return saved.draft_id


def sent(one: Household, account: str, to: str, subject: str = "Numbers") -> ev.SendQueued:
    draft_id = kept(one, account, to, subject)
    ready = one.answer(ev.ReviewDraft(draft_id, account), ev.ReviewReady)
    assert ready.review.account_name == account
    return one.answer(ev.SendDraft(draft_id, ready.review.digest, account), ev.SendQueued)


def address(one: Household, account: str) -> str:
    return str(one[account].account.address)


# ── writing ──────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_is_written_by_the_account_that_holds_the_message(household):
    one = household("work", "home")
    one["work"].receive("to work")
    message_id = one["home"].receive("to home")
    one.counted(2)
    asked = ev.BeginDraft(DraftKind.REPLY, message_id)
    begun = one.answer(asked, ev.DraftOpened)
    assert begun.account == "home"
    assert begun.draft.answers == split_id(message_id)[1]
    assert begun.draft.subject == "Re: to home"
    blank = one.answer(ev.BeginDraft(account="home"), ev.DraftOpened)
    assert blank.account == "home"
    default = one.answer(ev.BeginDraft(), ev.DraftOpened)
    assert default.account == ""
    wrapped = one.answer(requests.ForAccount("home", ev.BeginDraft()), ev.DraftOpened)
    assert wrapped.account == "home"


def test_drafts_of_all_accounts_are_one_list_and_stay_in_their_own(household):
    one = household("work", "home")
    one.synced()
    for account in ("work", "home"):
        kept(one, account, "ann@example.com", f"from {account}")
    listed = one.answer(ev.ListDrafts(), ev.DraftsListed)
    assert {(row.account, row.subject) for row in listed.rows} == {
        ("work", "from work"),
        ("home", "from home"),
    }
    row = next(row for row in listed.rows if row.account == "home")
    failed = one.answer(ev.OpenDraft(row.draft_id, "work"), events.RequestFailed)
    assert failed.sentence
    assert one.answer(ev.OpenDraft(row.draft_id, "home"), ev.DraftOpened).account == "home"
    one.answer(ev.DiscardDraft(row.draft_id, "home"), ev.OutboundDone)
    listed = one.answer(ev.ListDrafts(), ev.DraftsListed)
    assert [row.account for row in listed.rows] == ["work"]
    one.answer(ev.RestoreDraft(row.draft_id, "home"), ev.OutboundDone)
    assert len(one.answer(ev.ListDrafts(), ev.DraftsListed).rows) == 2
    one.outbound_counted(lambda counts: counts.drafts == 2)


def test_mail_leaves_from_the_account_that_wrote_it_with_that_accounts_token(household, sandbox):
    one = household("work", "home")
    one.synced()
    for account, other in (("work", "home"), ("home", "work")):
        queued = sent(one, account, address(one, other), f"by {account}")
        assert queued.account == account
        assert one.left(queued).account == account
    one.counted(2)
    rows = one.engine.snapshot.select(_all())
    told = {(rows.row(n).account, str(rows.row(n).subject)) for n in range(2)}
    assert told == {("home", "by work"), ("work", "by home")}
    senders = {rows.row(n).account: str(rows.row(n).address) for n in range(2)}
    assert senders == {"home": address(one, "work"), "work": address(one, "home")}
    listed = one.answer(ev.ListOutbox(sent=True), ev.OutboxListed)
    assert {(row.account, row.subject) for row in listed.rows} == {
        ("work", "by work"),
        ("home", "by home"),
    }
    entry = next(row for row in listed.rows if row.account == "home")
    copy = one.answer(ev.ReadSent(entry.entry_id, "home"), ev.SentOpened)
    assert "text" in copy.body
    audit = one.answer(ListAudit(), AuditListed)
    assert {row.account for row in audit.rows} == {"work", "home"}
    assert not audit.trouble
    alone = one.answer(ListAudit(account="home"), AuditListed)
    assert {row.account for row in alone.rows} == {"home"}


def _all() -> Any:
    from services.models import Mailbox, MailFilter

    return MailFilter(Mailbox.ALL)


def test_mail_of_one_account_leaves_while_another_is_signed_out(household, sandbox, disk):
    away = assmbl_member(sandbox, disk, "away")
    away.token = "wrong-token"
    one = household(away, "work")
    one.counted(0)
    kept(one, "away", "nobody@agents.example.com", "waits")
    one.left(sent(one, "work", address(one, "work")))
    listed = one.answer(ev.ListDrafts(), ev.DraftsListed)
    assert [(row.account, row.subject) for row in listed.rows] == [("away", "waits")]


def test_an_undo_names_the_outbox_that_it_takes_from(household, sandbox, disk):
    slow = Policy(undo_seconds=60)
    members = [assmbl_member(sandbox, disk, name, policy=slow) for name in ("work", "home")]
    one = household(*members)
    one.synced()
    queued = sent(one, "home", address(one, "work"))
    taken = one.answer(ev.CancelSend(queued.entry_ids, queued.account), ev.SendCancelled)
    assert taken.draft_id == queued.draft_id
    assert one.answer(ev.OpenDraft(queued.draft_id, "home"), ev.DraftOpened).account == "home"


def test_what_was_typed_last_is_kept_in_its_account_when_the_program_stops(household):
    one = household("work", "home")
    drafts = {name: draft_to("ann@example.com", f"last of {name}") for name in ("work", "home")}
    for name, draft in drafts.items():
        request = ev.SaveDraft(draft, name)
        assert is_vital(request)
        one.engine.request(request)
    one.stop()
    assert not one.engine._thread.is_alive()
    for name, draft in drafts.items():
        store = OutboundStore.open(one[name].folder)
        assert [key for key, _ in store.all("drafts")] == [draft.draft_id]
        store.close()


def test_a_draft_is_kept_although_the_accounts_cache_cannot_be_opened(household, sandbox, disk):
    broken = assmbl_member(sandbox, disk, "broken")
    broken.folder.mkdir()
    (broken.folder / "mail.log").mkdir()
    one = household("work", broken)
    kept(one, "broken", "ann@example.com", "kept")
    listed = one.answer(ev.ListDrafts(), ev.DraftsListed)
    assert [(row.account, row.subject) for row in listed.rows] == [("broken", "kept")]


def test_accounts_of_both_kinds_write_and_send(household, both_kinds):
    one = household(*both_kinds)
    one.synced()
    sent(one, "a1", address(one, "a2"), "between agents")
    sent(one, "t1", address(one, "t2"), "between inboxes")
    expected = {("a2", "between agents"), ("t2", "between inboxes")}
    one.until(lambda: expected <= {(row.account, str(row.subject)) for row in rows_of(one)})


def rows_of(one: Household) -> list[Any]:
    rows = one.engine.snapshot.select(_all())
    return [rows.row(n) for n in range(len(rows))]


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────


def test_keys_that_one_account_has_unlocked_open_nothing_of_another(household):
    one = household("work", "home")
    raw = sealed_mail.mail(sealed_mail.armor("for Ada's eyes", PeerKey.parse(ADA.block)))
    found = {name: join_id(name, one[name].put(raw)) for name in ("work", "home")}
    one.counted(2)
    block = Secret(own_key(ADA, "eins").export_private())
    for name in found:
        imported = one.answer(
            requests.ForAccount(name, keys.ImportKey(block=block)), keys.KeyWorkDone
        )
        assert imported.account == name
    assert states(one, found) == {"work": SealState.LOCKED, "home": SealState.LOCKED}
    unlocked = one.answer(
        requests.ForAccount("home", keys.UnlockKeys(Secret("eins"))), keys.KeyWorkDone
    )
    assert unlocked.account == "home"
    assert states(one, found) == {"work": SealState.LOCKED, "home": SealState.OPENED}
    view = one.answer(requests.ForAccount("home", keys.ReadKeys()), keys.KeysChanged)
    assert view.account == "home"
    one.engine.request(keys.ReadAhead(tuple(found.values())))
    one.answer(requests.ForAccount("home", keys.LockKeys()), keys.KeyWorkDone)
    assert states(one, found) == {"work": SealState.LOCKED, "home": SealState.LOCKED}


def test_locking_without_an_account_locks_all_of_them(household):
    one = household("work", "home")
    raw = sealed_mail.mail(sealed_mail.armor("for Ada's eyes", PeerKey.parse(ADA.block)))
    found = {name: join_id(name, one[name].put(raw)) for name in ("work", "home")}
    one.counted(2)
    block = Secret(own_key(ADA, "eins").export_private())
    for name in found:
        for request in (keys.ImportKey(block=block), keys.UnlockKeys(Secret("eins"))):
            one.answer(requests.ForAccount(name, request), keys.KeyWorkDone)
    assert states(one, found) == {"work": SealState.OPENED, "home": SealState.OPENED}
    request_id = one.engine.request(keys.LockKeys())
    done = {
        one.wait(keys.KeyWorkDone, lambda told: told.request_id == request_id).account
        for _ in found
    }
    assert done == {"work", "home"}
    assert states(one, found) == {"work": SealState.LOCKED, "home": SealState.LOCKED}


def states(one: Household, found: dict[str, str]) -> dict[str, SealState]:
    opened = {
        name: one.answer(requests.OpenMessage(message_id), events.MessageOpened)
        for name, message_id in found.items()
    }
    return {name: event.message.seal.state for name, event in opened.items()}


def test_keys_without_an_account_are_the_default_accounts(household):
    one = household("work", "home")
    assert one.answer(keys.ReadKeys(), keys.KeysChanged).account == "work"
    wrong = requests.ForAccount("elsewhere", keys.ReadKeys())
    assert one.answer(wrong, events.RequestFailed).sentence


def test_drafts_are_sealed_to_the_key_of_their_own_account_only(household):
    one = household("work", "home")
    one.synced()
    block = Secret(own_key(ADA, "eins").export_private())
    one.answer(requests.ForAccount("work", keys.ImportKey(block=block)), keys.KeyWorkDone)
    for account in ("work", "home"):
        secret = replace(
            draft_to("ann@example.com", f"secret of {account}"), encryption=Encryption.REQUIRED
        )
        one.answer(ev.SaveDraft(secret, account), ev.DraftSaved)
    rows = {row.account: row for row in one.answer(ev.ListDrafts(), ev.DraftsListed).rows}
    assert (rows["work"].locked, rows["home"].locked) == (True, False)
    assert rows["home"].subject == "secret of home"
    locked = one.answer(ev.OpenDraft(rows["work"].draft_id, "work"), ev.DraftLocked)
    assert locked.account == "work"
    one.answer(requests.ForAccount("work", keys.UnlockKeys(Secret("eins"))), keys.KeyWorkDone)
    opened = one.answer(ev.OpenDraft(rows["work"].draft_id, "work"), ev.DraftOpened)
    assert opened.draft.subject == "secret of work"
    on_disk = (one["work"].folder / "outbound" / "outbound.log").read_bytes()
    assert b"secret of work" not in on_disk


async def test_an_office_that_does_not_open_holds_up_no_other(disk):
    never = asyncio.Event()

    async def waits() -> Any:
        await never.wait()

    async def opens() -> Any:
        return "office"

    offices = Offices(
        [OfficeDoor("slow", disk / "slow", waits), OfficeDoor("quick", disk / "quick", opens)],
        shown=("slow", "quick"),
    )
    slow = asyncio.create_task(offices.get("slow"))
    assert await offices.get("quick") == "office"
    assert not slow.done()
    slow.cancel()


# ── files ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    folder = tmp_path / "Files"
    folder.mkdir()
    return folder


def with_file(name: str) -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "ann@example.com", f"with {name}"
    message.set_content("see below")
    message.add_attachment(name.encode(), "text", "plain", filename=f"{name}.txt")
    return message.as_bytes()


def test_files_are_saved_from_their_own_account_and_listed_together(household, downloads):
    one = household("work", "home")
    found = {name: join_id(name, one[name].put(with_file(name))) for name in ("work", "home")}
    one.counted(2)
    for name, message_id in found.items():
        done = one.answer(files.SaveAttachments(message_id, (0,), downloads), files.FilesSaved)
        assert done.message_id == message_id
        assert [path.read_bytes() for path in done.paths] == [name.encode()]
    listed = one.answer(files.ListTransfers(), files.TransfersListed)
    assert {row.account for row in listed.rows} == {"work", "home"}
    assert {row.state for row in listed.rows} == {TransferState.DONE}
    moved = [event.row for event in one.told if isinstance(event, files.TransferMoved)]
    assert {split_id(row.transfer_id)[0] for row in moved} == {"work", "home"}
    alone = requests.ForAccount("home", files.ListTransfers())
    assert [row.account for row in one.answer(alone, files.TransfersListed).rows] == ["home"]
    assert one.answer(files.ForgetTransfers(), files.TransfersListed).rows == ()


def test_a_transfer_is_cancelled_and_tried_again_by_its_own_account(household, sandbox, downloads):
    one = household("work", "home")
    message_id = join_id("home", one["home"].put(with_file("home")))
    one.counted(1)
    sandbox.fault("status", operation="request_inbound_attachment_download", status=404, times=None)
    one.answer(files.SaveAttachments(message_id, (0,), downloads), events.RequestFailed)
    row = one.answer(files.ListTransfers(), files.TransfersListed).rows[0]
    assert (row.account, row.state, row.can_retry) == ("home", TransferState.FAILED, True)
    sandbox.clear_faults()
    one.engine.request(files.CancelTransfers(transfer_ids=(row.transfer_id,)))
    done = one.answer(files.RetryTransfers((row.transfer_id,)), files.FilesSaved)
    assert done.message_id == message_id
    assert (downloads / "home.txt").read_bytes() == b"home"
