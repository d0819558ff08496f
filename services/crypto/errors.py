"""What can go wrong with a key or an encrypted message, each with one sentence for a person.

Closes two traps: PGPy's ten kinds of exceptions in the hands of a screen, and an oracle. Every cause
of a failed decryption has the same text (`Damaged()`), whatever broke inside; nothing of a message,
of a key's secret half or of a passphrase is ever part of a sentence (research/crypto.md §3, §4).
"""

from __future__ import annotations

from services.errors import CryptoError


class NoKey(CryptoError):
    """The recipient has no key in the directory, or a block holds none of the wanted kind."""

    def __init__(
        self,
        sentence: str = "There is no OpenPGP key for this recipient.",
        next_step: str = "Ask the recipient to publish one.",
    ) -> None:
        super().__init__(sentence, next_step)


class KeyUnusable(CryptoError):
    """The key exists and must not be encrypted to; the sentence says why."""

    def __init__(self, sentence: str, next_step: str = "Ask its owner for a new key.") -> None:
        super().__init__(sentence, next_step)


class KeyMismatch(CryptoError):
    """The directory's PEM, its hash and the OpenPGP block are not one and the same key."""

    def __init__(
        self,
        sentence: str = "The directory's entries for this key contradict each other.",
        next_step: str = "Ask the recipient over another channel which key is right.",
    ) -> None:
        super().__init__(sentence, next_step)


class KeyChanged(CryptoError):
    """Another key than the pinned one is offered for an address.

    `pinned` and `offered` are fingerprints (40 upper-case hex), `since` is when the first was
    pinned, in seconds since the epoch.
    """

    def __init__(self, pinned: str, offered: str, since: int = 0) -> None:
        super().__init__(
            "The key of this recipient has changed.",
            "Compare the new fingerprint with the recipient over another channel, then accept it.",
        )
        self.pinned = pinned
        self.offered = offered
        self.since = since


class Locked(CryptoError):
    """The private key is sealed with a passphrase that has not been given."""

    def __init__(
        self,
        sentence: str = "Your private key is locked.",
        next_step: str = "Enter its passphrase.",
    ) -> None:
        super().__init__(sentence, next_step)


class WrongPassphrase(CryptoError):
    """The passphrase does not open the private key."""

    def __init__(
        self,
        sentence: str = "The passphrase does not open your private key.",
        next_step: str = "Enter it again.",
    ) -> None:
        super().__init__(sentence, next_step)


class NotForMe(CryptoError):
    """The message names only recipients whose private keys are not here.

    `recipients` are the key ids (16 upper-case hex) that the message names.
    """

    def __init__(self, recipients: tuple[str, ...] = ()) -> None:
        super().__init__(
            "The message is not encrypted to your key.",
            "If it was written to a former key of yours, import that key.",
        )
        self.recipients = recipients


class Damaged(CryptoError):
    """A block or message was altered, cut, or is not what it says; one text for every cause."""

    def __init__(
        self,
        sentence: str = "The encrypted message is damaged and cannot be opened.",
        next_step: str = "Ask the sender to send it again.",
    ) -> None:
        super().__init__(sentence, next_step)


class Unsupported(CryptoError):
    """The block or message is well-formed and uses something that this program does not know."""

    def __init__(
        self,
        sentence: str = "The message uses an encryption that this program cannot open.",
        next_step: str = "Ask the sender for one in OpenPGP version 4 form (RFC 4880).",
    ) -> None:
        super().__init__(sentence, next_step)


class TooLarge(CryptoError):
    """A block, or what a message unpacks to, is beyond the limit."""

    def __init__(
        self,
        sentence: str = "The message unpacks to more than this program opens.",
        next_step: str = "Open it with another program if you trust its sender.",
    ) -> None:
        super().__init__(sentence, next_step)
