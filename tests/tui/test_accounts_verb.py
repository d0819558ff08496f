"""`accounts` as scripts and people use it: list, add, remove, test, with their exit codes."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.config import Account, load, save_account
from services.draft import Draft
from services.paths import Paths
from services.redact import Secret
from services.secrets import SecretStore
from tests.conftest import SandboxControl
from tests.tui.key_stage import descriptor
from tui.__main__ import main
from tui.account_adding import free_name
from tui.account_removing import what_is_left
from tui.profile import Profile
from tui.verbs.accounts import policy_line

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def verb(*words: str, token: str = "") -> tuple[int, str, str]:
        if token:
            with descriptor(token) as number:
                code = main(["accounts", *words, "--token-fd", number])
        else:
            code = main(["accounts", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return verb


def inbox_of(sandbox: SandboxControl) -> tuple[str, str, str]:
    """URL, key of the organization and one inbox of the sandbox's second service."""
    access = sandbox.process.agentmail_to
    return access.base_url, access.api_key, min(access.inbox_keys)


def configured() -> dict[str, Account]:
    return {one.name: one for one in load(Paths.from_environment()).accounts}


def test_accounts_of_both_services_are_added_listed_and_tried(
    run: Run, sandbox: SandboxControl
) -> None:
    agent = sandbox.new_agent()
    url, key, inbox = inbox_of(sandbox)
    words = ("add", "--token-file", "--kind")
    code, out, _ = run(
        *words, "assmbl", "--base-url", sandbox.base_url, "--address", agent.address, "--name",
        "work", "--colour", "pink", token=agent.token,
    )  # fmt: skip
    assert (code, out.splitlines()[0]) == (0, f"Added work: {agent.address}. Connected: 0 unread.")
    code, out, _ = run(*words, "agentmail.to", "--base-url", url, "--address", inbox, token=key)
    assert code == 0
    assert f"{inbox}. Connected" in out
    code, out, _ = run("list", "--json")
    work, other = json.loads(out)
    assert (work["name"], work["kind"], work["default"], work["token"]) == (
        "work", "assmbl", True, "file",
    )  # fmt: skip
    assert (other["kind"], other["address"], other["default"]) == ("agentmail.to", inbox, False)
    assert configured()["work"].colour == "pink"
    code, out, _ = run("test", "--json")
    assert code == 0
    assert [one["ok"] for one in json.loads(out)] == [True, True]
    assert "set oversight" in json.loads(out)[0]["notes"][0]
    assert agent.token not in out
    files = [path for path in Path.home().rglob("*") if path.is_file()]
    holding = [path for path in files if agent.token.encode() in path.read_bytes()]
    assert [path.parent.name for path in holding] == ["tokens"]


def test_several_inboxes_of_one_key_become_several_accounts_or_none(
    run: Run, sandbox: SandboxControl
) -> None:
    url, key, _ = inbox_of(sandbox)
    add = ("add", "--token-file", "--kind", "agentmail.to", "--base-url", url)
    code, _, err = run(*add, token=key)
    assert code == 2
    assert "--all-inboxes" in err
    code, _, err = run(*add, "--all-inboxes", token="am_wrong")
    assert code == 5
    assert "Nothing was added. Copy the token whole" in err
    code, _, err = run(*add, "--address", "nobody@agents.example.com", token=key)
    assert code == 2
    assert 'no inbox "nobody@agents.example.com"' in err
    assert configured() == {}
    code, out, _ = run(*add, "--all-inboxes", "--json", token=key)
    inboxes = sorted(sandbox.process.agentmail_to.inbox_keys)
    assert code == 0
    assert sorted(one["address"] for one in json.loads(out)) == inboxes
    assert sorted(one.address for one in configured().values()) == inboxes


