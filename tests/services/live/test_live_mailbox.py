"""An engine over AgentMail.to that never looks by the clock: what it shows, it was told about."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from services.api.agentmail_to import changes
from services.api.agentmail_to.client import AgentMailToClient
from services.api.agentmail_to.offer import OFFER
from services.events import SyncStateChanged
from services.models import RowFlag, SyncPhase
from services.requests import MarkRead
from services.wire_values import InboxPage
from tests.services.live.conftest import TOLD, Run
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, mail, seg

Start = Callable[..., Run]


@pytest.fixture
def live(v0: V0Control, run: Start) -> Run:
    """An engine that has looked once, and has a connection to be told more."""
    made = run()
    made.wait(SyncStateChanged, lambda told: told.state.phase is SyncPhase.SYNCED)
    made.until(lambda: handshakes(v0))
    return made


def handshakes(v0: V0Control) -> int:
    return sum(one["operation"] == "v0_websocket" for one in v0.sandbox.requests())


def test_new_mail_shows_without_a_look_by_the_clock(v0: V0Control, org: Org, live: Run) -> None:
    for n in range(3):
        v0.receive(org.one, mail(f"News {n}"))
    live.until(lambda: {"News 0", "News 1", "News 2"} <= set(live.subjects))


@pytest.mark.parametrize("order", ["drop_before", "drop_after", "invalid_json", "unknown_event"])
def test_a_spoilt_event_loses_no_mail(v0: V0Control, org: Org, live: Run, order: str) -> None:
    v0.receive(org.one, mail("First"))
    live.until(lambda: "First" in live.subjects)
    v0.sandbox.fault(order, operation="v0_event")
    v0.receive(org.one, mail("Second"))
    if order == "invalid_json":
        v0.receive(org.one, mail("Third"))
    live.until(lambda: "Second" in live.subjects)


def test_what_came_while_there_was_no_connection_is_listed_after_it(
    v0: V0Control, org: Org, live: Run
) -> None:
    live.until(lambda: handshakes(v0))
    for known in ("Before", "Before too"):
        # The first may come by the look that follows a connection; the second is told.
        v0.receive(org.one, mail(known))
        live.until(lambda known=known: known in live.subjects)
    before = handshakes(v0)
    v0.sandbox.fault("status", operation="v0_websocket", status=503, times=3)
    v0.sandbox.fault("drop_before", operation="v0_event")
    v0.receive(org.one, mail("While away"))
    v0.receive(org.one, mail("While away too"))
    live.until(lambda: {"While away", "While away too"} <= set(live.subjects))
    live.until(lambda: handshakes(v0) >= before + 4)


def test_a_service_that_drops_every_connection_is_not_stormed(
    v0: V0Control, org: Org, run: Start
) -> None:
    v0.sandbox.fault("drop_after", operation="v0_websocket", times=None)
    slow = replace(TOLD, first_retry=0.2, longest_retry=0.4)
    started = time.monotonic()
    made = run(pace=slow)
    made.until(lambda: handshakes(v0) >= 4)
    # 0.2, 0.4 and 0.4 s at least, less the fifth that spreads them.
    assert time.monotonic() - started >= 0.8 * (0.2 + 0.4 + 0.4)


@pytest.mark.parametrize("why", ["403", "401"])
def test_without_push_mail_is_looked_for_as_ever(
    v0: V0Control, org: Org, run: Start, why: str
) -> None:
    v0.sandbox.fault("status", operation="v0_websocket", status=int(why), times=None)
    made = run(pace=replace(TOLD, poll=0.05))
    made.until(lambda: handshakes(v0) == 1)
    v0.receive(org.one, mail("By looking"))
    made.until(lambda: "By looking" in made.subjects)
    assert handshakes(v0) == 1


def test_another_inbox_of_the_key_is_another_mailbox(v0: V0Control, org: Org, live: Run) -> None:
    v0.receive(org.two, mail("For the other"))
    v0.receive(org.one, mail("For us"))
    live.until(lambda: "For us" in live.subjects)
    assert "For the other" not in live.subjects


def test_it_stops_while_it_listens(live: Run) -> None:
    live.stop()


# ── what others change ───────────────────────────────────────────────────────────────────────────


def patch(v0: V0Control, org: Org, message_id: str, **labels: list[str]) -> None:
    with v0.client(org.key) as client:
        path = f"inboxes/{seg(org.one)}/messages/{seg(message_id)}"
        assert client.patch(path, json=labels).status_code == 200


def asked(v0: V0Control, operation: str) -> int:
    return sum(one["operation"] == operation for one in v0.sandbox.requests())


def flags(run: Run, subject: str) -> RowFlag:
    return next(row.flags for row in run.rows if str(row.subject) == subject)


def look(v0: V0Control, org: Org, run: Run) -> None:
    """Have the engine look because of a new mail; `Refresh` would walk over so small a mailbox."""
    v0.receive(org.one, mail("Look"))
    run.until(lambda: "Look" in run.subjects)


def subjects(run: Run) -> list[str]:
    return sorted(one for one in run.subjects if one != "Look")


@pytest.fixture
def three(v0: V0Control, org: Org, run: Start) -> tuple[Run, dict[str, str]]:
    """An engine that shows three messages, and their ids by subject."""
    ids = {s: v0.receive(org.one, mail(s))["message_id"] for s in ("One", "Two", "Three")}
    made = run()
    made.wait(SyncStateChanged, lambda told: told.state.phase is SyncPhase.SYNCED)
    made.until(lambda: set(ids) <= set(made.subjects))
    # Not in the middle of the look that follows the connection.
    made.until(lambda: asked(v0, "v0_list_inbox_events") >= 2)
    return made, ids


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The cursors of the lists that were asked for since this began; None begins a walk."""
    cursors: list[str | None] = []
    list_inbox = AgentMailToClient.list_inbox

    async def spied(self: AgentMailToClient, **named: Any) -> InboxPage:
        cursors.append(named.get("cursor"))
        return await list_inbox(self, **named)

    monkeypatch.setattr(AgentMailToClient, "list_inbox", spied)
    offered = replace(OFFER, page_limit=1)
    monkeypatch.setattr(AgentMailToClient, "capabilities", offered)
    return cursors


