"""What really stands on the wire: the body of `/send` has the contract's fields and no other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.api.assmbl import AssmblClient
from services.draft import Draft, Metering
from services.errors import ServiceError
from services.outbound.gate.gate import Gate
from services.outbound.gate.policy import Sender
from services.policy_config import Policy
from tests.conftest import SandboxControl
from tests.fakes.scripted_service import DROP, FakeService, FakeSleep, Reply, Seen, answer
from tests.fakes.sending import released, written
from tests.services.outbound.conftest import DOMAIN, Party

BOB = f"bob@{DOMAIN}"
CONTRACT = {
    "to", "subject", "body", "headers", "correlation_id", "idempotency_key",
    "marketplace_request_id", "usage", "attachments",
}  # fmt: skip
"""api/assmbl.md §5.1, all of it."""
REFERENCE = {"object_key", "name", "content_type", "size", "encrypted", "encryption"}
"""§6.2."""


class _NoKeys:
    """Nobody has a key and nobody needs one."""

    has_directory = True

    def requires_encryption(self, address: str) -> bool:
        return False

    def pinned(self, address: str) -> None:
        return None

    def own_public(self) -> None:
        return None

    async def peer_for(self, address: str, *, fresh: bool = True) -> Any:
        raise AssertionError


async def on_the_wire(draft: Draft, policy: Policy, *replies: Reply) -> list[Seen]:
    """Send all mails of a draft to a service that keeps every byte."""
    async with FakeService(*(replies or (answer(200, {}),))) as service:
        client = AssmblClient(service.url, "token", DOMAIN, sleep=FakeSleep())
        gate = Gate.of(client, _NoKeys(), Sender("work", f"me@{DOMAIN}", DOMAIN, policy))
        for mail in (await gate.plan(draft)).released(by_person=True):
            sealed = await gate.seal(mail, Path("/nonexistent"))
            ready = await gate.upload(sealed)
            await gate.send(ready, repeat=bool(replies))
        await client.aclose()
        return service.seen


async def test_a_plain_mail_says_the_four_fields_that_it_must_and_its_key() -> None:
    draft = written(BOB, "Hello", "Text", sealed=False)
    [seen] = await on_the_wire(draft, Policy())
    assert (seen.method, seen.target) == ("POST", "/send")
    said = json.loads(seen.body)
    assert said.keys() == {"to", "subject", "body", "idempotency_key"}
    assert (said["to"], said["subject"], said["body"]) == (BOB, "Hello", "Text")
    assert said["idempotency_key"].startswith(draft.idempotency_key)


async def test_a_mail_with_everything_says_the_contracts_fields_and_no_other() -> None:
    draft = written(
        f"Bob <{BOB}>", "Häagen", "Te×t\nmore", sealed=False,
        headers=(("X-Campaign", "7"),), in_reply_to="<a@x.example>",
        references=("<z@x.example>", "<a@x.example>"), correlation_id="c-1",
        marketplace_request_id="mkt-1",
        usage=Metering(1, 2, 3, 4, {"pages": 2.5}),
    )  # fmt: skip
    [seen] = await on_the_wire(draft, Policy())
    said = json.loads(seen.body)
    assert said.keys() == CONTRACT - {"attachments"}
    assert said["to"] == BOB
    assert said["headers"] == {
        "X-Campaign": "7",
        "In-Reply-To": "<a@x.example>",
        "References": "<z@x.example> <a@x.example>",
    }
    assert said["usage"] == {
        "outcomes_returned": 1, "tokens_input": 2, "tokens_output": 3, "compute_ms": 4,
        "custom_units": {"pages": 2.5},
    }  # fmt: skip


async def test_usage_says_only_what_was_metered() -> None:
    draft = written(BOB, "s", "t", sealed=False, usage=Metering(tokens_input=0))
    [seen] = await on_the_wire(draft, Policy())
    assert json.loads(seen.body)["usage"] == {"tokens_input": 0}


async def test_cc_and_bcc_are_mails_of_their_own_and_oversight_goes_first() -> None:
    draft = replace(
        written(BOB, "s", "Text", sealed=False, usage=Metering(tokens_input=5)),
        cc=("ann@bigco.example",),
        bcc=(f"carl@{DOMAIN}",),
    )
    seen = await on_the_wire(draft, Policy(oversight="eve@people.example"))
    said = [json.loads(one.body) for one in seen]
    order = ["eve@people.example", BOB, "ann@bigco.example", f"carl@{DOMAIN}"]
    assert [one["to"] for one in said] == order
    assert len({one["idempotency_key"] for one in said}) == 4
    assert len({one["correlation_id"] for one in said}) == 1
    copy, *mails = said
    assert copy["body"].startswith(f"Oversight copy of a mail from me@{DOMAIN}\nto: {BOB}\n")
    assert copy["body"].endswith("\n\nText")
    assert copy["headers"] == {"X-Oversight-Copy": "yes"}
    # Work that was metered once is not told by the copy as well.
    assert "usage" not in copy
    assert all(one["body"] == "Text" and "headers" not in one for one in mails)


async def test_a_repetition_is_the_same_bytes() -> None:
    draft = written(BOB, "s", "t", sealed=False)
    seen = await on_the_wire(draft, Policy(), DROP, answer(500, {}), answer(200, {}))
    assert len(seen) == 3
    assert len({one.body for one in seen}) == 1


async def test_without_leave_to_repeat_a_lost_answer_is_one_request() -> None:
    async with FakeService(DROP) as service:
        client = AssmblClient(service.url, "token", DOMAIN, sleep=FakeSleep())
        gate = Gate.of(client, _NoKeys(), Sender("work", f"me@{DOMAIN}", DOMAIN, Policy()))
        mail = await released(gate, written(BOB, "s", "t", sealed=False))
        ready = await gate.upload(await gate.seal(mail, Path("/nonexistent")))
        with pytest.raises(ServiceError) as lost:
            await gate.send(ready)
        assert lost.value.uncertain
        assert len(service.seen) == 1
        await client.aclose()


async def test_the_service_gets_an_encrypted_mail_in_the_contracts_form(
    alice: Party, bob: Party, tmp_path: Path, sandbox: SandboxControl
) -> None:
    report = tmp_path / "report.pdf"
    report.write_bytes(b"%PDF-1.7")
    await alice.deliver(written(bob.address, "s", "secret", sealed=True, files=(report,)))
    [sent] = sandbox.sent(alice.agent)
    said = sent["request"]
    assert said.keys() == {"to", "subject", "body", "idempotency_key", "headers", "attachments"}
    assert said["headers"] == {"X-AgentMail-Encrypted": "body"}
    assert said["body"].startswith("-----BEGIN PGP MESSAGE-----")
    [reference] = said["attachments"]
    assert reference.keys() == REFERENCE
    assert (reference["name"], reference["encrypted"]) == ("report.pdf.asc", True)
    assert reference["encryption"] == {"algorithm": "openpgp", "format": "armored"}
