"""A draft that is to leave from another account: kept there, dropped here, signed by who sends it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.config import Account
from services.draft import VIA_SES, Draft, DraftFile, DraftState, FileOrigin
from services.errors import UsageError
from services.moving_events import MoveDraft
from services.outbound.moving_drafts import MovingDrafts, resigned
from services.outbound.office import Office
from services.outbound.own_lender import OwnLender
from services.paths import Paths
from services.secrets import SecretStore


class TwoOffices:
    """The offices of two accounts by their names."""

    def __init__(self, offices: dict[str, Office]) -> None:
        self._offices = offices

    async def get(self, account: str = "") -> Office:
        return self._offices[account]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.from_environment({"HOME": str(tmp_path)})


@asynccontextmanager
async def _two(paths: Paths) -> AsyncIterator[tuple[Office, Office]]:
    offices = []
    for name in ("ops", "sales"):
        account = Account(name, "assmbl", "http://127.0.0.1:9", address=f"{name}@a.example")
        lender = OwnLender(account, paths, SecretStore(paths))
        folder = paths.account_dir(name)
        offices.append(await Office.open(account, folder, lender, config_folder=paths.config_dir))
    try:
        yield offices[0], offices[1]
    finally:
        for office in offices:
            await office.close()


Move = Callable[[Draft], Any]


def mover(ops: Office, sales: Office, told: list[Any]) -> Move:
    async def settled() -> None:
        return

    moving = MovingDrafts(TwoOffices({"ops": ops, "sales": sales}), told.append, settled)  # type: ignore[arg-type]
    return lambda draft: moving.move(7, MoveDraft(draft, "ops", "sales"))


def sign(paths: Paths, **texts: str) -> None:
    (paths.config_dir / "signatures").mkdir(parents=True)
    for name, text in texts.items():
        (paths.config_dir / "signatures" / name).write_text(text)


async def test_it_is_kept_by_the_other_account_and_dropped_by_the_first(paths: Paths) -> None:
    sign(paths, ops="Ops\n", sales="Sales team\n")
    async with _two(paths) as (ops, sales):
        draft = ops.drafts.save(
            replace(Draft.begin(), to=("x@y.example",), subject="s", body="Hello\n\n-- \nOps\n")
        )
        told: list[Any] = []
        await mover(ops, sales, told)(draft)
        (opened,) = told
        assert (opened.request_id, opened.account) == (7, "sales")
        assert ops.drafts.rows() == ()
        assert sales.drafts.get(opened.draft.draft_id) == opened.draft
        assert opened.draft.body == "Hello\n\n-- \nSales team\n"
        assert opened.draft.draft_id != draft.draft_id
        assert opened.draft.idempotency_key != draft.idempotency_key


async def test_a_blank_draft_is_kept_nowhere(paths: Paths) -> None:
    async with _two(paths) as (ops, sales):
        told: list[Any] = []
        await mover(ops, sales, told)(Draft.begin())
        assert (ops.drafts.rows(), sales.drafts.rows()) == ((), ())
        assert told[0].account == "sales"


async def test_files_of_another_message_stay_with_its_account(paths: Paths) -> None:
    async with _two(paths) as (ops, sales):
        file = DraftFile(Path("/x"), "x", origin=FileOrigin("m1", 0))
        draft = replace(Draft.begin(), subject="s", files=(file,))
        with pytest.raises(UsageError, match="lie in this account"):
            await mover(ops, sales, [])(draft)
        assert sales.drafts.rows() == ()


async def test_what_an_agent_proposed_stays_with_the_account_that_decides(paths: Paths) -> None:
    async with _two(paths) as (ops, sales):
        wanted = replace(Draft.begin(), to=("x@y.example",), subject="s", body="b")
        proposed = ops.proposals.propose(wanted, "bot")
        for draft in (proposed, replace(proposed, agent="")):
            with pytest.raises(UsageError, match="An agent"):
                await mover(ops, sales, [])(draft)
        assert sales.drafts.every() == ()
        assert ops.drafts.head(proposed.draft_id).state is DraftState.WAITING


@pytest.mark.parametrize("has_left", [False, True])
async def test_what_is_on_its_way_or_has_left_becomes_no_second_mail(
    paths: Paths, has_left: bool
) -> None:
    async with _two(paths) as (ops, sales):
        draft = ops.drafts.save(replace(Draft.begin(), to=("x@y.example",), subject="s", body="b"))
        ops.drafts.put_state(draft.draft_id, DraftState.QUEUED)
        if has_left:
            ops.drafts.settle(draft.draft_id)
        with pytest.raises(UsageError, match="outbox, or has left"):
            await mover(ops, sales, [])(draft)
        assert sales.drafts.every() == ()


async def test_what_leaves_by_ses_leaves_by_the_service_of_an_account_without_it(
    paths: Paths,
) -> None:
    async with _two(paths) as (ops, sales):
        told: list[Any] = []
        await mover(ops, sales, told)(replace(Draft.begin(), subject="s", via=VIA_SES))
        assert told[0].draft.via == ""
        assert "no way out by SES" in told[0].remark


@pytest.mark.parametrize(
    ("body", "own", "other", "expected"),
    [
        ("a\n\n-- \nOps\n", "Ops", "Sales", "a\n\n-- \nSales\n"),
        ("a\n\n-- \nOps\n", "Ops", "", "a\n"),
        ("a\n", "", "Sales", "a\n"),
        ("a\n\n-- \nOps, changed\n", "Opsx", "Sales", "a\n\n-- \nOps, changed\n"),
        ("-- \nOps\n\na\n\n-- \nOps\n> q\n", "Ops", "S", "-- \nOps\n\na\n\n-- \nS\n> q\n"),
        ("a", "Ops", "Ops", "a"),
    ],
)
def test_only_ones_own_signature_is_exchanged(
    body: str, own: str, other: str, expected: str
) -> None:
    assert resigned(body, own, other) == expected


async def test_an_account_that_was_removed_keeps_the_drafts_of_whoever_has_them_open(
    paths: Paths,
) -> None:
    from services.config import load, remove_account, save_account

    account = Account("ops", "assmbl", "http://127.0.0.1:9", address="ops@a.example")
    save_account(paths, account)
    async with _two(paths) as (ops, _):
        draft = ops.drafts.save(replace(Draft.begin(), subject="before"))
        remove_account(paths, "ops")
        ops.drafts.save(replace(draft, subject="typed on"))
    assert load(paths, {}).accounts == ()
    save_account(paths, account)
    async with _two(paths) as (ops, _):
        assert [row.subject for row in ops.drafts.rows()] == ["typed on"]
