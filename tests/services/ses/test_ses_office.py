"""Mail by Amazon SES through everything: draft, plan, decision, outbox, boto3, the other's mailbox.

Real are the office, the gate, the disk, boto3, HTTP, its signature and the mail store. The options
are those of reference 000.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from services.crypto import messages, stream
from services.crypto.own import OwnKey
from services.draft import BodyFormat, DraftState
from services.outbound.gate.plan import RefusalKind
from services.outbound.gate.reviewing import review
from services.outbound.office import Office
from services.outbound.outbox.outbox_contents import ready_mail
from services.outbound.outbox.outbox_views import facts_of, sentence_of
from services.outbound_models import OutboxState
from services.policy_config import Policy, Repeats
from tests.fakes.fake_provider import until
from tests.fakes.scripted_service import FakeService, Reply
from tests.services.outbound import spoiled_keys as spoils
from tests.services.outbound.conftest import Party
from tests.services.outbound.gate_stage import read
from tests.services.outbound.killing import CHILD, ROOT
from tests.services.outbound.office_stage import mail, queue, send, states
from tests.services.ses.conftest import SesControl
from tests.services.ses.ses_office import (
    HTML,
    OUTSIDE,
    OVERSIGHT,
    WITH_OVERSIGHT,
    Opens,
    by_ses,
)

pytest.importorskip("boto3")
NO_ANSWER = Reply()


def header_of(raw: str) -> EmailMessage:
    return message_from_string(raw, policy=policy.default)  # type: ignore[return-value]


def body_bytes(raw: str) -> str:
    """What the sender wrote: all but the fields that SES puts on top."""
    lines = raw.replace("\r\n", "\n").split("\n")
    own = next(n for n, line in enumerate(lines) if line.startswith("From:"))
    return "\n".join(line for line in lines[own:] if not line.startswith("Message-ID:"))


def spooled(office: Office, entry_id: str) -> tuple[Path, str]:
    """Where the finished mail lies, and its hash as the outbox knows it."""
    found = ready_mail(office.outbox.content(entry_id)).spooled
    assert found is not None
    return Path(found.path), found.sha256


# ── the options of the vendor's guide ────────────────────────────────────────────────────────────


async def test_option_1_a_plain_mail_leaves_by_ses_and_arrives(
    opens: Opens, bob: Party, door: SesControl, alice: Party
) -> None:
    office = await opens()
    (entry,) = await send(office, by_ses(bob.address, correlation_id="order-42"))
    assert entry.state is OutboxState.SENT
    (sent,) = door.sent()
    assert (sent["source"], sent["recipients"]) == (alice.address, [bob.address])
    assert sent["message_id"] == entry.server_id
    _, arrived = await read(bob)
    assert arrived.get_content().strip() == "the canary sings"
    assert arrived["X-AgentMail-Correlation-Id"] == "order-42"
    assert arrived["X-AgentMail-Idempotency-Key"] == entry.idempotency_key
    told = dict(facts_of(entry, (await _mail_of(office, entry.entry_id))))
    row = office.audit.rows("sent", 5).rows[0]
    assert row.subject == f"by Amazon SES to {bob.address}: Numbers"
    assert row.answer.startswith(entry.server_id)
    assert told["By"] == f"Amazon SES as {alice.address}"  # type: ignore[index]


async def _mail_of(office: Office, entry_id: str) -> Any:
    return await office.carrier._mail(office.outbox.get(entry_id))


async def test_option_2_an_encrypted_mail_with_a_file_opens_at_the_other_agent(
    opens: Opens, bob: Party, door: SesControl, tmp_path: Path
) -> None:
    file = tmp_path / "report.pdf"
    file.write_bytes(b"%PDF of the canary " * 2_000)
    office = await opens()
    (entry,) = await send(office, by_ses(bob.address, sealed=True, files=(file,)))
    assert entry.state is OutboxState.SENT, sentence_of(entry, 0)
    (sent,) = door.sent()
    assert "canary" not in sent["raw_mime"]
    _, arrived = await read(bob)
    assert arrived["X-AgentMail-Encrypted"] == "body"
    text = arrived.get_body(("plain",)).get_content()
    assert text.startswith("-----BEGIN PGP MESSAGE-----")
    keys = await bob.keychain.ready()
    assert messages.decrypt(text, keys).text.strip() == "the canary sings"
    (part,) = arrived.iter_attachments()
    assert part.get_filename() == "report.pdf.asc"
    sealed, opened = tmp_path / "in.asc", tmp_path / "out.pdf"
    sealed.write_bytes(part.get_payload(decode=True))
    with sealed.open("rb") as source:
        stream.decrypt_file(source, opened, keys)
    assert opened.read_bytes() == file.read_bytes()
    (item,) = [one for one in await bob.inbox() if one.message_id]
    assert item.encrypted


async def test_option_3_without_a_key_nothing_leaves_and_the_draft_is_kept(
    opens: Opens, alice: Party, sandbox: Any, door: SesControl
) -> None:
    office = await opens()
    stranger = sandbox.new_agent()
    kept = office.drafts.save(by_ses(stranger.address, sealed=True))
    _, plan = await office.plan(kept.draft_id)
    assert [refusal.kind for refusal in plan.refusals] == [RefusalKind.CRYPTO]
    assert office.drafts.get(kept.draft_id).state is DraftState.EDITING
    assert door.asked() == []


async def test_option_3_another_key_than_the_approved_one_is_refused_and_the_draft_is_back(
    opens: Opens, alice: Party, bob: Party, own_keys: tuple[OwnKey, ...], door: SesControl
) -> None:
    office = await opens()
    (entry,) = await queue(office, by_ses(bob.address, sealed=True))
    await spoils.changed(alice, bob, own_keys)
    (entry,) = await office.sending.push([entry.entry_id], 30)
    assert entry.state is OutboxState.REFUSED
    assert office.drafts.get(entry.draft_id).state is DraftState.EDITING
    assert door.asked() == []


async def test_option_4_the_own_service_stays_the_way_of_a_draft_that_names_none(
    opens: Opens, bob: Party, alice: Party, door: SesControl, sandbox: Any
) -> None:
    office = await opens()
    (entry,) = await send(office, mail(bob.address))
    assert entry.state is OutboxState.SENT
    assert door.asked() == []
    assert len(sandbox.sent(alice.agent)) == 1


@pytest.mark.parametrize("written", [BodyFormat.HTML, BodyFormat.MARKDOWN])
async def test_option_5_text_html_and_own_headers_arrive_as_they_were_reviewed(
    opens: Opens, bob: Party, door: SesControl, written: BodyFormat
) -> None:
    office = await opens()
    body = HTML if written is BodyFormat.HTML else "## Order 42\n\n**done** <script>x</script>\n"
    headers = (("X-Workflow-Name", "order-status"), ("X-Priority", "high"))
    draft = by_ses(bob.address, body=body, format=written, headers=headers)
    kept = office.drafts.save(draft)
    _, plan = await office.plan(kept.draft_id)
    shown = review(plan)
    (entry,) = await office.enqueue(plan, by_person=True)
    (entry,) = await office.sending.push([entry.entry_id], 30)
    assert entry.state is OutboxState.SENT
    _, arrived = await read(bob)
    text = arrived.get_body(("plain",)).get_content().replace("\r\n", "\n").rstrip("\n")
    html = arrived.get_body(("html",)).get_content().replace("\r\n", "\n").rstrip("\n")
    assert text.split("\n") == [str(line) for line in shown.body]
    assert html.split("\n") == [str(line) for line in shown.html]
    assert (arrived["X-Workflow-Name"], arrived["X-Priority"]) == ("order-status", "high")
    if written is BodyFormat.HTML:
        assert "[1] https://example.com/orders/42" in text
        assert "\n".join(shown.html) == HTML.rstrip("\n")
    else:
        assert "<strong>done</strong>" in html
        assert "<script>" not in html


async def test_a_mail_from_the_vendors_code_opens_in_the_reader(
    v1: Any, alice: Party, bob: Party
) -> None:
    """As the guide writes it: the directory's key, stock PGPy, EmailMessage, send_raw_email."""
    from tests.fakes.openpgp_stock import StockPgpy

    entry = await alice.client.directory.lookup_public_agent(bob.agent.agent_id)
    with StockPgpy() as stock:
        armor = stock.ask("encrypt", entry.openpgp_public_key, "Run the job.", False)
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = alice.address, bob.address, "Encrypted task"
    made["X-AgentMail-Encrypted"] = "body"
    made.set_content(armor, subtype="plain", charset="utf-8")
    data = {"Data": made.as_bytes()}
    v1.send_raw_email(Source=alice.address, Destinations=[bob.address], RawMessage=data)
    _, arrived = await read(bob)
    keys = await bob.keychain.ready()
    assert messages.decrypt(arrived.get_content(), keys).text == "Run the job."


