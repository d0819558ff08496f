"""Several accounts as one mailbox, over real engines and the real sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services import events, requests
from services.models import Mailbox, SyncPhase
from services.unified.ids import join_id, split_id
from tests.services.unified.household import Household, assmbl_member


def test_messages_of_several_accounts_stand_in_one_list_by_their_dates(household):
    def fill(one: Household) -> None:
        for name, times in (("work", (100, 300, 300)), ("home", (200, 300, 400)), ("late", (50,))):
            for number, time in enumerate(times):
                one[name].receive(f"{name} {number}", received_at=1_700_000_000 + time)

    one = household("work", "home", "late", before=fill)
    one.synced()
    one.counted(7)
    rows = one.engine.snapshot.select(requests_filter())
    told = [
        (rows.row(n).account, rows.row(n).received_at - 1_700_000_000) for n in range(len(rows))
    ]
    # Equal dates stand in the order of the accounts.
    assert told == [
        ("home", 400), ("work", 300), ("work", 300), ("home", 300), ("home", 200), ("work", 100),
        ("late", 50),
    ]  # fmt: skip
    ids = one.ids()
    assert [rows.position_of(message_id) for message_id in ids] == list(range(7))
    assert {split_id(message_id)[0] for message_id in ids} == {"work", "home", "late"}
    assert one.engine.snapshot.counts_of("work").total == 3
    assert one.engine.snapshot.counts_of("elsewhere").total == 0


def requests_filter(**wanted: Any) -> Any:
    from services.models import MailFilter

    return MailFilter(Mailbox.ALL, **wanted)


def test_one_account_can_be_shown_alone(household):
    one = household("work", "home")
    work, home = one["work"].receive("one"), one["home"].receive("two")
    one.counted(2)
    assert set(one.ids()) == {work, home}
    assert one.ids(account="home") == [home]
    assert one.ids(account="elsewhere") == []


def test_words_and_labels_choose_among_all_accounts(household):
    one = household("work", "home")
    first = one["work"].receive("invoice 1", labels=["money"])
    one["work"].receive("lunch")
    second = one["home"].receive("invoice 2", labels=["money", "home"])
    one.counted(3)
    one.engine.request(requests.PrepareSearch())
    while not one.engine.snapshot.search_ready:
        one.wait(events.MailboxChanged)
    assert set(one.ids(text="invoice")) == {first, second}
    assert set(one.ids(label="money")) == {first, second}
    assert one.ids(label="home") == [second]
    counts = {label.label: label.count for label in one.engine.snapshot.counts.labels}
    assert counts["money"] == 2
    assert counts["home"] == 1


def test_a_message_is_opened_and_read_raw_in_its_own_account(household):
    one = household("work", "home")
    work, home = one["work"].receive("at work"), one["home"].receive("at home")
    one.counted(2)
    for message_id, words in ((work, "Hello at work"), (home, "Hello at home")):
        opened = one.answer(requests.OpenMessage(message_id), events.MessageOpened)
        assert opened.message_id == message_id
        assert words in [line.text for line in opened.message.body]
        raw = one.answer(requests.ReadRaw(message_id), events.RawRead)
        assert raw.message_id == message_id
        assert words in raw.lines


def test_the_same_id_in_two_accounts_is_two_messages(household):
    one = household("work", "home")
    found = {name: one[name].receive(f"of {name}", message_id="same") for name in ("work", "home")}
    one.counted(2)
    one.answer(requests.Archive((found["home"],)), events.Notice)
    one.waiting(0)
    assert one.ids(Mailbox.INBOX) == [found["work"]]
    assert one.ids(Mailbox.ARCHIVED) == [found["home"]]
    opened = one.answer(requests.OpenMessage(found["work"]), events.MessageOpened)
    assert opened.message.subject == "of work"


HOSTILE = {
    "separator inside": "with \x1f inside",
    "only a separator": "\x1f",
    "like another's": "home\x1fsame",
    "of a path": "a/../b?c#d\r\n",
    "very long": "x" * 1_000,
}


@pytest.mark.parametrize("own_id", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_id_never_reaches_the_message_of_another_account(own_id, household):
    one = household("work", "home")
    found = {name: one[name].receive(f"of {name}", message_id=own_id) for name in ("work", "home")}
    one.counted(2)
    rows = one.engine.snapshot.select(requests_filter())
    for name, message_id in found.items():
        row = one.engine.snapshot.row_of(message_id)
        assert (row.message_id, row.account, row.subject) == (message_id, name, f"of {name}")
        assert rows.message_id(rows.position_of(message_id)) == message_id
        request_id = one.engine.request(requests.OpenMessage(message_id))
        # Some of these no URL may hold: then the answer is a refusal, about the same message.
        answer = one.wait(
            events.MessageOpened | events.RequestFailed,
            lambda event, asked=request_id: event.request_id == asked,
        )
        assert answer.message_id == message_id
    one.answer(requests.Archive((found["home"],)), events.Notice)
    one.waiting(0)
    assert found["work"] in one.ids(Mailbox.INBOX)


def test_an_id_of_no_account_is_refused_and_nothing_is_asked_of_any(household, sandbox):
    one = household("work", "home")
    one.synced()
    for bad in ("", "no account", join_id("other", "x"), join_id("", "x")):
        failed = one.answer(requests.OpenMessage(bad), events.RequestFailed)
        assert failed.sentence
        failed = one.answer(requests.Delete((bad,)), events.RequestFailed)
        assert failed.sentence


def test_a_change_to_several_accounts_is_one_sentence_and_one_undo(household):
    one = household("work", "home", "third")
    ids = tuple(one[name].receive(f"{name} {n}") for name in ("work", "home") for n in (1, 2))
    alone = one["third"].receive("alone")
    one.counted(5)
    done = one.answer(requests.Archive(ids), events.Notice)
    assert done.sentence == "Archived 4 messages."
    assert done.undoable
    assert one.ids(Mailbox.INBOX) == [alone]
    done = one.answer(requests.ChangeLabels((alone, ids[0]), add=("seen",)), events.Notice)
    assert done.sentence == "Changed the labels of 2 messages."
    undone = one.answer(requests.Undo(), events.Notice)
    assert undone.sentence == "Taken back for 2 messages."
    assert one.ids(label="seen") == []
    undone = one.answer(requests.Undo(), events.Notice)
    assert undone.sentence == "Taken back for 4 messages."
    assert len(one.ids(Mailbox.INBOX)) == 5
    nothing = one.answer(requests.Undo(), events.Notice)
    assert nothing.sentence == "There is nothing to take back."


def test_a_change_to_several_accounts_is_taken_back_whole_after_a_restart(household):
    one = household("work", "home")
    ids = tuple(one[name].receive(name) for name in ("work", "home"))
    one.counted(2)
    one.answer(requests.Archive(ids[:1]), events.Notice)
    one.answer(requests.Delete(ids), events.Notice)
    one.stop()
    two = household(*one.members.values())
    two.synced()
    assert two.ids() == []
    assert two.answer(requests.Undo(), events.Notice).sentence == "Taken back for 2 messages."
    assert set(two.ids()) == set(ids)
    assert two.answer(requests.Undo(), events.Notice).sentence == "Taken back for 1 message."
    assert set(two.ids(Mailbox.INBOX)) == set(ids)


def test_what_is_asked_for_in_one_breath_is_done_in_that_order(household):
    one = household("work", "home")
    ids = tuple(one[name].receive(name) for name in ("work", "home"))
    one.counted(2)
    asked = [
        requests.Archive(ids),
        requests.Undo(),
        requests.MarkRead(ids, is_read=True),
        requests.Undo(),
    ]
    numbers = [one.engine.request(request) for request in asked]
    told = [
        one.wait(events.Notice, lambda event, number=number: event.request_id == number).sentence
        for number in numbers
    ]
    assert told == [
        "Archived 2 messages.", "Taken back for 2 messages.",
        "Marked 2 messages as read.", "Taken back for 2 messages.",
    ]  # fmt: skip
    assert set(one.ids(Mailbox.INBOX)) == set(ids)
    assert one.engine.snapshot.counts.unread == 2


def test_the_latest_change_is_taken_back_also_when_the_clock_was_set_back(household, monkeypatch):
    one = household("work", "home")
    ids = {name: one[name].receive(name) for name in ("work", "home")}
    one.counted(2)
    one.answer(requests.Archive((ids["work"],)), events.Notice)
    monkeypatch.setattr(one.engine._desk, "_clock", lambda: 1_000.0)
    for _ in range(2):
        one.answer(requests.Archive((ids["home"],)), events.Notice)
        one.answer(requests.Undo(), events.Notice)
        assert one.ids(Mailbox.ARCHIVED) == [ids["work"]]


def test_marking_many_as_read_is_told_once_and_one_not_at_all(household):
    one = household("work", "home")
    ids = tuple(one[name].receive(name) for name in ("work", "home"))
    one.counted(2)
    told = one.answer(requests.MarkRead(ids, is_read=True), events.Notice)
    assert told.sentence == "Marked 2 messages as read."
    one.engine.request(requests.MarkRead(ids[:1], is_read=False))
    one.answer(requests.Undo(), events.Notice)
    assert sum(isinstance(event, events.Notice) for event in one.told) == 2


def test_the_services_searches_are_one_answer(household):
    one = household("work", "home")
    hits = {one[name].receive(f"needle {name}") for name in ("work", "home")}
    one["work"].receive("hay")
    one.counted(3)
    answer = one.answer(requests.SearchServer("needle"), events.SearchAnswered)
    assert set(answer.message_ids) == hits
    alone = one.answer(
        requests.ForAccount("home", requests.SearchServer("needle")), events.SearchAnswered
    )
    assert [split_id(message_id)[0] for message_id in alone.message_ids] == ["home"]


def test_new_mail_of_any_account_appears_by_itself(household):
    one = household("work", "home")
    one.synced()
    for number, name in enumerate(("home", "work", "home"), start=1):
        one[name].receive(f"new {number}")
        one.counted(number)


def test_two_accounts_of_each_kind_are_one_mailbox(household, both_kinds):
    one = household(*both_kinds)
    found = {member.name: member.receive(f"of {member.name}") for member in both_kinds}
    one.counted(4)
    assert set(one.ids()) == set(found.values())
    for name, message_id in found.items():
        opened = one.answer(requests.OpenMessage(message_id), events.MessageOpened)
        assert opened.message.subject == f"of {name}"
    done = one.answer(requests.ChangeLabels(tuple(found.values()), ("later",)), events.Notice)
    assert done.sentence == "Changed the labels of 4 messages."
    one.waiting(0)
    assert len(one.ids(label="later")) == 4


# ── trouble ──────────────────────────────────────────────────────────────────────────────────────


def test_a_signed_out_account_shows_as_such_while_the_others_work(household, sandbox, disk):
    away = assmbl_member(sandbox, disk, "away")
    away.token = "wrong-token"
    one = household("work", away)
    states = one.states(work=SyncPhase.SYNCED, away=SyncPhase.SIGNED_OUT)
    assert states["away"].sentence
    told = [event for event in one.told if isinstance(event, events.SyncStateChanged)][-1]
    assert told.state.phase is SyncPhase.PARTLY
    assert told.state.sentence == "away signed out"
    message_id = one["work"].receive("goes on")
    one.counted(1)
    opened = one.answer(requests.OpenMessage(message_id), events.MessageOpened)
    assert opened.message.subject == "goes on"
    found = one.answer(requests.SearchServer("goes"), events.SearchAnswered)
    assert found.message_ids == (message_id,)
    warning = one.wait(events.Notice)
    assert warning.severity is events.Severity.WARNING
    assert warning.account == "away"
    assert warning.sentence.startswith("away: ")


def test_an_account_that_cannot_be_reached_keeps_its_cached_mail(household, sandbox, disk):
    one = household("work", "home")
    work, home = one["work"].receive("one"), one["home"].receive("two")
    one.counted(2)
    one.synced()
    one.stop()
    unplugged = one["home"]
    unplugged.account = replaced(unplugged.account, base_url="http://127.0.0.1:9/")
    two = household(one["work"], unplugged)
    two.states(work=SyncPhase.SYNCED, home=SyncPhase.OFFLINE)
    assert set(two.ids()) == {work, home}
    two.answer(requests.Archive((work, home)), events.Notice)
    states = two.states(work=SyncPhase.SYNCED, home=SyncPhase.OFFLINE)
    assert states["home"].waiting == 1


def replaced(account: Any, **fields: Any) -> Any:
    from dataclasses import replace

    return replace(account, **fields)


def test_a_cache_that_cannot_be_opened_does_not_stop_the_rest(household, sandbox, disk):
    broken = assmbl_member(sandbox, disk, "broken")
    broken.folder.write_text("a file where the folder should be")
    one = household("work", broken)
    message_id = one["work"].receive("goes on")
    one.counted(1)
    states = one.states(work=SyncPhase.SYNCED, broken=SyncPhase.FAILED)
    assert states["broken"].sentence
    assert one.engine.snapshot.accounts == ("work",)
    assert one.answer(requests.OpenMessage(message_id), events.MessageOpened)
    other = join_id("broken", "x")
    failed = one.answer(requests.OpenMessage(other), events.RequestFailed)
    assert failed.account == "broken"
    done = one.answer(requests.Archive((message_id, other)), events.Notice)
    assert done.sentence == "Archived 1 message."
    assert one.wait(events.Notice).account == "broken"


def test_a_damaged_cache_is_told_and_repaired_while_the_rest_works(household):
    one = household("work", "home")
    for number in range(5):
        one["home"].receive(f"mail {number}")
    work = one["work"].receive("fine")
    one.counted(6)
    one.synced()
    one.stop()
    damage(one["home"].folder)
    two = household(*one.members.values())
    told = two.wait(events.Notice, lambda event: event.account == "home")
    assert told.sentence.startswith("home: ")
    two.synced()
    two.counted(6)
    assert work in two.ids()


def damage(folder: Path) -> None:
    log = folder / "mail.log"
    data = bytearray(log.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40] = b"\xff" * 40
    log.write_bytes(bytes(data))
    (folder / "mail.index").unlink(missing_ok=True)


def test_an_account_that_another_instance_writes_is_read_only_and_the_rest_is_not(household):
    first = household("work", "home")
    ids = [first[name].receive(name) for name in ("work", "home")]
    first.counted(2)
    first.synced()
    first.stop()
    writer = household(first["home"])
    writer.synced()
    one = household(first["work"], first["home"])
    one.states(work=SyncPhase.SYNCED, home=SyncPhase.READ_ONLY)
    assert set(one.ids()) == set(ids)
    done = one.answer(requests.Archive(tuple(ids)), events.Notice)
    assert done.sentence == "Archived 1 message."
    refused = one.wait(events.Notice)
    assert refused.account == "home"
    assert one.ids(Mailbox.INBOX) == [ids[1]]
    # What was done here can be taken back, whatever the other account would say to it.
    assert one.answer(requests.Undo(), events.Notice).sentence == "Taken back for 1 message."
    # The writer ends: this one takes over.
    writer.stop()
    one.states(home=SyncPhase.SYNCED)
    assert one.answer(requests.Archive((ids[1],)), events.Notice).undoable


def test_stopping_does_not_wait_for_a_service_that_hangs(household, sandbox):
    one = household("work", "home", "third")
    one.synced()
    sandbox.fault("latency", seconds=600, times=None)
    one.engine.request(requests.Refresh(full=True))
    one.engine.stop(20)
    assert not one.engine._thread.is_alive()
    assert one.engine.request(requests.Refresh()) > 0
    sandbox.clear_faults()


def test_it_can_be_stopped_before_it_has_begun(household, sandbox, disk):
    members = [assmbl_member(sandbox, disk, name) for name in ("work", "home")]
    one = Household(members)
    one.engine.stop(1)
    two = Household(members)
    two.engine.start()
    two.stop()
    assert not two.engine._thread.is_alive()
