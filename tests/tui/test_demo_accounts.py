"""`demo` in a real terminal: the mail of all its accounts in one list, and switching by key."""

from __future__ import annotations

import pytest

from tests.widgets.terminal import Terminal

NAMES = ("ops-bot", "research", "billing")


@pytest.mark.slow
def test_the_demo_shows_the_mail_of_all_accounts_and_switches_by_key() -> None:
    with Terminal(["-m", "tui", "demo", "--messages", "40"]) as terminal:
        terminal.until(lambda screen: "All accounts  Inbox" in screen.display[0])
        terminal.until(
            lambda screen: all(f" {name} " in "\n".join(screen.display[1:-1]) for name in NAMES)
        )
        terminal.until(lambda screen: "synced" in screen.display[0])
        for name in NAMES:
            terminal.press("L")
            terminal.until(
                lambda screen, name=name: (
                    screen.display[0].startswith(f" {name}@")
                    and not any(f" {name} " in row for row in screen.display[1:5])
                )
            )
        terminal.press("g@")
        terminal.until(lambda screen: "Accounts" in "\n".join(screen.display))
        terminal.press("res\r")
        terminal.until(lambda screen: screen.display[0].startswith(" research@"))
        terminal.press("q")
        written = terminal.finish()
        assert terminal.process.returncode == 0, written[-500:]
        assert b"Traceback" not in written


@pytest.mark.slow
def test_the_demo_shows_what_its_inbox_has_sent_and_what_is_held_back() -> None:
    with Terminal(["-m", "tui", "demo", "--messages", "40"]) as terminal:
        terminal.until(lambda screen: "synced" in screen.display[0])
        terminal.press("gO")
        sent = ("Invoice 4755 is still open", "Statement of the month", "Re: ")
        terminal.until(lambda screen: all(one in "\n".join(screen.display) for one in sent))
        terminal.press("qgH")
        held = ("FINAL NOTICE", "You were chosen")
        terminal.until(lambda screen: all(one in "\n".join(screen.display) for one in held))
        terminal.press("qq")
        terminal.finish()
        assert terminal.process.returncode == 0