# ── oversight ────────────────────────────────────────────────────────────────────────────────────


async def test_oversight_is_a_destination_of_the_same_call_and_stands_in_no_header(
    opens: Opens, door: SesControl
) -> None:
    office = await opens(policy=WITH_OVERSIGHT)
    kept = office.drafts.save(by_ses(OUTSIDE, "bob@outside.example"))
    _, plan = await office.plan(kept.draft_id)
    shown = review(plan)
    assert [(str(one.address), str(one.role)) for one in shown.recipients][-1] == (
        OVERSIGHT, "bcc (oversight)",
    )  # fmt: skip
    entries = await office.enqueue(plan, by_person=True)
    after = await office.sending.push([entry.entry_id for entry in entries], 30)
    assert states(after) == [OutboxState.SENT, OutboxState.SENT]
    assert sorted(one["recipients"] for one in door.sent()) == [
        [OUTSIDE, OVERSIGHT], ["bob@outside.example", OVERSIGHT],
    ]  # fmt: skip
    for one in door.sent():
        assert OVERSIGHT not in one["raw_mime"]
        assert header_of(one["raw_mime"])["Bcc"] is None


async def test_where_ses_does_not_take_oversight_the_recipient_gets_nothing(
    opens: Opens, door: SesControl
) -> None:
    door.switch(production=False, identities=[OUTSIDE])
    office = await opens(policy=WITH_OVERSIGHT)
    (entry,) = await send(office, by_ses(OUTSIDE))
    assert entry.state is OutboxState.REFUSED
    assert door.sent() == []
    assert f"verified addresses only; {OVERSIGHT} is not one." in sentence_of(entry, 0)
    assert "ask AWS for production access" in sentence_of(entry, 0)


