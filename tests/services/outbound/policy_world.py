"""One sandbox with every kind of account, with and without oversight, and what has left of it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from services.outbound.approvals.server_drafts import ServerDrafts
from services.outbound.log.lending import Original
from services.outbound.office import Office
from services.outbound.own_lender import OwnLender
from services.outbound.server_desk import server_drafts_of
from services.redact import Secret
from services.sandbox.process import SandboxProcess
from services.secrets import SecretStore
from tests.conftest import SandboxControl
from tests.services.outbound.answering_stage import original
from tests.services.outbound.office_stage import Clock
from tests.services.outbound.policy_oracle import (
    NOTE,
    OVERSEER,
    SERVICES,
    STRICT,
    WIDE,
    Case,
    Left,
    Sent,
)
from tests.services.sandbox.agentmail_to.v0_control import V0Control, seg
from tests.services.sandbox.agentmail_to.v0_control import mail as received_mail
from tui.profile import Profile, open_profile

OUTSIDER: Final = "buyer@shop.example"
Json = dict[str, Any]


@dataclass
class World:
    """The sandbox, an account for each service with and without oversight, and their offices."""

    sandbox: SandboxControl
    v0: V0Control
    data: Path
    home: Path
    runner: asyncio.Runner
    inside: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Two addresses of the own swarm, by account."""
    alike: dict[str, str] = field(default_factory=dict)
    others: dict[str, httpx.Client] = field(default_factory=dict)
    """Who puts drafts there with the keys of the accounts at AgentMail.to."""
    clock: Clock = field(default_factory=lambda: Clock(float(int(time.time()))))
    _offices: dict[str, Office] = field(default_factory=dict)
    _kept: dict[str, ServerDrafts] = field(default_factory=dict)

    @property
    def note(self) -> Path:
        """The file that goes along where a profile has files."""
        return self.data.parent / "note.txt"

    @staticmethod
    def account(case: Case) -> str:
        words = case.service.replace(".", "-").replace(" ", "-")
        return f"{words}-{'seen' if case.has_oversight else 'unseen'}"

    def named(self, case: Case) -> tuple[str, ...]:
        """The recipients of a case, as typed."""
        account = self.account(case)
        inside = self.inside[account]
        return {
            "internal": inside,
            "external": (OUTSIDER,),
            "mixed": (inside[0], OUTSIDER),
            "look-alike": (self.alike[account],),
            "unparseable": (inside[0], "Bob <bob@, carol"),
        }[case.recipients]

    def office(self, case: Case) -> Office:
        name = self.account(case)
        if name not in self._offices:
            self._offices[name] = self.runner.run(self._open(open_profile(name)))
        return self._offices[name]

    async def _open(self, profile: Profile) -> Office:
        lender = OwnLender(profile.account, profile.paths, profile.secrets)
        return await Office.open(profile.account, profile.folder, lender, self.clock)

    def question(self, case: Case, subject: str) -> Original:
        """A mail that is answered or sent on; at AgentMail.to it lies in the inbox."""
        if case.service not in (STRICT, WIDE):
            return original()
        inbox = self.inside[self.account(case)][1]
        named = f"<{subject.replace(' ', '-')}@shop.example>"
        raw = received_mail(subject, From=OUTSIDER, Message_ID=named)
        got = self.v0.receive(inbox, raw, message_id=named)
        head = (f"From: {OUTSIDER}", f"Subject: {subject}", f"Message-ID: {named}")
        found = original(*head)
        return replace(found, item=replace(found.item, message_id=got["message_id"]))

    # ── drafts that others put on the service ────────────────────────────────────────────────────

    def kept(self, case: Case) -> ServerDrafts:
        """What keeps an office and the drafts of its inbox the same."""
        name = self.account(case)
        if name not in self._kept:
            self._kept[name] = server_drafts_of(self.office(case))
        return self._kept[name]

    def put_draft(self, case: Case, **fields: Any) -> str:
        """Put a draft there, with a file where the profile has files; return its id."""
        if case.service == WIDE:
            content = base64.b64encode(NOTE).decode()
            file = {"filename": "note.txt", "content_type": "text/plain", "content": content}
            fields["attachments"] = [file]
        return str(self._drafts(case, "POST", "", fields).json()["draft_id"])

    def change_draft(self, case: Case, server_id: str, **fields: Any) -> None:
        self._drafts(case, "PATCH", server_id, fields)

    def there(self, case: Case, server_id: str) -> Json | None:
        """The draft as it lies there, None when it does not any more."""
        answer = self._drafts(case, "GET", server_id, None)
        return None if answer.status_code == 404 else dict(answer.json())

    def _drafts(
        self, case: Case, method: str, server_id: str, fields: Mapping[str, Any] | None
    ) -> httpx.Response:
        account = self.account(case)
        path = f"inboxes/{seg(self.inside[account][1])}/drafts/{server_id}".rstrip("/")
        answer = self.others[account].request(method, path, json=fields)
        assert answer.is_success or (method, answer.status_code) == ("GET", 404), answer.text
        return answer

    # ── what has left ────────────────────────────────────────────────────────────────────────────

    def left(self, case: Case, subject: str) -> list[Sent]:
        """What left with a subject, as the sandbox recorded it."""
        with sqlite3.connect(f"file:{self.data / 'sandbox.db'}?mode=ro", uri=True) as db:
            return [one for one in _RECORDS[case.service](db) if subject in one.raw.decode()]

    def close(self) -> None:
        for office in self._offices.values():
            self.runner.run(office.close())
        for client in (self.v0.http, *self.others.values()):
            client.close()


