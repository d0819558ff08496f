"""What a signature inside a message says about its sender, in five words."""

from __future__ import annotations

from enum import Enum


class Verdict(Enum):
    """The outcome for one message; only GOOD may be shown as a proof of the sender."""

    NONE = "none"
    """Nothing is signed."""
    GOOD = "good"
    """Made over exactly this data by a part of the expected signer that may sign."""
    UNKNOWN = "unknown"
    """Signed by a key that is not the expected signer's, or nobody was expected."""
    BAD = "bad"
    """It names the expected signer and does not fit the data."""
    UNUSABLE = "unusable"
    """It covers nothing, or its key, hash or date must not be relied on."""