def test_reading_elsewhere_is_seen_without_walking_everything(
    v0: V0Control, org: Org, walks: list[str | None], three: tuple[Run, dict[str, str]]
) -> None:
    run, ids = three
    walks.clear()
    patch(v0, org, ids["Two"], add_labels=["read"], remove_labels=["unread"])
    patch(v0, org, ids["Three"], add_labels=["later"])
    look(v0, org, run)
    run.until(lambda: not flags(run, "Two") & RowFlag.UNREAD)
    run.until(lambda: any(str(one) == "later" for row in run.rows for one in row.labels))
    assert flags(run, "One") & RowFlag.UNREAD
    assert asked(v0, "v0_batch_get_messages") in (1, 2)
    assert None not in walks


def test_the_trash_of_others_takes_messages_away_and_brings_them_back(
    v0: V0Control, org: Org, walks: list[str | None], three: tuple[Run, dict[str, str]]
) -> None:
    run, ids = three
    walks.clear()
    patch(v0, org, ids["Two"], add_labels=["trash"])
    look(v0, org, run)
    run.until(lambda: subjects(run) == ["One", "Three"])
    patch(v0, org, ids["Two"], remove_labels=["trash"])
    look(v0, org, run)
    run.until(lambda: subjects(run) == ["One", "Three", "Two"])


def test_a_deletion_in_the_log_is_believed_after_a_404_only(
    v0: V0Control, org: Org, three: tuple[Run, dict[str, str]]
) -> None:
    run, ids = three
    patch(v0, org, ids["One"], add_labels=["doomed"])
    with v0.client(org.key) as client:
        path = f"inboxes/{seg(org.one)}/messages/{seg(ids['One'])}"
        assert client.delete(path).status_code in (200, 202, 204)
    look(v0, org, run)
    run.until(lambda: subjects(run) == ["Three", "Two"])


def test_a_change_that_waits_here_is_not_undone_by_the_log(
    v0: V0Control, org: Org, three: tuple[Run, dict[str, str]]
) -> None:
    run, ids = three
    v0.sandbox.fault("status", operation="v0_update_message", status=503, times=None)
    run.engine.request(MarkRead((ids["One"],), is_read=True))
    run.until(lambda: not flags(run, "One") & RowFlag.UNREAD)
    with v0.client(org.key) as client:
        body = {"message_ids": [ids["One"]], "add_labels": ["elsewhere"]}
        path = f"inboxes/{seg(org.one)}/messages/batch-update"
        assert client.post(path, json=body).status_code == 200
    look(v0, org, run)
    run.until(lambda: any(str(one) == "elsewhere" for row in run.rows for one in row.labels))
    assert not flags(run, "One") & RowFlag.UNREAD


def test_the_place_in_the_log_outlives_the_program(
    v0: V0Control, org: Org, three: tuple[Run, dict[str, str]], run: Start
) -> None:
    first, ids = three
    first.stop()
    patch(v0, org, ids["Two"], remove_labels=["unread"])
    second = run()
    second.until(lambda: second.rows and not flags(second, "Two") & RowFlag.UNREAD)


def test_a_log_that_forgot_our_place_costs_one_walk(
    v0: V0Control, org: Org, three: tuple[Run, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, ids = three
    monkeypatch.setattr(changes, "EVENTS", 5)
    for n in range(6):
        patch(v0, org, ids["Three"], add_labels=[f"mark-{n}"])
        patch(v0, org, ids["Three"], remove_labels=[f"mark-{n}"])
    patch(v0, org, ids["One"], remove_labels=["unread"])
    look(v0, org, run)
    run.until(lambda: not flags(run, "One") & RowFlag.UNREAD)


@pytest.mark.parametrize("status", [403, 404, 400])
def test_a_log_that_is_not_to_be_had_keeps_no_mail_back(
    v0: V0Control, org: Org, run: Start, status: int
) -> None:
    v0.sandbox.fault("status", operation="v0_list_inbox_events", status=status, times=None)
    made = run()
    v0.receive(org.one, mail("All the same"))
    made.until(lambda: "All the same" in made.subjects)
