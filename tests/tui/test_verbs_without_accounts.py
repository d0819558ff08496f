"""Verbs that use none of the operator's accounts take no account's name, and offer none."""

from __future__ import annotations

import pytest

from tui.__main__ import main


@pytest.mark.parametrize("words", [("demo",), ("sandbox", "--openapi"), ("render", "mail.eml")])
@pytest.mark.parametrize("is_first", [True, False], ids=["before", "behind"])
def test_the_name_of_an_account_is_refused(
    words: tuple[str, ...], is_first: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    name = ("--profile", "work")
    assert main([*name, *words] if is_first else [*words, *name]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert (
        said.err == f"agentmail-tui: {words[0]} uses none of your accounts: leave --profile out.\n"
    )


@pytest.mark.parametrize(("verb", "offers"), [("demo", False), ("render", False), ("list", True)])
def test_the_help_of_a_verb_names_what_it_takes(
    verb: str, offers: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, "--help"]) == 0
    assert ("--profile" in capsys.readouterr().out) is offers
