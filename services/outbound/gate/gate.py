"""The one gate: whatever leaves, leaves here. The only caller of any send route.

Closes the trap of a second way out, and the one of encryption that gives way: a mail that must be
encrypted is sealed or refused, there is no path on which it becomes plaintext. The order is that of
research/crypto.md §5.2: the recipient's key is looked up now and checked, everything is encrypted,
only then the first file is uploaded, only then the mail is sent, and before that the key is looked
up once more, since an upload takes its time.

Four steps, so that what stands between them has its place: `plan` says what would be sent (review
and approval are bound to its digest), `seal` gives bytes that do not change any more, `upload` moves
the files, `send` posts exactly those bytes. At each of them the policy is asked again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.errors import BadAnswer, PolicyRefused, ServerBroken, ServiceError
from services.outbound.gate.key_ring import SealingKeys
from services.outbound.gate.plan import OutboundMail, Plan, Refusal
from services.outbound.gate.planning import Planner
from services.outbound.gate.policy import History, NoHistory, Sender, Traffic, recheck
from services.outbound.gate.ready import ReadyMail, SealedMail, SealedTo, Terms, UploadedFile
from services.outbound.gate.sealing import check_sealed, sealed_files, sealed_text
from services.outbound.gate.transport import Prepared, Receipt, SentMail, Step, Tell, Transport
from services.outbound.gate.transports.assmbl import AssmblTransport
from services.progress import in_thread

if TYPE_CHECKING:
    from services.api.assmbl import AssmblClient
    from services.crypto.certs import PeerKey
    from services.draft import Draft

__all__ = ["Gate", "Prepared", "Receipt", "Step"]

_ANEW: Final = "Nothing was sent. Review it again."


class Gate:
    """Plans, seals, uploads and sends the mail of one account.

    `transports` are its ways out, by `OutboundMail.via`: "" is the account's own service.
    `is_paused` says of an agent that it may not send now; `check_place` raises PolicyRefused for a
    place (without links) of which no file may go along with the draft of an id.
    """

    def __init__(
        self,
        transports: Mapping[str, Transport],
        keys: SealingKeys,
        sender: Sender,
        *,
        traffic: Traffic | None = None,
        history: History | None = None,
        is_paused: Callable[[str], bool] = lambda _: False,
        clock: Callable[[], float] = time.time,
        check_place: Callable[[str, Path], None] = lambda _, __: None,
    ) -> None:
        self._transports = dict(transports)
        self._keys = keys
        self._account = sender
        self._history = history or NoHistory()
        self._is_paused = is_paused
        rules = {via: transport.rules for via, transport in self._transports.items()}
        self._planner = Planner(
            sender, keys, traffic, self._history, is_paused, clock, check_place, rules
        )

    @classmethod
    def of(
        cls,
        client: AssmblClient,
        keys: SealingKeys,
        sender: Sender,
        *,
        traffic: Traffic | None = None,
        history: History | None = None,
        is_paused: Callable[[str], bool] = lambda _: False,
        clock: Callable[[], float] = time.time,
        check_place: Callable[[str, Path], None] = lambda _, __: None,
    ) -> Gate:
        """The gate of a connected Assmbl account without another way out."""
        return cls(
            {"": AssmblTransport.of(client)},
            keys,
            sender,
            traffic=traffic,
            history=history,
            is_paused=is_paused,
            clock=clock,
            check_place=check_place,
        )

    async def plan(self, draft: Draft) -> Plan:
        """Say what would be sent now: hash the files, look the keys up, ask the policy.

        Raises nothing for what speaks against sending: see `Plan.refusals`. Nothing is uploaded.
        """
        return await self._planner.plan(draft)

    async def beforehand(self, draft: Draft) -> tuple[Refusal, ...]:
        """Say what speaks against a draft already while it is written; nothing is looked up for it."""
        return await self._planner.beforehand(draft)

    async def seal(
        self, mail: OutboundMail, folder: Path, tell: Tell = lambda _: None
    ) -> SealedMail:
        """Encrypt a released mail into `folder` (its spool), or copy it there when it goes in clear.

        Raises PolicyRefused (the policy of now, or a file that is not the approved one), CryptoError
        (no usable key, or another one than approved), UsageError (a file is gone), DiskFull,
        ServiceError (the directory). Then nothing has been uploaded and the folder is as it was.
        """
        self._transport(mail.via)
        terms, encrypted = Terms.of(mail), mail.is_encrypted
        await in_thread(lambda _: self._may_leave(mail, terms, is_encrypted=encrypted))
        peer = await self._approved_key(mail.to, mail.key) if mail.is_encrypted else None
        seen = await self._seen(mail)
        recipients = self._recipients(mail, peer, seen)
        body = await sealed_text(mail.body, recipients)
        files = await sealed_files(
            mail,
            recipients,
            folder,
            lambda number, done: tell(Prepared(Step.SEALING, number, done)),
        )
        theirs = tuple(map(_sealed_to, seen))
        sealed_to = None if peer is None else _sealed_to(peer)
        return SealedMail(mail, body, files, sealed_to, str(folder), theirs)

    async def upload(
        self,
        sealed: SealedMail,
        tell: Tell = lambda _: None,
        *,
        uploaded: Sequence[UploadedFile] = (),
        on_uploaded: Callable[[UploadedFile], None] = lambda _: None,
    ) -> ReadyMail:
        """Upload the spooled files; nothing is sent yet.

        `uploaded` are the first files of it that an earlier attempt has uploaded; they keep their
        object keys. Raises ServiceError (never uncertain: no mail has left), PolicyRefused (the
        policy of now, or a spool that was changed), UsageError when it is gone.
        """
        mail, encrypted = sealed.mail, sealed.sealed_to is not None
        transport = self._transport(mail.via)
        await in_thread(lambda _: self._may_leave(mail, Terms.of(mail), is_encrypted=encrypted))
        try:
            return await transport.upload(sealed, tell, uploaded=uploaded, on_uploaded=on_uploaded)
        except ServiceError as error:
            error.uncertain = False
            error.next_step = error.next_step or "Nothing was sent. Try again."
            raise

    async def send(self, mail: ReadyMail, *, repeat: bool = False) -> Receipt:
        """Send what was uploaded; calling it again sends the same bytes under the same key.

        `repeat`: a lost answer is followed by the same request again, which is allowed only where
        the service is known to deliver a repeated key once. Raises PolicyRefused, CryptoError,
        ServiceError; with `uncertain` set the mail may have left (design.md §11).
        """
        transport = self._transport(mail.via)
        encrypted = mail.sealed_to is not None
        await in_thread(lambda _: self._may_leave(mail, mail.terms, is_encrypted=encrypted))
        if mail.sealed_to is not None:
            check_sealed(mail, marked=transport.rules.headers)
            await self._check_all_still_good(mail, mail.sealed_to)
        return await transport.send(mail, repeat=repeat)

    def to_look_at(self, mail: ReadyMail, receipt: Receipt) -> SentMail | None:
        """Return what has to be looked at of a mail that was just taken.

        None where there is nothing to look for: neither a blind copy nor a recipient that the
        service could have added, or a service that shows no sent mail.
        """
        is_shown = self._transport(mail.via).rules.shows_sent
        return SentMail.of(mail, receipt) if is_shown and (mail.bcc or mail.replies_to) else None

    async def verify(self, sent: SentMail) -> str:
        """Look at what the service has made of a sent mail; return what is wrong, "" for nothing.

        Raises ServiceError, and PolicyRefused when the account has that way out no more.
        """
        return await self._transport(sent.via).verify(sent)

    # ── what must hold ───────────────────────────────────────────────────────────────────────────

    def _transport(self, via: str) -> Transport:
        if via not in self._transports:
            raise PolicyRefused(f'This account has no way out called "{via}" any more.', _ANEW)
        return self._transports[via]

    def _may_leave(
        self, mail: OutboundMail | ReadyMail, terms: Terms, *, is_encrypted: bool
    ) -> None:
        """Ask the policy of now; PolicyRefused when it says no."""
        to, rules = mail.to, self._transport(mail.via).rules
        if terms.place != rules.place:
            raise PolicyRefused(
                f"It would leave by {rules.place or rules.name} now; "
                f"this was decided for {terms.place or 'another way out'}.",
                _ANEW,
            )
        sender = (rules.sender or self._account.address).lower()
        if mail.sender and sender and mail.sender.lower() != sender:
            raise PolicyRefused(
                f"It would come from {sender} now; this was decided for {mail.sender}.", _ANEW
            )
        if terms.agent and self._is_paused(terms.agent):
            raise PolicyRefused(
                "The agent that proposed this mail is paused.", "Resume it on the Approvals screen."
            )
        if not is_encrypted and any(map(self._keys.requires_encryption, (to, *mail.bcc))):
            raise PolicyRefused(
                "Mail to this recipient must be encrypted; this one is not.",
                "Encrypt it, or change the rule for the recipient on the Keys screen.",
            )
        has_written = bool(terms.answers) and self._history.has_written(to, terms.answers)
        recheck(
            self._account,
            to,
            terms,
            is_encrypted=is_encrypted,
            has_written=has_written,
            bcc=mail.bcc if rules.has_bcc else None,
        )

    async def _approved_key(self, address: str, fingerprint: str) -> PeerKey:
        from services.crypto.errors import KeyUnusable

        peer = await self._keys.peer_for(address, fresh=True)
        peer.require()
        if peer.fingerprint != fingerprint:
            raise KeyUnusable(f"{address} has another key than the one that was approved.", _ANEW)
        return peer

    async def _seen(self, mail: OutboundMail) -> tuple[PeerKey, ...]:
        """Return the keys of those in bcc, () when the mail goes in clear."""
        blind = mail.bcc if mail.is_encrypted else ()
        return tuple([await self._approved_key(address, mail.bcc_key) for address in blind])

    def _recipients(
        self, mail: OutboundMail, peer: PeerKey | None, seen: tuple[PeerKey, ...]
    ) -> tuple[PeerKey, ...]:
        """The recipient, oversight in bcc, and the sender, who could not read their copies otherwise."""
        from services.crypto.errors import KeyUnusable

        if peer is None:
            return ()
        if not mail.own_key:
            return (peer, *seen)
        own = self._keys.own_public()
        if own is None or own.fingerprint != mail.own_key:
            raise KeyUnusable("Your own key is another one than when this was approved.", _ANEW)
        return peer, own, *seen

    async def _check_all_still_good(self, mail: ReadyMail, sealed_to: SealedTo) -> None:
        """Look once more at the keys of the recipient and of those in bcc; CryptoError, ServiceError."""
        from services.crypto.errors import KeyUnusable

        if len(mail.bcc_sealed_to) != len(mail.bcc):
            raise KeyUnusable("It is not known whether oversight can read this mail.", _ANEW)
        whom = ((mail.to, sealed_to), *zip(mail.bcc, mail.bcc_sealed_to, strict=True))
        for address, theirs in whom:
            await self._check_still_good(address, theirs)

    async def _check_still_good(self, address: str, sealed_to: SealedTo) -> None:
        from services.crypto.errors import KeyUnusable

        try:
            peer = await self._keys.peer_for(address, fresh=True)
        except BadAnswer as error:
            # An odd answer to a sending may stand for a mail that was taken; this one cannot.
            raise ServerBroken(error.sentence, error.next_step) from error
        except ServiceError as error:
            # It is the directory that did not answer: no mail has left.
            error.uncertain = False
            raise
        peer.require()
        usable = {part.fingerprint for part in peer.components if part.usable_for_encryption}
        if peer.fingerprint != sealed_to.primary or sealed_to.component not in usable:
            raise KeyUnusable(
                f"{address} has another key than this mail was encrypted to.",
                "Send it anew, so that it is encrypted to the new key.",
            )


def _sealed_to(peer: PeerKey) -> SealedTo:
    return SealedTo(peer.fingerprint, peer.require().fingerprint)
