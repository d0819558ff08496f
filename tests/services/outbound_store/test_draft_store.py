"""Drafts are kept once: whoever else writes, sends or dies in between."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.draft import Draft, DraftFile, DraftKind, DraftState, Encryption, Metering
from services.errors import CacheDamaged, NotFound, UsageError
from services.outbound.drafts.draft_store import KEPT_SECONDS, Drafts, RevisionConflict
from services.outbound.log.store import DRAFTS, REVISIONS, OutboundStore
from tests.fakes.fake_sealer import FakeSealer
from tests.fakes.operators import FakeClock


class Writer:
    """One process that has the drafts open."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.folder = folder
        self.sealer = FakeSealer()
        self.store = OutboundStore.open(folder)
        self.drafts = Drafts(self.store, self.sealer, clock)

    def bodies(self) -> list[str]:
        """The text of all drafts, newest first."""
        self.store.refresh()
        return [self.drafts.get(row.draft_id).body for row in self.drafts.rows()]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_800_000_000)


@pytest.fixture
def me(disk: Path, clock: FakeClock) -> Iterator[Writer]:
    made = Writer(disk, clock)
    yield made
    made.store.close()


@pytest.fixture
def other(disk: Path, me: Writer, clock: FakeClock) -> Iterator[Writer]:
    made = Writer(disk, clock)
    yield made
    made.store.close()


def _draft(body: str = "Hello", **fields: Any) -> Draft:
    begun = replace(Draft.begin(), to=("Ann <ann@example.com>",), subject="S", body=body)
    return replace(begun, **fields)


FULL = replace(
    Draft.begin(DraftKind.MARKET_RESPONSE, now=7),
    to=("a@x.example",),
    cc=("b@x.example", "c@x.example"),
    bcc=("d@x.example",),
    subject="Ärger \ud800 \x1b[31m",
    body="line\n\u202eline\r\n",
    files=(DraftFile(Path("/tmp/\udcff name"), "n\tame", "text/plain", 5, 9),),
    encryption=Encryption.REQUIRED,
    answers="<id>",
    answers_encrypted=True,
    in_reply_to="<id@x>",
    references=("<a@x>", "<id@x>"),
    headers=(("X-One", "1"), ("X-One", "2")),
    correlation_id="c",
    marketplace_request_id="m",
    usage=Metering(tokens_input=5, custom_units={"pages": 1.5}),
    send_at=1_900_000_000,
    agent="scout",
    reason="because",
)


@pytest.mark.parametrize("encryption", list(Encryption))
def test_everything_of_a_draft_comes_back(
    me: Writer, other: Writer, encryption: Encryption
) -> None:
    saved = me.drafts.save(replace(FULL, encryption=encryption), author="scout")
    assert saved == replace(
        FULL, encryption=encryption, revision=1, changed_at=1_800_000_000, made_at=7
    )
    other.store.refresh()
    assert other.drafts.get(saved.draft_id) == saved


def test_every_save_is_a_revision_and_of_the_operators_own_only_the_last_stays(me: Writer) -> None:
    draft = _draft()
    for text in ("H", "He", "Hel"):
        draft = me.drafts.save(replace(draft, body=text))
    assert (draft.revision, me.bodies()) == (3, ["Hel"])
    assert me.store.count(REVISIONS) == 1
    assert [one.draft.body for one in me.drafts.revisions(draft.draft_id)] == ["Hel"]


def test_a_save_that_changes_nothing_writes_nothing(me: Writer) -> None:
    draft = me.drafts.save(_draft())
    before = me.store.version
    assert me.drafts.save(draft) == draft
    assert me.store.version == before


def test_saves_under_way_may_still_name_an_older_revision_of_the_same_writer(me: Writer) -> None:
    draft = _draft("1")
    for text in ("1", "12", "123"):
        me.drafts.save(replace(draft, body=text))
    saved = me.drafts.save(replace(draft, body="1234"))
    assert (saved.draft_id, saved.revision, me.bodies()) == (draft.draft_id, 4, ["1234"])


