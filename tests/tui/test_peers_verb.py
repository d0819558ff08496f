"""`peers` as a script uses it: pinned, changed, accepted, verified, required, moved to another book."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from services.config import Account, save_account
from services.paths import Paths
from services.redact import Secret
from services.secrets import SecretStore
from tests.conftest import SandboxControl
from tests.fakes.openpgp_keys import person, revoke
from tests.fakes.operators import own_key, public_armor
from tests.tui.key_stage import Script


def test_a_peer_is_pinned_then_blocked_then_accepted(script: Script) -> None:
    peer = script.address("peer")
    first = script.take_in("peer", person("Peer <peer@agents.example.com>"))
    script.json("peer", "keys", "publish")
    found = script.json("me", "peers", "lookup", peer)["peer"]
    assert (found["status"], found["fingerprint"]) == ("pinned", first)
    assert script.json("me", "peers", "lookup", peer.partition("@")[0])["peer"] == found
    code, _, err = script("me", "peers", "verify", peer, "0" * 40, "--how", "voice")
    assert code == 2
    assert "not the pinned" in err
    marked = script.json("me", "peers", "verify", peer, first, "--how", "voice")["peer"]
    assert (marked["status"], marked["verified_how"]) == ("verified", "voice")

    second = script.take_in("peer", person("Peer <peer@agents.example.com>"))
    script.json("peer", "keys", "rotate")
    alarm = script.json("me", "peers", "lookup", peer, code=8)
    assert (alarm["peer"]["status"], alarm["peer"]["offered"]) == ("changed", second)
    assert len(alarm["peer"]["offered_words"].split()) == 15
    code, out, _ = script("me", "peers", "list")
    assert code == 0
    assert "! offered since" in out
    assert script("me", "peers", "accept", peer, second)[0] == 2
    assert script("me", "peers", "accept", peer, first[::-1], "--yes")[0] == 2
    taken = script.json("me", "peers", "accept", peer, second, "--yes")["peer"]
    assert (taken["status"], taken["fingerprint"]) == ("pinned", second)
    doctor = {c["name"]: c for c in script.json("me", "doctor")["checks"]}
    assert doctor["peers"]["sentence"] == "1 known, 0 verified."

    script.json("peer", "keys", "revoke", "--yes")
    refused = script.json("me", "peers", "lookup", peer, code=8)
    assert "taken the key out" in refused["error"]
    assert refused["peer"]["status"] == "no key"


def test_requirements_are_set_and_taken_back(script: Script) -> None:
    peer = script.address("peer")
    assert script.json("me", "peers", "require", peer) == {"subject": peer, "required": True}
    script.json("me", "peers", "require", "Example.COM")
    told = script.json("me", "peers", "list")
    assert told["required_domains"] == ["example.com"]
    assert told["peers"][0]["require_encryption"] is True
    assert told["peers"][0]["required_by_domain"] is True
    code, out, _ = script("me", "peers", "require", "ann@example.com", "--off")
    assert (code, out) == (
        0,
        "Mail to ann@example.com must still be encrypted: so all mail to its domain.\n",
    )
    for subject in (peer, "example.com"):
        script.json("me", "peers", "require", subject, "--off")
    assert script.json("me", "peers", "list") == {"peers": [], "required_domains": []}


def test_a_bare_name_is_somebody_of_the_mail_domain_and_no_domain(script: Script) -> None:
    address = f"research@{script.address('me').partition('@')[2]}"
    assert script.json("me", "peers", "require", "research")["subject"] == address
    assert script.json("me", "peers", "list")["required_domains"] == []


def test_peers_move_to_another_account_and_contradictions_block(
    script: Script, tmp_path: Path
) -> None:
    peer = script.address("peer")
    script.take_in("peer", person())
    script.json("peer", "keys", "publish")
    script.json("me", "peers", "lookup", peer)
    file = tmp_path / "peers.json"
    assert script.json("me", "peers", "export", str(file))["peers"] == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert script("me", "peers", "export", str(file))[0] == 2
    assert script.json("me", "peers", "import", str(file))["same"] == 1
    script.json("me", "peers", "forget", peer)
    script.take_in("peer", person())
    script.json("peer", "keys", "rotate")
    script.json("me", "peers", "lookup", peer)
    came = script.json("me", "peers", "import", str(file))
    assert came["changed"] == [peer]
    assert script.json("me", "peers", "list")["peers"][0]["status"] == "changed"


def test_words_for_a_person_hold_no_control_characters(script: Script) -> None:
    script.take_in("peer", person("Eve \x1b]0;x\x07\u202e <eve@agents.example.com>"))
    script.json("peer", "keys", "publish")
    script.json("me", "peers", "lookup", script.address("peer"))
    for who, words in (("peer", ("keys", "list")), ("me", ("peers", "list"))):
        code, out, _ = script(who, *words)
        assert code == 0
        assert not {"\x1b", "\x07", "\u202e"} & set(out)


WHO = "peer@elsewhere.example"


@pytest.mark.parametrize("who", ["me", "swarm"])
def test_a_single_key_is_imported_by_any_account(
    script: Script, sandbox: SandboxControl, tmp_path: Path, who: str
) -> None:
    add_inbox(sandbox)
    theirs = person(f"Peer <{WHO}>")
    file = tmp_path / "peer.asc"
    file.write_text(own_key(theirs).public_block())
    came = script.json(who, "peers", "import", str(file))
    assert (came["new"], came["changed"]) == (1, [])
    assert came["told"][0].startswith(f"{WHO}: key ")
    [peer] = script.json(who, "peers", "list")["peers"]
    assert (peer["address"], peer["status"]) == (WHO, "pinned")
    assert peer["fingerprint"] == own_key(theirs).fingerprint
    # Another key for the same address waits for a person.
    file.write_text(own_key(person("Somebody <else@elsewhere.example>")).public_block())
    other = script.json(who, "peers", "import", str(file), "--owner", WHO)
    assert (other["new"], other["changed"]) == (0, [WHO])
    assert script.json(who, "peers", "list")["peers"][0]["status"] == "changed"


def test_an_account_without_a_directory_looks_into_its_book(
    script: Script, sandbox: SandboxControl, tmp_path: Path
) -> None:
    add_inbox(sandbox)
    told = script.json("swarm", "peers", "lookup", WHO, code=8)
    assert "peers import" in told["error"]
    theirs = person(f"Peer <{WHO}>")
    file = tmp_path / "peer.asc"
    file.write_text(public_armor(theirs.block))
    script.json("swarm", "peers", "import", str(file))
    assert script.json("swarm", "peers", "lookup", WHO)["peer"]["status"] == "pinned"
    file.write_text(public_armor(theirs.block + revoke(theirs.primary)))
    assert script.json("swarm", "peers", "import", str(file))["same"] == 1
    assert script.json("swarm", "peers", "list")["peers"][0]["status"] == "unusable"


@pytest.mark.parametrize("user", ["Nobody", "Peer <>", "a b@c.example"])
def test_a_key_that_does_not_say_whose_it_is_needs_its_owner(
    script: Script, tmp_path: Path, user: str
) -> None:
    file = tmp_path / "peer.asc"
    file.write_text(public_armor(person(user).block))
    code, _, err = script("me", "peers", "import", str(file))
    assert code == 2
    assert "no address" in err
    assert "--owner" in err
    assert script.json("me", "peers", "list")["peers"] == []
    assert script.json("me", "peers", "import", str(file), "--owner", WHO)["new"] == 1


@pytest.mark.parametrize("what", ["private", "revoked", "cut"])
def test_a_key_that_cannot_be_encrypted_to_is_not_taken_in(
    script: Script, tmp_path: Path, what: str
) -> None:
    theirs = person(f"Peer <{WHO}>")
    text = {
        "private": own_key(theirs).export_private(),
        "revoked": public_armor(theirs.block + revoke(theirs.primary)),
        "cut": public_armor(theirs.block)[:200],
    }[what]
    file = tmp_path / "peer.asc"
    file.write_text(text)
    assert script("me", "peers", "import", str(file))[0] == 8
    assert script.json("me", "peers", "list")["peers"] == []


def add_inbox(sandbox: SandboxControl) -> None:
    """Configure `swarm`, an inbox of AgentMail.to."""
    paths, access = Paths.from_environment(), sandbox.process.agentmail_to
    account = Account("swarm", "agentmail.to", access.base_url, address=min(access.inbox_keys))
    save_account(paths, account)
    SecretStore(paths).set_token(account, Secret(access.api_key), allow_file=True)
