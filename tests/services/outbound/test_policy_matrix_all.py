"""Every way to send, over every service, to every kind of recipient: only what may leave does.

630 cases against one running sandbox, which tells what really left. What may leave is decided by
`allowed` below, which is written from reference 004 (bcc for externals, approval for outreach, the
four body keys) and api/agentmail_to.md §13 and knows nothing of the program's own rules.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from pathlib import Path
from typing import Any, Final

import pytest

from services.draft import VIA_SES, Draft, DraftKind
from services.errors import PolicyRefused, UsageError
from services.outbound.approvals.approval import DecisionVoid
from services.outbound.office import Office
from services.outbound.own_lender import OwnLender
from services.outbound.writing.replying import Desktop, begin_answer
from services.redact import Secret
from services.sandbox.process import SandboxProcess
from services.secrets import SecretStore
from tests.conftest import SandboxControl
from tests.services.outbound.office_stage import Clock
from tests.services.outbound.test_replying import original
from tests.services.sandbox.agentmail_to.v0_control import V0Control
from tui.__main__ import main
from tui.profile import Profile, open_profile

OVERSEER: Final = "eyes@people.example"
OUTSIDER: Final = "buyer@shop.example"
SERVICES: Final = ("assmbl", "agentmail.to", "ses")
PATHS: Final = ("send", "reply", "reply-all", "forward", "draft-send", "scheduled", "cli")
RECIPIENTS: Final = ("internal", "external", "mixed", "look-alike", "unparseable")
APPROVALS: Final = ("approved", "not approved", "stale approval")
LATER: Final = 3_600


@dataclass(frozen=True)
class Case:
    service: str
    path: str
    recipients: str
    has_oversight: bool
    approval: str

    def __str__(self) -> str:
        oversight = "oversight" if self.has_oversight else "no oversight"
        return f"{self.service}-{self.path}-{self.recipients}-{oversight}-{self.approval}"


CASES: Final = tuple(
    itertools.starmap(
        Case, itertools.product(SERVICES, PATHS, RECIPIENTS, (True, False), APPROVALS)
    )
)


# ── what may leave, from the documents alone ─────────────────────────────────────────────────────


@dataclass(frozen=True)
class Left:
    """One mail that left: to whom it was addressed, and who got it unseen."""

    to: str
    bcc: frozenset[str] = frozenset()


def allowed(case: Case, named: tuple[str, ...]) -> frozenset[Left]:
    """Return the mails that may leave, all of them or none."""
    if case.recipients == "unparseable" or case.approval == "stale approval":
        # §13.5: what cannot be parsed is refused. §13.7: any edit voids an approval.
        return frozenset()
    # §13.5: one external recipient makes the message external; a domain is never matched by suffix.
    if case.recipients == "internal":
        # R5: no bcc, §13.8: no approval among the swarm's own.
        return frozenset(map(Left, named))
    if not case.has_oversight or case.approval != "approved":
        # R4, §13.6: blocked without oversight. R6, §13.8: approval for every external send.
        return frozenset()
    if case.service == "assmbl":
        # §13.13: its service has no bcc, so oversight gets a logged copy of its own.
        return frozenset(map(Left, (*named, OVERSEER)))
    return frozenset(Left(to, frozenset({OVERSEER})) for to in named)


def exit_code(case: Case) -> int:
    """Return what `send` says about a mail that nobody has approved (issue 3: 3 or 7)."""
    if case.recipients == "unparseable":
        return 2
    if case.recipients == "internal":
        return 0
    return 3 if case.has_oversight else 7


ASSMBL_KEYS: Final = {"to", "subject", "body", "idempotency_key"}
ASSMBL_FURTHER: Final = {"headers", "correlation_id"}
"""api/assmbl.md §5.1: threads travel in `headers`, copies are linked by the correlation id."""
ASSMBL_HEADERS: Final = {"In-Reply-To", "References", "X-Oversight-Copy"}
MIME_FIELDS: Final = {
    "from", "to", "subject", "date", "message-id", "mime-version", "content-type",
    "content-transfer-encoding", "in-reply-to", "references", "x-agentmail-idempotency-key",
    "x-agentmail-correlation-id",
}  # fmt: skip
"""Of a plain mail by SES: reference 000, options 1 and 3. Never Bcc."""
SES_ADDS: Final = {"received", "return-path", "x-ses-outgoing"}
"""What the service itself writes above a mail that it has taken."""


def check_form(service: str, request: Mapping[str, Any], raw: bytes) -> None:
    """Fail unless a mail has exactly the fields that its service's document allows."""
    match service:
        case "assmbl":
            assert set(request) >= ASSMBL_KEYS
            assert set(request) <= ASSMBL_KEYS | ASSMBL_FURTHER
            assert set(request.get("headers", {})) <= ASSMBL_HEADERS
        case "agentmail.to":
            # Reference 004: exactly to, bcc, subject, text; internal mail has no bcc.
            assert set(request) == {"to", "subject", "text"} | ({"bcc"} & set(request))
            assert request["text"]
            assert request.get("bcc", [OVERSEER]) == [OVERSEER]
        case _:
            mail = message_from_bytes(raw)
            assert {name.lower() for name in mail} <= MIME_FIELDS | SES_ADDS
            assert mail.get_content_type() == "text/plain"