@pytest.mark.parametrize(
    ("words", "token", "code", "said"),
    [
        (("--kind", "assmbl", "--base-url", "{url}"), "wrong", 5, "Nothing was added"),
        (("--kind", "assmbl", "--base-url", "http://127.0.0.1:9"), "x", 6, ""),
        (("--kind", "assmbl", "--base-url", "ftp://x"), "x", 2, ""),
        (("--kind", "assmbl", "--base-url", "{url}", "--name", "../x"), "{token}", 2, "name"),
        (("--kind", "assmbl", "--base-url", "{url}"), "two words", 2, "not a token"),
        (("--kind", "agentmail.to", "--base-url", "https://api.agentmail.ai/v0/"), "x", 2,
         "api.agentmail.to"),
        (("--kind", "agentmail.to", "--base-url", "https://evil.example/v0/"), "x", 2,
         "not the address"),
        ((), "x", 2, "--kind"),
    ],
    ids=["token", "offline", "scheme", "name", "spaces", "wrong-host", "evil-host", "no-kind"],
)  # fmt: skip
def test_what_cannot_be_used_is_not_written(
    run: Run,
    sandbox: SandboxControl,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    token: str,
    code: int,
    said: str,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    agent = sandbox.new_agent()
    told = [word.format(url=sandbox.base_url) for word in words]
    got, _, err = run("add", "--token-file", *told, token=token.format(token=agent.token))
    assert got == code
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert configured() == {}
    assert not (Paths.from_environment().data_dir / "tokens").exists()


def test_without_a_keyring_the_token_goes_nowhere_unasked_and_no_account_is_left(
    run: Run, sandbox: SandboxControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    agent = sandbox.new_agent()
    code, _, err = run("add", "--kind", "assmbl", "--base-url", sandbox.base_url, token=agent.token)
    assert code == 1
    assert "--token-file" in err
    assert configured() == {}


def set_up(sandbox: SandboxControl, name: str = "work") -> Profile:
    agent, paths = sandbox.new_agent(), Paths.from_environment()
    account = Account(name, "assmbl", sandbox.base_url, address=agent.address)
    save_account(paths, account)
    secrets = SecretStore(paths)
    secrets.set_token(account, Secret(agent.token), allow_file=True)
    return Profile(account, paths, secrets)


async def _write_a_draft(profile: Profile) -> None:
    async with profile.office() as office:
        office.drafts.save(Draft("d1", to=("x@y.example",), subject="s", body="b"))


def test_the_same_mailbox_is_not_set_up_twice(run: Run, sandbox: SandboxControl) -> None:
    profile = set_up(sandbox)
    code, _, err = run(
        "add", "--token-file", "--kind", "assmbl", "--base-url", f"{sandbox.base_url}/",
        "--address", profile.account.address, "--name", "again", token="whatever",
    )  # fmt: skip
    assert code == 2
    assert 'as "work"' in err


async def test_drafts_are_never_purged_unasked(run: Run, sandbox: SandboxControl) -> None:
    import asyncio

    profile = set_up(sandbox)
    await _write_a_draft(profile)
    folder = profile.folder
    code, _, err = await asyncio.to_thread(run, "remove", "work", "--purge", "--yes")
    assert code == 7
    assert "1 draft that" in err.replace("drafts", "draft") or "1 draft" in err
    assert folder.is_dir()
    assert "work" in configured()
    code, out, _ = await asyncio.to_thread(run, "remove", "work", "--yes")
    assert code == 0
    assert str(folder) in out
    assert folder.is_dir()
    assert configured() == {}
    assert profile.secrets.token(profile.account) is None


async def test_a_purge_that_was_agreed_to_takes_the_drafts_too(
    run: Run, sandbox: SandboxControl
) -> None:
    import asyncio

    profile = set_up(sandbox)
    await _write_a_draft(profile)
    assert (await asyncio.to_thread(what_is_left, profile)).drafts == 1
    words = ("remove", "work", "--purge", "--drafts-too", "--yes", "--json")
    code, out, _ = await asyncio.to_thread(run, *words)
    assert code == 0
    assert json.loads(out)["purged"] is True
    assert not profile.paths.account_folder("work").exists()


def test_removing_asks_and_no_is_an_answer(run: Run, sandbox: SandboxControl) -> None:
    set_up(sandbox)
    done = subprocess.run(
        [sys.executable, "-m", "tui", "accounts", "remove", "work"],
        cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Add --yes" in done.stderr
    assert "work" in configured()


def test_trying_an_account_ends_with_its_trouble(run: Run, sandbox: SandboxControl) -> None:
    profile = set_up(sandbox)
    set_up(sandbox, "fine")
    profile.secrets.set_token(profile.account, Secret("old-token"), allow_file=True)
    code, out, _ = run("test")
    assert code == 5
    assert "BROKEN  work" in out
    assert "ok      fine" in out
    code, _, err = run("test", "nobody")
    assert code == 1
    assert "Known accounts: work, fine" in err


@pytest.mark.parametrize("act", ["list", "test"])
def test_without_an_account_listing_and_trying_end_the_same_and_say_how_to_add_one(
    run: Run, act: str
) -> None:
    assert run(act) == (
        1, "", "agentmail-tui: No account is set up. Add one: agentmail-tui accounts add\n"
    )  # fmt: skip
    code, out, _ = run(act, "--json")
    assert (code, json.loads(out)) == (1, [])


@pytest.mark.parametrize("name", ["..", "a/b", "\x1b[31m", "x" * 65, "-x", "\u202ered"])
def test_hostile_names_are_refused_in_one_line(
    run: Run, sandbox: SandboxControl, name: str
) -> None:
    agent = sandbox.new_agent()
    code, out, err = run(
        "add", "--token-file", "--kind", "assmbl", "--base-url", sandbox.base_url,
        f"--name={name}", token=agent.token,
    )  # fmt: skip
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert "\x1b" not in out + err
    assert configured() == {}


@pytest.mark.parametrize(
    ("address", "taken", "name"),
    [
        ("bot@x.example", (), "bot"),
        ("bot@x.example", ("bot", "bot-2"), "bot-3"),
        ("../../etc@x.example", (), "..-..-etc".lstrip(".+-")),
        ("\x1b[2J@x", (), "2J"),
        ("", (), "mailbox"),
        ("é" * 80 + "@x", (), "mailbox"),
    ],
)
def test_names_made_of_addresses_are_plain_and_new(
    address: str, taken: tuple[str, ...], name: str
) -> None:
    assert free_name(address, taken) == name


def test_a_policy_is_told_in_one_line() -> None:
    from services.policy_config import Policy

    account: Any = Account("a", "assmbl", "https://x.example")
    assert policy_line(account).startswith("nothing to the outside, approval external")
    capped = Account("a", "assmbl", "https://x.example", policy=Policy(oversight="o@x.example", per_day=50))  # fmt: skip
    assert (
        policy_line(capped)
        == "oversight o@x.example, approval external, encryption asked, 50 a day"
    )


def _talk(words: tuple[str, ...], answers: tuple[tuple[bytes, str], ...]) -> tuple[int, bytes]:
    """Run a verb in a terminal of its own and answer what it asks; its exit code and all it wrote."""
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - the child becomes the program
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "tui", "accounts", *words])
    shown = seen = b""
    try:
        for asked, answer in answers:
            while asked not in shown[len(seen) :]:
                shown += os.read(terminal, 4096)
            seen = shown
            os.write(terminal, answer.encode() + b"\n")
        while chunk := os.read(terminal, 4096):
            shown += chunk
    except OSError:
        pass  # the terminal is gone with the program
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown


def test_at_a_terminal_everything_is_asked_and_the_key_is_not_shown(
    sandbox: SandboxControl,
) -> None:
    url, key, _ = inbox_of(sandbox)
    inboxes = sorted(sandbox.process.agentmail_to.inbox_keys)
    code, shown = _talk(
        ("add", "--base-url", url),
        ((b"1 or 2: ", "2"), (b"not shown): ", key), (b"or all): ", "all"), (b"Type yes: ", "yes")),
    )  # fmt: skip
    assert code == 0, shown
    assert key.encode() not in shown
    assert b"The inboxes of this key:" in shown
    assert sorted(one.address for one in configured().values()) == inboxes


def test_at_a_terminal_a_no_leaves_everything_as_it_was(sandbox: SandboxControl) -> None:
    agent = sandbox.new_agent()
    words = ("add", "--kind", "assmbl", "--base-url", sandbox.base_url, "--address", agent.address)
    code, shown = _talk(words, ((b"not shown): ", agent.token), (b"Type yes: ", "no")))
    assert code == 1, shown
    assert b"Nothing was added" in shown
    assert configured() == {}
    set_up(sandbox)
    code, shown = _talk(("remove", "work"), ((b"Type yes: ", "no"),))
    assert code == 1, shown
    assert b"Nothing was removed" in shown
    assert "work" in configured()
