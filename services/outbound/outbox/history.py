"""What the mailbox and the outbox know of somebody: who has written, who was written to.

Closes the trap of a stranger who talks himself into the operator's trust: only mail that the service
has verified counts as written by its address (research/reliability.md §4.2 TH14).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from services.addresses import parse_mailbox
from services.cache.conversations import thread_in
from services.models import RowFlag
from services.outbound_models import OutboxState

if TYPE_CHECKING:
    from services.cache.snapshot import MailSnapshot
    from services.keys.keychain import Keychain
    from services.outbound.log.lending import Lender
    from services.outbound.outbox.outbox import Outbox


class KnownPeople:
    """The `History` of one office; `version` grows with every change of its outbox."""

    def __init__(
        self,
        lender: Lender,
        outbox: Outbox,
        chain: Keychain | None,
        version: Callable[[], int],
    ) -> None:
        self._lender = lender
        self._outbox = outbox
        self._chain = chain
        self._version = version
        self._sent: tuple[int, frozenset[str]] = (-1, frozenset())
        self._came: tuple[int, Mapping[str, int]] = (-1, {})

    def has_written(self, address: str, answers: str = "") -> bool:
        """Tell whether verified mail of an address is in the mailbox: in a conversation, or any.

        A conversation is what the service names one; where it names none, the answered mail alone.
        """
        mail = self._lender.mail
        if mail is None:
            return False
        if answers:
            bare, snapshot = _bare(address), mail.snapshot
            return bare == _verified_sender(snapshot, answers) or self._joined(
                snapshot, bare, answers
            )
        return _bare(address) in self._correspondents(mail.snapshot)

    def was_written_to(self, address: str) -> bool:
        """Tell whether something was sent to an address from here."""
        return _bare(address) in self._sent_to()

    def known_addresses(self) -> Iterable[str]:
        """Return whom mail was sent to, and whose keys are pinned."""
        peers = self._chain.book.peers() if self._chain is not None else ()
        return self._sent_to() | {_bare(peer.address) for peer in peers}

    def _sent_to(self) -> frozenset[str]:
        version = self._version()
        if self._sent[0] != version:
            left = (one for one in self._outbox.settled() if one.state is OutboxState.SENT)
            self._sent = version, frozenset(_bare(one.to) for one in left if not one.is_copy)
        return self._sent[1]

    def _joined(self, snapshot: MailSnapshot, bare: str, answers: str) -> bool:
        """Tell whether somebody has written verified mail in the conversation of a message."""
        slot = snapshot.slot_of(answers)
        thread = thread_in(snapshot.document_at(slot)) if slot is not None else ""
        sender = self._correspondents(snapshot).get(bare) if thread else None
        if sender is None:
            return False
        columns, verified = snapshot.columns, int(RowFlag.VERIFIED)
        theirs = (
            slot
            for slot in snapshot.slots
            if columns.senders[slot] == sender and columns.flags[slot] & verified
        )
        documents = map(snapshot.document_at, theirs)
        return any(
            thread_in(one) == thread and _bare(str(one.get("s", ""))) == bare for one in documents
        )

    def _correspondents(self, snapshot: MailSnapshot) -> Mapping[str, int]:
        """Return who has verified mail here, and the number that the columns know each by.

        One document is read for each of them.
        """
        if self._came[0] != snapshot.version:
            columns, verified = snapshot.columns, int(RowFlag.VERIFIED)
            one_each = {
                columns.senders[slot]: slot
                for slot in snapshot.slots
                if columns.flags[slot] & verified
            }
            who = {
                _bare(str(snapshot.document_at(slot).get("s", ""))): number
                for number, slot in one_each.items()
            }
            self._came = snapshot.version, who
        return self._came[1]


def _verified_sender(snapshot: MailSnapshot, message_id: str) -> str | None:
    slot = snapshot.slot_of(message_id)
    if slot is None or not snapshot.columns.flags[slot] & int(RowFlag.VERIFIED):
        return None
    return _bare(str(snapshot.document_at(slot).get("s", "")))


@lru_cache(maxsize=16_384)
def _bare(address: str) -> str:
    return parse_mailbox(address).address.lower()