# ── the three services, as the sandbox has them ──────────────────────────────────────────────────


@dataclass
class World:
    """One sandbox, an account for each service with and without oversight, and their offices."""

    sandbox: SandboxControl
    data: Path
    home: Path
    runner: asyncio.Runner
    inside: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Two addresses of the own swarm, by service."""
    alike: dict[str, str] = field(default_factory=dict)
    offices: dict[str, Office] = field(default_factory=dict)
    clock: Clock = field(default_factory=lambda: Clock(float(int(time.time()))))

    @staticmethod
    def account(case: Case) -> str:
        return f"{case.service.replace('.', '-')}-{'seen' if case.has_oversight else 'unseen'}"

    def named(self, case: Case) -> tuple[str, ...]:
        """The recipients of a case, as typed."""
        inside = self.inside[case.service]
        return {
            "internal": inside,
            "external": (OUTSIDER,),
            "mixed": (inside[0], OUTSIDER),
            "look-alike": (self.alike[case.service],),
            "unparseable": (inside[0], "Bob <bob@, carol"),
        }[case.recipients]

    def office(self, case: Case) -> Office:
        name = self.account(case)
        if name not in self.offices:
            self.offices[name] = self.runner.run(self._open(open_profile(name)))
        return self.offices[name]

    async def _open(self, profile: Profile) -> Office:
        lender = OwnLender(profile.account, profile.paths, profile.secrets)
        return await Office.open(profile.account, profile.folder, lender, self.clock)

    def left(self, service: str, subject: str) -> list[tuple[Left, Mapping[str, Any], bytes]]:
        """What left with a subject, as the sandbox recorded it: its form as well."""
        with sqlite3.connect(f"file:{self.data / 'sandbox.db'}?mode=ro", uri=True) as db:
            return [one for one in _RECORDS[service](db) if subject in one[2].decode()]

    def close(self) -> None:
        for office in self.offices.values():
            self.runner.run(office.close())


def _by_assmbl(db: sqlite3.Connection) -> Iterator[tuple[Left, Mapping[str, Any], bytes]]:
    rows = "SELECT body, raw FROM sent JOIN sent_bodies USING (number) ORDER BY number DESC LIMIT 9"
    for body, raw in db.execute(rows):
        request = json.loads(body)
        yield Left(request["to"]), request, raw


def _by_agentmail(db: sqlite3.Connection) -> Iterator[tuple[Left, Mapping[str, Any], bytes]]:
    rows = "SELECT operation, request, raw FROM v0_sent ORDER BY number DESC LIMIT 9"
    for operation, body, raw in db.execute(rows):
        assert operation == "v0_send_message"
        request = json.loads(body)
        (to,) = request["to"]
        yield Left(to, frozenset(request.get("bcc", ()))), request, raw


def _by_ses(db: sqlite3.Connection) -> Iterator[tuple[Left, Mapping[str, Any], bytes]]:
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'ses_sent'").fetchone():
        return
    for told, raw in db.execute(
        "SELECT recipients, raw FROM ses_sent ORDER BY number DESC LIMIT 9"
    ):
        to = message_from_bytes(raw)["To"]
        yield Left(to, frozenset(json.loads(told)) - {to}), {}, raw


_RECORDS: Final = {"assmbl": _by_assmbl, "agentmail.to": _by_agentmail, "ses": _by_ses}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Everything of this module, in memory where the system offers that."""
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(dir=fast) as folder,
        pytest.MonkeyPatch.context() as patch,
        asyncio.Runner() as runner,
    ):
        data, home = Path(folder) / "data", Path(folder) / "home"
        process = SandboxProcess.start(data=data)
        made = World(SandboxControl(process), data, home, runner)
        patch.setenv("AWS_ACCESS_KEY_ID", process.ses.access_key)
        patch.setenv("AWS_SECRET_ACCESS_KEY", process.ses.secret_key)
        try:
            use_home(patch, home)
            set_up(made)
            yield made
            made.close()
        finally:
            process.stop()


