"""What the mail screen tells the app.

Closes the trap of a screen that ends the program by itself: it says what the operator wants, and the
app decides what has to be saved before.
"""

from __future__ import annotations

from textual.message import Message


class FirstMail(Message, namespace="mail_screen"):
    """The list has its first messages: typed-ahead keys may run."""


class FirstPaint(Message, namespace="mail_screen"):
    """The first messages are on screen."""


class Quit(Message, namespace="mail_screen"):
    """The operator wants to leave."""


class SignIn(Message, namespace="mail_screen"):
    """The operator wants to enter a token."""


class AddAccount(Message, namespace="mail_screen"):
    """The operator wants another account beside those that are there."""


class TakeAccounts(Message, namespace="mail_screen"):
    """The operator wants the accounts as they are configured now."""