def test_what_two_write_on_the_same_draft_is_kept_as_two(me: Writer, other: Writer) -> None:
    mine = me.drafts.save(_draft("one"))
    other.store.refresh()
    theirs = other.drafts.get(mine.draft_id)
    me.drafts.save(replace(mine, body="one, mine"))
    copy = other.drafts.save(replace(theirs, body="one, theirs"))
    assert copy.draft_id != mine.draft_id
    assert copy.idempotency_key != mine.idempotency_key
    assert sorted(me.bodies()) == ["one, mine", "one, theirs"]
    # Saves that were on their way with the old id go into the same copy.
    other.drafts.save(replace(theirs, body="one, theirs, longer"))
    other.drafts.save(replace(copy, body="one, theirs, longest"))
    assert sorted(me.bodies()) == ["one, mine", "one, theirs, longest"]


def test_an_agent_that_was_too_late_is_told(me: Writer, other: Writer) -> None:
    mine = me.drafts.save(_draft(agent="scout", state=DraftState.WAITING), author="scout")
    other.drafts.save(replace(mine, body="edited by a person"))
    with pytest.raises(RevisionConflict):
        me.drafts.save(replace(mine, body="2"), author="scout", copy_on_conflict=False)
    assert len(me.drafts.heads()) == 1


def test_a_late_save_does_not_bring_back_what_was_sent(me: Writer, other: Writer) -> None:
    draft = me.drafts.save(_draft("sent"))
    me.drafts.put_state(draft.draft_id, DraftState.QUEUED, expected=DraftState.EDITING)
    assert me.drafts.save(draft).state is DraftState.QUEUED
    me.drafts.settle(draft.draft_id)
    assert me.drafts.save(draft).draft_id == draft.draft_id
    assert (me.bodies(), me.drafts.heads(), me.store.count(REVISIONS)) == ([], (), 0)
    assert me.drafts.head(draft.draft_id).is_settled
    with pytest.raises(NotFound):
        me.drafts.get(draft.draft_id)
    # Something else was typed meanwhile: it is kept, as another mail.
    kept = other.drafts.save(replace(draft, body="sent, and something more"))
    assert kept.draft_id != draft.draft_id
    assert kept.idempotency_key != draft.idempotency_key
    assert kept.state is DraftState.EDITING


def test_a_draft_that_came_back_tells_why(me: Writer) -> None:
    draft = me.drafts.save(_draft())
    me.drafts.put_state(draft.draft_id, DraftState.QUEUED)
    assert me.drafts.rows() == ()
    head = me.drafts.put_state(
        draft.draft_id, DraftState.EDITING, reason="refused: no \x1b key", new_key=True
    )
    (row,) = me.drafts.rows()
    assert row.remark == "refused: no ␛ key"
    assert head.idempotency_key != draft.idempotency_key
    assert me.drafts.save(replace(draft, body="again")).idempotency_key == head.idempotency_key


def test_what_was_typed_before_a_decision_does_not_go_over_what_is_saved_behind_it(
    me: Writer,
) -> None:
    typed = me.drafts.save(_draft("to both"))
    me.drafts.put_state(typed.draft_id, DraftState.QUEUED)
    back = me.drafts.put_state(typed.draft_id, DraftState.EDITING, reason="one has it")
    me.drafts.save(replace(typed, body="to the other"))
    late = me.drafts.save(replace(typed, body="to both, typed late"))
    assert late.draft_id != typed.draft_id
    assert me.drafts.get(back.draft_id).body == "to the other"


def test_a_decision_is_taken_once(me: Writer, other: Writer) -> None:
    draft = me.drafts.save(_draft(state=DraftState.WAITING, agent="scout"), author="scout")
    me.drafts.put_state(draft.draft_id, DraftState.QUEUED, expected=DraftState.WAITING)
    with pytest.raises(RevisionConflict, match="not waiting any more: it is queued"):
        other.drafts.put_state(
            draft.draft_id, DraftState.REJECTED, expected=DraftState.WAITING, reason="no"
        )
    assert me.drafts.head(draft.draft_id).reason == ""


