"""A text that is sent, Ann who opens it, Sequoia's keys, and messages with one fault in our envelopes.

What is inside of them, and wrong, comes from tests/fakes/openpgp_messages.py; the envelopes are the
program's own, proved against gpg and Sequoia in other tests.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pysequoia

from services.crypto.certs import PeerKey
from services.crypto.envelopes import seal
from services.crypto.messages import Opened, decrypt
from services.crypto.sessions import SessionKey
from tests.fakes.openpgp_messages import protected
from tests.services.crypto.made_keys import ann_open

TEXT = "Grüße aus Žďár,\nzweite Zeile 🐎\n"


@cache
def sequoia() -> pysequoia.Tsk:
    return pysequoia.Tsk.generate("Seq <seq@x.example>", profile=pysequoia.Profile.RFC4880)


@cache
def sequoia_newer() -> pysequoia.Tsk:
    return pysequoia.Tsk.generate("Six <six@x.example>", profile=pysequoia.Profile.RFC9580)


def opened(blob: bytes, **how: object) -> Opened:
    return decrypt(blob, [ann_open()], **how)  # type: ignore[arg-type]


def envelopes(session: SessionKey, *peers: PeerKey) -> bytes:
    """The session key for some, in envelopes of ours."""
    return b"".join(seal(session, peer.require()) for peer in peers)


def enclosed(inner: bytes, *peers: PeerKey, container: Any = protected, **how: Any) -> bytes:
    """A binary message to some around packets; the container is one of the workshop's."""
    session = SessionKey.new()
    return envelopes(session, *peers) + container(inner, session.key, **how)