def _by_assmbl(db: sqlite3.Connection) -> Iterator[Sent]:
    rows = "SELECT body, raw FROM sent JOIN sent_bodies USING (number) ORDER BY number DESC LIMIT 9"
    for body, raw in db.execute(rows):
        request = json.loads(body)
        to = request["to"]
        yield Sent(Left(to), "", request, raw, frozenset({to}))


def _by_agentmail(db: sqlite3.Connection) -> Iterator[Sent]:
    rows = "SELECT operation, request, raw, recipients FROM v0_sent ORDER BY number DESC LIMIT 9"
    for operation, body, raw, told in db.execute(rows):
        request = json.loads(body)
        (to,) = request["to"]
        left = Left(to, frozenset(request.get("bcc", ())))
        yield Sent(left, operation, request, raw, frozenset(json.loads(told)))


def _by_ses(db: sqlite3.Connection) -> Iterator[Sent]:
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'ses_sent'").fetchone():
        return
    for told, raw in db.execute(
        "SELECT recipients, raw FROM ses_sent ORDER BY number DESC LIMIT 9"
    ):
        to, reached = message_from_bytes(raw)["To"], frozenset(json.loads(told))
        yield Sent(Left(to, reached - {to}), "", {}, raw, reached)


_RECORDS: Final = {"assmbl": _by_assmbl, STRICT: _by_agentmail, WIDE: _by_agentmail, "ses": _by_ses}


# ── how it is made ───────────────────────────────────────────────────────────────────────────────


@contextmanager
def new_world() -> Iterator[World]:
    """Make everything, in memory where the system offers that."""
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(dir=fast) as folder,
        pytest.MonkeyPatch.context() as patch,
        asyncio.Runner() as runner,
    ):
        data, home = Path(folder) / "data", Path(folder) / "home"
        process = SandboxProcess.start(data=data)
        sandbox = SandboxControl(process)
        made = World(sandbox, V0Control(sandbox), data, home, runner)
        made.note.write_bytes(NOTE)
        patch.setenv("AWS_ACCESS_KEY_ID", process.ses.access_key)
        patch.setenv("AWS_SECRET_ACCESS_KEY", process.ses.secret_key)
        try:
            use_home(patch, home)
            _set_up(made)
            yield made
            made.close()
        finally:
            process.stop()


def use_home(patch: pytest.MonkeyPatch, home: Path) -> None:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        patch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))


def _set_up(world: World) -> None:
    """Write the configuration of eight accounts, as an operator would."""
    bob = world.sandbox.new_agent("bob").address
    strangers = world.v0.new_org().one
    accounts, tokens = [], {}
    for is_seen in (True, False):
        for service in SERVICES:
            case = Case(service, "", "", is_seen, "")
            name = world.account(case)
            if service in (STRICT, WIDE):
                where, tokens[name] = _at_agentmail_to(world, name, service, strangers)
            else:
                where, tokens[name] = _at_assmbl(world, name, bob, service)
            accounts += [f"[accounts.{name}]", *_lines(where), f"[accounts.{name}.policy]"]
            accounts += ["undo_seconds = 0", *_lines({"oversight": OVERSEER} if is_seen else {})]
            if service == "ses":
                ses = world.sandbox.ses
                place = {"identity": where["address"], "region": ses.region, "endpoint": ses.url}
                accounts += [f"[accounts.{name}.ses]", *_lines(place)]
    config = world.home / "config" / "agentmail-tui" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("\n".join(accounts))
    config.chmod(0o600)
    for name, token in tokens.items():
        profile = open_profile(name)
        SecretStore(profile.paths).set_token(profile.account, Secret(token), allow_file=True)


def _at_assmbl(world: World, name: str, bob: str, service: str) -> tuple[dict[str, str], str]:
    here = world.sandbox.new_agent(name)
    domain = bob.partition("@")[2]
    world.inside[name] = (bob, f"carol@{domain}")
    # One that ends like the own domain, and one that begins like it.
    alike = f"bob@{domain}.evil.example" if service == "ses" else f"bob@evil-{domain}"
    world.alike[name] = alike
    where = {"kind": "assmbl", "base_url": world.sandbox.base_url, "mail_domain": domain,
             "address": here.address}  # fmt: skip
    return where, here.token


def _at_agentmail_to(
    world: World, name: str, service: str, stranger: str
) -> tuple[dict[str, str], str]:
    org = world.v0.new_org()
    world.inside[name], world.others[name] = (org.two, org.one), world.v0.client(org.key)
    # An inbox of others at the shared domain.
    world.alike[name] = stranger
    where = {"kind": "agentmail.to", "base_url": world.v0.base_url, "address": org.one}
    return where | ({"profile": "wide"} if service == WIDE else {}), org.key


def _lines(values: Mapping[str, str]) -> list[str]:
    return [f"{name} = {json.dumps(value)}" for name, value in values.items()]