def test_the_reason_of_a_rejection_is_the_drafts_reason(me: Writer) -> None:
    draft = me.drafts.save(_draft(agent="scout", reason="please", state=DraftState.WAITING))
    assert me.drafts.get(draft.draft_id).reason == "please"
    me.drafts.put_state(draft.draft_id, DraftState.REJECTED, reason="wrong price")
    assert me.drafts.get(draft.draft_id).reason == "wrong price"
    assert me.drafts.head(draft.draft_id).reason == "wrong price"


def test_revisions_of_an_agent_stay_beside_the_last_edit_of_the_operator(
    me: Writer, other: Writer
) -> None:
    draft = other.drafts.save(_draft("a1", agent="scout", state=DraftState.WAITING), author="scout")
    draft = other.drafts.save(replace(draft, body="a2"), author="scout")
    me.store.refresh()
    for text in ("me 1", "me 2", "me 3"):
        draft = me.drafts.save(replace(draft, body=text))
    assert [(r.author, r.draft.body) for r in me.drafts.revisions(draft.draft_id)] == [
        ("scout", "a1"),
        ("scout", "a2"),
        ("", "me 3"),
    ]
    assert me.drafts.head(draft.draft_id).state is DraftState.WAITING
    for n in range(40):
        draft = me.drafts.save(replace(draft, body=f"a{n}"), author="scout")
    assert len(me.drafts.revisions(draft.draft_id)) == 21


# ── blank, discarded, brought back ───────────────────────────────────────────────────────────────


def test_a_blank_draft_is_not_kept_and_one_that_became_blank_comes_back_when_retyped(
    me: Writer,
) -> None:
    blank = replace(Draft.begin(), body=" \n")
    assert me.drafts.save(blank) == blank
    assert me.store.count(DRAFTS) == 0
    draft = me.drafts.save(replace(blank, body="words"))
    me.drafts.save(replace(draft, body=""))
    assert me.bodies() == []
    me.drafts.save(draft)
    assert me.bodies() == ["words"]
    assert len(me.drafts.heads()) == 1


def test_a_discarded_draft_comes_back_for_a_week(me: Writer, clock: FakeClock) -> None:
    kept, gone = me.drafts.save(_draft("kept")), me.drafts.save(_draft("gone"))
    for draft in (kept, gone):
        assert me.drafts.discard(draft.draft_id)
        assert not me.drafts.discard(draft.draft_id)
    # A save that came late changes nothing about it.
    me.drafts.save(gone)
    assert me.bodies() == []
    with pytest.raises(NotFound):
        me.drafts.get(kept.draft_id)
    me.drafts.restore(kept.draft_id)
    assert me.bodies() == ["kept"]
    clock.now += KEPT_SECONDS + 1
    me.drafts.discard(me.drafts.save(_draft("third")).draft_id)
    with pytest.raises(NotFound):
        me.drafts.restore(gone.draft_id)
    assert not me.drafts.discard("never there")


@pytest.mark.parametrize("state", [DraftState.QUEUED, DraftState.WAITING])
def test_what_waits_or_is_on_its_way_is_not_discarded(me: Writer, state: DraftState) -> None:
    draft = me.drafts.save(_draft())
    me.drafts.put_state(draft.draft_id, state)
    with pytest.raises(UsageError):
        me.drafts.discard(draft.draft_id)
    assert me.drafts.head(draft.draft_id).discarded_at == 0


# ── lists ────────────────────────────────────────────────────────────────────────────────────────


def test_rows_come_newest_first_and_hold_safe_text(me: Writer, clock: FakeClock) -> None:
    for n in range(3):
        clock.now += 60
        me.drafts.save(_draft(subject=f"{n} \x1b]0;x\x07", cc=("Bob <b@x.example>",)))
    rows = me.drafts.rows()
    assert [str(row.subject)[0] for row in rows] == ["2", "1", "0"]
    assert not {"\x1b", "\x07"} & set(rows[0].subject)
    assert rows[0].recipients == "Ann <ann@example.com>, Bob <b@x.example>"


