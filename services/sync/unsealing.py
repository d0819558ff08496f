"""Opening one encrypted mail with the keys at hand, and putting what came of it into words.

Runs on the renderer's thread, never on a loop. Closes three traps: a passphrase that is asked for
although no key would open the mail, a failure that tells what exactly was wrong with a message (one
sentence for every cause), and a signature that counts although it is not by the key pinned for the
address in From.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.crypto.blocks import read_block
from services.crypto.envelopes import HIDDEN
from services.crypto.errors import (
    Damaged,
    Locked,
    NoKey,
    NotForMe,
    TooLarge,
    Unsupported,
    WrongPassphrase,
)
from services.crypto.messages import Opened, decrypt, recipients_of
from services.daemon_call import in_daemon
from services.errors import CryptoError, MailError
from services.reading.parsed_mail import ParsedMail, SealedBlock
from services.reading.sealed import Plaintext, Unsealed
from services.safe_text import SafeText, clean_line, ui
from services.seal_models import SealFacts, SealState, SignatureVerdict

if TYPE_CHECKING:
    from services.crypto.certs import PeerKey
    from services.crypto.own import UnlockedKey
    from services.keys.keychain import Keychain

_STATES: tuple[tuple[type[CryptoError], SealState], ...] = (
    (Locked, SealState.LOCKED),
    (WrongPassphrase, SealState.LOCKED),
    (NotForMe, SealState.NOT_FOR_ME),
    (NoKey, SealState.NO_KEY),
    (Unsupported, SealState.UNSUPPORTED),
    (TooLarge, SealState.TOO_LARGE),
)


@dataclass(frozen=True, slots=True)
class KeysAtHand:
    """The keys of an account at one moment, for use on another thread.

    `own` are the public halves of all own keys, the current one first; `signer` returns the key by
    which signatures of an address (lower case) are judged.
    """

    own: tuple[PeerKey, ...]
    unlocked: tuple[UnlockedKey, ...]
    signer: Callable[[str], PeerKey | None]


async def keys_at_hand(keychain: Keychain) -> KeysAtHand:
    """Return what a keychain holds now; opens in silence what needs no asking. Raises MailError."""
    unlocked = await keychain.ready()
    own = await in_daemon(lambda: tuple(key.public for key in keychain.own_keys.all()))
    return KeysAtHand(own, unlocked, keychain.signer)


class Unsealer:
    """Opens the block of one mail; implements `services.reading.sealed.Opener`.

    `kept` gives back what an earlier session kept of the message, for when its key is gone.
    `outcome` is what was returned last.
    """

    def __init__(
        self, keys: KeysAtHand, kept: Callable[[], Unsealed | None] = lambda: None
    ) -> None:
        self.keys = keys
        self._kept = kept
        self.outcome: Unsealed | None = None

    def __call__(self, mail: ParsedMail) -> Unsealed:
        """Return the outcome; every failure is told by its facts."""
        block = mail.sealed[0]
        try:
            unsealed = self._open(mail, block)
        except CryptoError as error:
            unsealed = self._refused(error)
        if unsealed.facts.state in (SealState.NOT_FOR_ME, SealState.NO_KEY):
            unsealed = self._kept() or unsealed
        self.outcome = unsealed
        return unsealed

    def _open(self, mail: ParsedMail, block: SealedBlock) -> Unsealed:
        wanted = recipients_of(block.data)
        own, unlocked = self.keys.own, self.keys.unlocked
        if not own:
            raise NoKey(
                "The message is encrypted, and you have no key.", "Make or import a key first."
            )
        if HIDDEN not in wanted and not any(_names(key, wanted) for key in own):
            raise NotForMe(wanted)
        try:
            opened = decrypt(block.data, unlocked, signer=self._signer(mail))
        except NotForMe:
            closed = [
                key for key in own if not any(key.fingerprint == o.fingerprint for o in unlocked)
            ]
            if any(HIDDEN in wanted or _names(key, wanted) for key in closed):
                raise Locked from None
            raise
        return Unsealed(self._facts(opened), Plaintext(opened.data, block.is_entity))

    def _facts(self, opened: Opened) -> SealFacts:
        # Everywhere else a key is told by its primary; the part that opened it is on no screen.
        holders = (key for key in self.keys.own if _holds(key, opened.to_key))
        holder = next((key.fingerprint for key in holders), opened.to_key)
        return SealFacts(
            SealState.OPENED,
            verdict=SignatureVerdict(opened.verdict.value),
            signer=grouped(opened.signer),
            signed_at=opened.signed_at,
            to_key=grouped(holder),
        )

    def _signer(self, mail: ParsedMail) -> PeerKey | None:
        """Return the key pinned for the sender; None unless From names exactly one address."""
        froms = sum(1 for name, _ in mail.headers if name.lower() == "from")
        named = [sender.address for sender in mail.sender if sender.address]
        if froms != 1 or len(named) != 1:
            return None
        try:
            return self.keys.signer(named[0].lower())
        except MailError:
            # A peer book that cannot be read proves nothing about anybody.
            return None

    def _refused(self, error: CryptoError) -> Unsealed:
        state = next((s for kind, s in _STATES if isinstance(error, kind)), SealState.DAMAGED)
        if state is SealState.DAMAGED:
            error = Damaged()
        own: tuple[SafeText, ...] = ()
        if state is SealState.NOT_FOR_ME:
            own = tuple(grouped(key.fingerprint) for key in self.keys.own)
        sentence, step = clean_line(error.sentence), clean_line(error.next_step)
        return Unsealed(SealFacts(state, sentence, step, own_keys=own))


def grouped(fingerprint: str) -> SafeText:
    """Return a fingerprint or key id in groups of four."""
    return ui(" ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4)))


def _names(key: PeerKey, wanted: Sequence[str]) -> bool:
    """Tell whether an envelope names a part of a key, whatever that part may be used for today."""
    block = read_block(key.block)
    return any(part.key_id in wanted for part in (block.primary, *block.subkeys))


def _holds(key: PeerKey, fingerprint: str) -> bool:
    block = read_block(key.block)
    return any(part.fingerprint == fingerprint for part in (block.primary, *block.subkeys))
