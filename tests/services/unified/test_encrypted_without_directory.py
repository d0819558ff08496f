"""Two inboxes of AgentMail.to encrypt to each other by imported keys; no directory is asked, anywhere.

Asked as the screens ask: the engine with its keys, the desk of outgoing mail, and the reading of mail.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services import events, requests
from services import key_events as keys
from services import outbound_events as ev
from services.crypto.own import OwnKey
from services.draft import Draft, Encryption
from services.outbound_models import ReviewView
from services.redact import Secret
from services.seal_models import SealState
from tests.conftest import SandboxControl
from tests.services.sandbox.agentmail_to.v0_control import V0Control
from tests.services.unified.household import Household, assmbl_member, v0_members

TEXT = "the canary sings"


@pytest.fixture(scope="module")
def own_keys() -> dict[str, OwnKey]:
    """A key for each account, made elsewhere; the address of the inbox is not in it."""
    return {
        name: OwnKey.generate(name, "elsewhere@example.com", None, bits=2048)
        for name in ("t1", "t2")
    }


@pytest.fixture
def one(
    household: Any, sandbox: SandboxControl, disk: Path, own_keys: dict[str, OwnKey]
) -> Household:
    """An Assmbl account, and two inboxes of one key that have keys of their own."""
    members = v0_members(V0Control(sandbox), disk, "t1", "t2")
    found: Household = household(assmbl_member(sandbox, disk, "work"), *members)
    found.synced()
    for name, key in own_keys.items():
        done(found, name, keys.ImportKey(block=Secret(key.export_private())))
    return found


def done(one: Household, name: str, request: Any) -> keys.KeyWorkDone:
    return one.answer(requests.ForAccount(name, request), keys.KeyWorkDone)


def key_file(folder: Path, key: OwnKey) -> Path:
    file = folder / "theirs.asc"
    file.write_text(key.public_block())
    return file


def draft_id(one: Household, sender: str, recipient: str) -> str:
    draft = replace(
        Draft.begin(), to=(recipient,), subject="Numbers", body=TEXT,
        encryption=Encryption.REQUIRED,
    )  # fmt: skip
    return one.answer(ev.SaveDraft(draft, sender), ev.DraftSaved).draft_id


def review(one: Household, sender: str, draft: str) -> ReviewView:
    return one.answer(ev.ReviewDraft(draft, sender), ev.ReviewReady).review


def test_a_mail_sealed_to_an_imported_key_opens_in_the_other_inbox(
    one: Household, disk: Path, own_keys: dict[str, OwnKey], sandbox: SandboxControl
) -> None:
    theirs = str(one["t2"].account.address)
    draft = draft_id(one, "t1", theirs)
    refused = review(one, "t1", draft)
    assert "no key was imported" in refused.refusal
    assert "peers import" in refused.next_step

    told = done(one, "t1", keys.ImportPeers(key_file(disk, own_keys["t2"]), theirs))
    assert theirs in told.warnings[0]
    shown = review(one, "t1", draft)
    assert (str(shown.refusal), shown.encrypted) == ("", True)
    assert shown.recipients[0].pinned.startswith("no directory: key imported on ")
    assert shown.recipients[0].pinned.endswith(", never compared")

    print_of = own_keys["t2"].fingerprint
    done(one, "t1", keys.VerifyPeer(theirs, print_of, "by voice"))
    shown = review(one, "t1", draft)
    assert shown.recipients[0].pinned.endswith(", verified by voice")

    one.left(one.answer(ev.SendDraft(draft, shown.digest, "t1"), ev.SendQueued))
    [sent] = V0Control(sandbox).sent(str(one["t1"].account.address))
    assert TEXT not in str(sent)
    one.until(lambda: arrived(one))
    opened = one.answer(requests.OpenMessage(arrived(one)[0]), events.MessageOpened)
    assert opened.message.seal.state is SealState.OPENED
    assert TEXT in str(opened.message.body)


def arrived(one: Household) -> list[str]:
    """What lies in the inbox of t2."""
    return one.ids(account="t2")


def test_the_directory_of_another_account_is_not_asked(
    one: Household, disk: Path, own_keys: dict[str, OwnKey]
) -> None:
    done(one, "work", keys.ImportKey(block=Secret(own_keys["t2"].export_private())))
    done(one, "work", keys.PublishKey(expected_version=0))
    known = str(one["work"].account.address)
    done(one, "work", keys.LookUpPeer(known))
    refused = review(one, "t1", draft_id(one, "t1", known))
    assert "no key was imported" in refused.refusal
