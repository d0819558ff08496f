"""`delete` says where the messages go, by the account's kind and without a connection."""

from __future__ import annotations

import io

import pytest

from services.config import Account, save_account
from services.paths import Paths
from tui.__main__ import main

WHERE = {
    "assmbl": ("Delete 2 messages for good? Type yes: ", "cannot be undone"),
    "agentmail.to": ("Move 2 messages to the trash? Type yes: ", "asks first"),
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(params=WHERE)
def kind(request: pytest.FixtureRequest) -> str:
    """An account of this kind whose service does not answer."""
    found: str = request.param
    account = Account(
        "bot", found, "http://127.0.0.1:9/v0/", mail_domain="agents.example.com", address="b@c.example"
    )  # fmt: skip
    save_account(Paths.from_environment(), account)
    return found


def test_the_question_says_where_the_messages_go(kind, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("no\n"))
    assert main(["delete", "one", "two"]) == 1
    assert capsys.readouterr().err == f"{WHERE[kind][0]}Nothing was deleted.\n"


def test_without_a_terminal_it_needs_a_yes(kind, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["delete", "one"]) == 2
    assert WHERE[kind][1] in capsys.readouterr().err