async def test_mail_to_outside_needs_an_oversight_address_by_ses_too(opens: Opens) -> None:
    office = await opens()
    kept = office.drafts.save(by_ses(OUTSIDE))
    _, plan = await office.plan(kept.draft_id)
    assert [refusal.kind for refusal in plan.refusals] == [RefusalKind.POLICY]


async def test_an_encrypted_mail_is_sealed_for_oversight_too_or_refused(
    opens: Opens, bob: Party, alice: Party, sandbox: Any, own_keys: tuple[OwnKey, ...]
) -> None:
    policy_ = Policy(undo_seconds=0, oversight=OVERSIGHT, internal=())
    office = await opens(policy=policy_)
    kept = office.drafts.save(by_ses(bob.address, sealed=True))
    _, plan = await office.plan(kept.draft_id)
    assert RefusalKind.CRYPTO in {refusal.kind for refusal in plan.refusals}


# ── once, and the same bytes ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("repeats", list(Repeats))
@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "status_after"])
async def test_what_may_have_left_waits_for_a_person_and_is_sent_again_as_the_same_bytes(
    opens: Opens, bob: Party, door: SesControl, kind: str, repeats: Repeats
) -> None:
    office = await opens(repeats=repeats)
    door.fault(kind)
    (entry,) = await send(office, by_ses(bob.address))
    assert entry.state is OutboxState.UNCERTAIN
    place, sha256 = spooled(office, entry.entry_id)
    raw = place.read_bytes()
    assert hashlib.sha256(raw).hexdigest() == sha256
    assert place.stat().st_mode & 0o777 == 0o600
    for _ in range(3):
        office.clock.now += 1_000  # type: ignore[attr-defined]
        await office.sending.push([entry.entry_id], 30)
    assert len(door.asked()) == 1
    before = [body_bytes(one["raw_mime"]) for one in door.sent()]
    await office.settle_uncertain(entry.entry_id, resend=True)
    (entry,) = await office.sending.push([entry.entry_id], 30)
    assert entry.state is OutboxState.SENT
    again = [body_bytes(one["raw_mime"]) for one in door.sent()]
    assert again[-1] == body_bytes(raw.decode())
    assert set(before) <= {again[-1]}
    assert not place.exists()


async def test_a_spooled_mail_that_was_changed_does_not_leave(
    opens: Opens, bob: Party, door: SesControl
) -> None:
    office = await opens()
    door.switch(per_second=0)
    (entry,) = await send(office, by_ses(bob.address))
    assert entry.state is OutboxState.PENDING
    place, _ = spooled(office, entry.entry_id)
    place.write_bytes(place.read_bytes() + b"and more")
    door.switch(per_second=100)
    await office.retry_now()
    (entry,) = await office.sending.push([entry.entry_id], 30)
    assert entry.state is OutboxState.REFUSED
    assert "changed while it waited" in entry.reason
    assert door.sent() == []


async def test_a_program_that_dies_between_call_and_answer_leaves_a_doubt_and_sends_nothing_more(
    opens: Opens, alice: Party, bob: Party, door: SesControl
) -> None:
    async with FakeService(NO_ANSWER) as silent:
        at = {"endpoint": silent.url}
        office = await opens(repeats=Repeats.SUPPRESSED, place=at)
        (entry,) = await queue(office, by_ses(bob.address))
        await office.close()
        with _child(alice, door, silent.url) as child:
            try:
                await until(lambda: silent.seen)
            finally:
                child.kill()
        office = await opens(repeats=Repeats.SUPPRESSED, place=at)
        (after,) = await office.sending.push([entry.entry_id], 30)
        assert after.state is OutboxState.UNCERTAIN
        assert "may have left" in sentence_of(after, 0)
        office.clock.now += 10_000  # type: ignore[attr-defined]
        await office.sending.push([entry.entry_id], 30)
        assert len(silent.seen) == 1


def _child(alice: Party, door: SesControl, url: str) -> subprocess.Popen[bytes]:
    told = {
        "root": str(ROOT),
        "folder": str(alice.folder / "account"),
        "keys": str(alice.folder / "keys"),
        "base_url": door.sandbox.base_url,
        "token": alice.agent.token,
        "address": alice.address,
        "repeats": Repeats.SUPPRESSED.value,
        "deadline": 600,
        "began": time.time(),
        "ses": [alice.address, door.access.region, url],
    }
    words = [sys.executable, "-P", str(CHILD), json.dumps(told)]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL)