def test_what_is_remembered_of_drafts_follows_every_change_of_anybody(
    me: Writer, other: Writer
) -> None:
    def told(one: Writer) -> dict[str, tuple[int, DraftState, bool]]:
        return {h.draft_id: (h.revision, h.state, h.is_settled) for h in one.drafts.every()}

    drafts = [me.drafts.save(_draft(f"draft {n}")) for n in range(4)]
    assert told(me) == told(other)
    other.drafts.put_state(drafts[0].draft_id, DraftState.QUEUED)
    other.drafts.settle(drafts[0].draft_id)
    me.drafts.save(replace(drafts[1], body="longer"))
    with other.store.transaction():
        other.drafts.put_state(drafts[2].draft_id, DraftState.WAITING)
        assert told(other)[drafts[2].draft_id] == (1, DraftState.WAITING, False)
        other.store.scrub()
    before = told(me)
    assert before == told(other) == told(Writer(me.folder, FakeClock(0)))

    def fail() -> None:
        with me.store.transaction():
            me.drafts.put_state(drafts[3].draft_id, DraftState.CANCELLED)
            assert told(me) != before
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert told(me) == before


def test_heads_name_states_without_opening_anything(me: Writer) -> None:
    me.sealer.is_open = False
    secret = _draft(agent="scout", state=DraftState.WAITING, encryption=Encryption.REQUIRED)
    me.drafts.save(secret, author="scout")
    me.drafts.save(_draft())
    (head,) = me.drafts.heads(DraftState.WAITING)
    assert (head.agent, head.is_sealed, head.summary) == ("scout", True, None)
    assert len(me.drafts.heads()) == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.pop("kind"),
        lambda content: content.update(kind="telepathy"),
        lambda content: content.update(files=[{"path": 5}]),
        lambda content: content.update(headers=["x"]),
        lambda content: content.update(send_at="soon"),
        lambda content: content.update(usage=7),
    ],
    ids=["no kind", "unknown kind", "files", "headers", "send_at", "usage"],
)
def test_a_draft_that_cannot_be_read_says_so_and_stays(me: Writer, spoil: Any) -> None:
    draft = me.drafts.save(_draft())
    place = f"{draft.draft_id}/1"
    stored = me.store.get(REVISIONS, place)
    assert stored is not None
    spoil(stored["content"]["clear"])
    me.store.put(REVISIONS, place, stored)
    with pytest.raises(CacheDamaged, match="damaged, or a newer version"):
        me.drafts.get(draft.draft_id)
    assert len(me.drafts.rows()) == 1


@pytest.mark.parametrize("seed", range(5))
def test_two_writers_in_any_order_never_lose_or_double_a_text(
    me: Writer, other: Writer, seed: int
) -> None:
    chance = random.Random(seed)
    writers = (me, other)
    on_screen: dict[Writer, list[Draft]] = {
        one: [_draft(f"begin {n}")] for n, one in enumerate(writers)
    }
    typed = 0
    for _ in range(120):
        one = chance.choice(writers)
        drafts = on_screen[one]
        place = chance.randrange(len(drafts))
        if chance.random() < 0.2:
            one.store.refresh()
            rows = one.drafts.rows()
            if rows:
                chosen = one.drafts.get(chance.choice(rows).draft_id)
                known = [draft.draft_id for draft in drafts]
                if chosen.draft_id in known:
                    drafts[known.index(chosen.draft_id)] = chosen
                else:
                    drafts.append(chosen)
            continue
        typed += 1
        written = replace(drafts[place], body=f"{drafts[place].body} +{typed}.")
        drafts[place] = one.drafts.save(written)
        one.store.refresh()
        assert one.drafts.get(drafts[place].draft_id).body == written.body
    bodies = me.bodies()
    assert len(bodies) == len(set(bodies))
    assert [n for n in range(1, typed + 1) if not any(f"+{n}." in body for body in bodies)] == []
