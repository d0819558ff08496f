"""What SES refuses, as the outbox tells it, and what never gets as far as SES: hostile headers and HTML."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.draft import BodyFormat, DraftState
from services.errors import PolicyRefused
from services.outbound.gate.plan import RefusalKind
from services.outbound.gate.reviewing import review
from services.outbound.office import Office
from services.outbound.outbox.outbox_views import sentence_of
from services.outbound_models import OutboxState
from services.service_config import SesPlace
from tests.services.outbound.conftest import DOMAIN, Party
from tests.services.outbound.gate_stage import read
from tests.services.outbound.office_stage import FakeLender, Stage, mail, queue, send
from tests.services.outbound.v0_stage import V0Stage
from tests.services.sandbox.agentmail_to.v0_control import V0Control
from tests.services.ses.conftest import SesControl
from tests.services.ses.ses_office import (
    HTML,
    OVERSIGHT,
    Opens,
    by_ses,
)

pytest.importorskip("boto3")

# ── what SES says, as the outbox tells it ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("settings", "state", "told"),
    [
        ({"per_second": 0}, OutboxState.PENDING, "faster than the SES account may send. Try again"),
        ({"daily": 0}, OutboxState.PENDING, "quota of the SES account is used up. Try again tom"),
        ({"sending": False}, OutboxState.REFUSED, "AWS has paused sending for this account. Look"),
    ],
    ids=["throttled", "quota", "paused"],
)
async def test_what_ses_refuses_is_told_with_a_next_step(
    opens: Opens, bob: Party, door: SesControl,
    settings: dict[str, Any], state: OutboxState, told: str,
) -> None:  # fmt: skip
    door.switch(**settings)
    office = await opens()
    (entry,) = await send(office, by_ses(bob.address))
    assert entry.state is state
    assert told in sentence_of(entry, office.now)
    assert door.sent() == []
    if state is OutboxState.REFUSED:
        assert office.drafts.get(entry.draft_id).state is DraftState.EDITING


async def test_missing_credentials_wait_and_say_what_to_do(
    opens: Opens, bob: Party, credentials: pytest.MonkeyPatch, door: SesControl
) -> None:
    credentials.delenv("AWS_ACCESS_KEY_ID")
    credentials.delenv("AWS_SECRET_ACCESS_KEY")
    office = await opens()
    (entry,) = await send(office, by_ses(bob.address))
    assert entry.state is OutboxState.PENDING
    assert "Set AWS credentials the way the aws command line takes them" in entry.reason
    assert door.asked() == []


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ({"region": "eu-west-1"}, "Check the secret key and the region of the account."),
        ({"region": ""}, "No AWS region is set for SES. Set region in the account."),
        (
            {"identity": "bot@elsewhere.example"},
            "has not verified the sender bot@elsewhere.example",
        ),
        ({"endpoint": "http://127.0.0.1:9"}, "Check the network and the region."),
        ({"configuration_set": "gone"}, "configuration set of the account does not exist"),
    ],
    ids=["wrong-region", "no-region", "sender", "nobody-there", "configuration-set"],
)
async def test_a_place_that_is_wrong_is_told_with_a_next_step(
    opens: Opens, bob: Party, place: dict[str, str], told: str
) -> None:
    office = await opens(place=place)
    (entry,) = await send(office, by_ses(bob.address))
    assert entry.state in (OutboxState.PENDING, OutboxState.REFUSED)
    assert told in entry.reason


async def test_without_the_extra_planning_says_how_to_install_it_and_the_own_service_works(
    opens: Opens, bob: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.outbound.gate.transports.ses.is_installed", lambda: False)
    office = await opens()
    kept = office.drafts.save(by_ses(bob.address))
    _, plan = await office.plan(kept.draft_id)
    (refusal,) = plan.refusals
    assert refusal.sentence == (
        "Sending through Amazon SES needs an extra: pip install 'agentmail-tui[ses]'."
    )
    with pytest.raises(PolicyRefused):
        plan.released(by_person=True)
    (entry,) = await send(office, mail(bob.address))
    assert entry.state is OutboxState.SENT


@pytest.mark.parametrize(
    "place", [{"identity": f"other@{DOMAIN}"}, {"region": "eu-west-1"}], ids=["identity", "region"]
)
async def test_another_place_than_the_approved_one_sends_nothing(
    opens: Opens, bob: Party, door: SesControl, place: dict[str, str]
) -> None:
    office = await opens()
    (entry,) = await queue(office, by_ses(bob.address))
    await office.close()
    again = await opens(place=place)
    (entry,) = await again.sending.push([entry.entry_id], 30)
    assert entry.state is OutboxState.REFUSED
    (named,) = place.values()
    assert named in entry.reason
    assert "was decided" in entry.reason
    assert door.asked() == []


async def test_an_account_of_agentmail_to_sends_html_and_files_by_ses_as_its_own_profile_cannot(
    sandbox: Any, alice: Party, bob: Party, door: SesControl, credentials: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    stage = V0Stage(V0Control(sandbox), tmp_path / "swarm", alice.client, OVERSIGHT)
    place = SesPlace(f"swarm@{DOMAIN}", door.access.region, door.access.url)
    lender = FakeLender(stage.client, stage.chain)
    account = replace(stage.account(), ses=place)
    office = await Office.open(account, tmp_path / "account", lender, stage.clock)
    stage.offices.append(office)
    (tmp_path / "note.txt").write_bytes(b"enclosed")
    draft = by_ses(bob.address, body=HTML, format=BodyFormat.HTML, files=(tmp_path / "note.txt",))
    (entry,) = await send(office, draft)
    assert (entry.state, entry.reason) == (OutboxState.SENT, "")
    assert stage.sent() == []
    (sent,) = door.sent()
    assert (sent["source"], sent["recipients"]) == (place.identity, [bob.address, OVERSIGHT])
    _, arrived = await read(bob)
    (part,) = arrived.iter_attachments()
    assert (part.get_filename(), part.get_content()) == ("note.txt", b"enclosed")
    _, plan = await office.plan(office.drafts.save(replace(draft, via="", draft_id="d2")).draft_id)
    assert plan.is_refused
    await stage.close()


# ── hostile ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "header",
    [
        ("X-A", "b\r\nBcc: eve@elsewhere.example"), ("X-A", "b\nBcc: eve@elsewhere.example"),
        ("X-A\r\nBcc", "eve@elsewhere.example"), ("Bcc", "eve@elsewhere.example"),
        ("From", "eve@elsewhere.example"), ("Return-Path", "eve@elsewhere.example"),
        ("X-SES-CONFIGURATION-SET", "other"), ("X-SES-SOURCE-ARN", "arn:aws:ses"),
        ("Content-Type", "text/html"), ("DKIM-Signature", "x"), ("Message-ID", "<a@b.example>"),
        ("X-AgentMail-Encrypted", "body"), ("Resent-To", "eve@elsewhere.example"),
        ("X-A", "b\x00c"), ("X A", "b"), ("", "b"),
    ],
    ids=lambda header: repr(header[0])[:24] + repr(header[1])[:8],
)  # fmt: skip
async def test_a_header_that_steers_or_forges_is_refused_before_anything_is_asked(
    opens: Opens, bob: Party, door: SesControl, header: tuple[str, str]
) -> None:
    office = await opens()
    kept = office.drafts.save(by_ses(bob.address, headers=(header,)))
    _, plan = await office.plan(kept.draft_id)
    assert RefusalKind.DRAFT in {refusal.kind for refusal in plan.refusals}
    assert door.asked() == []


async def test_hostile_html_is_shown_as_source_and_text_without_escapes(
    opens: Opens, bob: Party
) -> None:
    office = await opens()
    body = "<p>ok\x1b[31m \u202egnp.exe [bold]x[/bold]</p><i hidden>unseen</i>\n\x1b]52;c;eA==\x07"
    kept = office.drafts.save(by_ses(bob.address, body=body, format=BodyFormat.HTML))
    _, plan = await office.plan(kept.draft_id)
    shown = review(plan)
    for line in (*shown.body, *shown.html):
        assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in line), repr(line)
        assert "\u202e" not in line
    assert "<p>ok" in "".join(shown.html)
    assert "hidden_html" in {check.name for check in shown.checks}


@pytest.mark.parametrize("body", ["<p>" * 400_000, "<p>" + "x" * 1_200_000], ids=["nested", "long"])
async def test_html_that_cannot_be_read_within_limits_does_not_leave(
    opens: Opens, bob: Party, body: str
) -> None:
    office = await opens()
    kept = office.drafts.save(by_ses(bob.address, body=body, format=BodyFormat.HTML))
    _, plan = await office.plan(kept.draft_id)
    assert RefusalKind.DRAFT in {refusal.kind for refusal in plan.refusals}


async def test_a_mail_larger_than_ses_takes_is_refused_before_it_is_written(
    opens: Opens, bob: Party, disk: Path, door: SesControl
) -> None:
    file = disk / "large.bin"
    with file.open("wb") as made:
        made.truncate(31 * 2**20)
    office = await opens()
    draft = by_ses(bob.address, files=(file,))
    _, plan = await office.plan(office.drafts.save(draft).draft_id)
    (refusal,) = plan.refusals
    assert "as it is sent; Amazon SES takes 39 MB." in refusal.sentence
    assert "Leave a file out" in refusal.next_step
    assert door.asked() == []


async def test_an_encrypted_mail_with_html_is_refused(opens: Opens, bob: Party) -> None:
    office = await opens()
    draft = by_ses(bob.address, body=HTML, format=BodyFormat.HTML, sealed=True)
    _, plan = await office.plan(office.drafts.save(draft).draft_id)
    assert "An encrypted mail is plain text only." in {one.sentence for one in plan.refusals}


async def test_a_draft_that_asks_for_ses_where_it_is_not_set_up_is_refused(alice: Party) -> None:
    stage = Stage(alice)
    office = await stage.open()
    _, plan = await office.plan(office.drafts.save(by_ses(f"x@{DOMAIN}")).draft_id)
    assert "[accounts.NAME.ses]" in plan.refusals[0].next_step
    await stage.close()