@pytest.fixture(autouse=True)
def at_home(
    world: World,
    isolation: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The operator of all cases is the same one."""
    use_home(monkeypatch, world.home)


def use_home(patch: pytest.MonkeyPatch, home: Path) -> None:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        patch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))


def set_up(world: World) -> None:
    """Write the configuration of six accounts, as an operator would."""
    sandbox, v0 = world.sandbox, V0Control(world.sandbox)
    org, strangers = v0.new_org(), v0.new_org()
    bob = sandbox.new_agent("bob")
    domain = bob.address.partition("@")[2]
    carol = f"carol@{domain}"
    world.inside = {"assmbl": (bob.address, carol), "ses": (bob.address, carol),
                    "agentmail.to": (org.two, org.one)}  # fmt: skip
    # One that ends like the own domain, and an inbox of others at the shared domain.
    world.alike = {"assmbl": f"bob@evil-{domain}", "ses": f"bob@{domain}.evil.example",
                   "agentmail.to": strangers.one}  # fmt: skip
    accounts, tokens = [], {}
    for is_seen in (True, False):
        for service in SERVICES:
            name = world.account(Case(service, "", "", is_seen, ""))
            here = sandbox.new_agent(name)
            where = {"kind": "assmbl", "base_url": sandbox.base_url, "mail_domain": domain,
                     "address": here.address}  # fmt: skip
            tokens[name] = here.token
            if service == "agentmail.to":
                where = {"kind": service, "base_url": v0.base_url, "address": org.one}
                tokens[name] = org.key
            accounts += [f"[accounts.{name}]", *_lines(where), f"[accounts.{name}.policy]"]
            accounts += ["undo_seconds = 0", *_lines({"oversight": OVERSEER} if is_seen else {})]
            if service == "ses":
                place = {"identity": here.address, "region": sandbox.ses.region,
                         "endpoint": sandbox.ses.url}  # fmt: skip
                accounts += [f"[accounts.{name}.ses]", *_lines(place)]
    config = world.home / "config" / "agentmail-tui" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("\n".join(accounts))
    config.chmod(0o600)
    for name, token in tokens.items():
        profile = open_profile(name)
        SecretStore(profile.paths).set_token(profile.account, Secret(token), allow_file=True)


def _lines(values: Mapping[str, str]) -> list[str]:
    return [f"{name} = {json.dumps(value)}" for name, value in values.items()]


# ── the ways to send ─────────────────────────────────────────────────────────────────────────────

_ANSWERS: Final = {
    "reply": DraftKind.REPLY,
    "reply-all": DraftKind.REPLY_ALL,
    "forward": DraftKind.FORWARD,
}


def written(case: Case, office: Office, named: tuple[str, ...], subject: str) -> Draft:
    """The draft of a case, begun like the program begins it."""
    draft = replace(Draft.begin(), body="All is well.")
    if case.path in _ANSWERS:
        desktop = Desktop(office.account.address, now=office.now)
        draft = begin_answer(_ANSWERS[case.path], original(), desktop).draft
        draft = replace(draft, body=f"All is well.\n{draft.body}", cc=())
    if case.path == "scheduled":
        draft = replace(draft, send_at=office.now + LATER)
    via = VIA_SES if case.service == "ses" else ""
    first = 1 if case.path == "reply-all" else len(named)
    return replace(draft, subject=subject, via=via, to=named[:first], cc=named[first:])


async def send(case: Case, office: Office, draft: Draft, world: World) -> None:
    """Try to send it, with the approval of the case."""
    by_agent = case.path in ("draft-send", "cli")
    kept = office.proposals.propose(draft, "bot") if by_agent else office.drafts.save(draft)
    if case.approval == "not approved":
        _, plan = await office.plan(kept.draft_id)
        queued = await office.enqueue(plan, by_person=False)
    else:
        digest = (await office.show(kept.draft_id)).digest
        if case.approval == "stale approval":
            later = replace(await office.draft(kept.draft_id), body="All is lost.")
            _ = office.proposals.revise(later, "bot") if by_agent else office.drafts.save(later)
        queued = await office.send(kept.draft_id, digest)
    if case.path == "cli":
        return
    ids = [entry.entry_id for entry in queued]
    await office.sending.push(ids, 30)
    if case.path == "scheduled":
        assert not world.left(case.service, draft.subject)
        world.clock.now += LATER
        office.sending.nudge()
        await office.sending.push(ids, 30)


def on_the_command_line(case: Case, draft: Draft, account: str) -> int:
    """`send` what nobody has approved; what a person approved, or tried to, `outbox send` carries."""
    if case.approval != "not approved":
        return main(["outbox", "send", "--profile", account, "--json"])
    way = ["--via", draft.via] if draft.via else []
    named = [word for one in draft.to for word in ("--to", one)]
    text = ["--subject", draft.subject, "--body", draft.body]
    return main(["send", *named, *text, *way, "--profile", account, "--json"])


NUMBERS: Final = itertools.count(1)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_exactly_what_may_leave_leaves(case: Case, world: World) -> None:
    if case.service == "ses":
        pytest.importorskip("boto3")
    world.clock.now = float(int(time.time()))
    office, named = world.office(case), world.named(case)
    subject = f"case {next(NUMBERS):04} of all"
    draft = written(case, office, named, subject)
    expected, refused = allowed(case, named), False
    is_alone = case.path == "cli" and case.approval == "not approved"
    if not is_alone:
        try:
            world.runner.run(send(case, office, draft, world))
        except (PolicyRefused, UsageError, DecisionVoid):
            refused = True
    if case.path == "cli":
        code = on_the_command_line(case, draft, office.account.name)
        assert code == (exit_code(case) if is_alone else 0)

    found = world.left(case.service, subject)
    assert sorted(map(str, (one for one, _, _ in found))) == sorted(map(str, expected))
    for _, request, raw in found:
        check_form(case.service, request, raw)
    assert refused is not (bool(expected) or is_alone)
    office.look()
    assert not office.outbox.open()
