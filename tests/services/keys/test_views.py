"""What is shown of a keychain."""

from __future__ import annotations

from services.crypto.own import OwnKey
from services.key_models import PeerStatus
from services.keys.peers import Peer, Pin
from services.keys.views import peer_view
from tests.fakes.operators import Operator


async def test_a_pinned_key_that_was_made_a_moment_ago_is_not_one_of_the_future(
    me: Operator, rsa: OwnKey
) -> None:
    made = rsa.public.made
    peer = Peer("rosa@agents.example.com", Pin(rsa.fingerprint, rsa.public_block(), made))
    assert peer_view(me.chain, peer, made).status is PeerStatus.PINNED
