"""What the commands about peers do: look up, compare, accept, require, forget, trust.

Closes the trap of a key that is accepted and marked verified in one breath: accepting and saying how
the fingerprint was compared are two questions, and "not compared" comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from services import key_events as ev
from services.key_models import PeerStatus, PeerView, TrustedSenderView
from services.safe_text import EMPTY, SafeText, phrase, ui
from tui.screens.dialogs import ChoiceDialog
from tui.screens.key_prompts import PromptDialog
from widgets.key_rows import Domain

if TYPE_CHECKING:
    from services.requests import OwnRequest
    from tui.screens.keys import KeysScreen

_OWNER = ui("Leave it empty to take the one address that the key itself names.")


class PeerActions:
    """The commands about peers, domains and trusted senders."""

    def __init__(self, screen: KeysScreen) -> None:
        self._screen = screen
        self._expected = ""
        """The peer that was looked up last: the cursor goes to it once it is listed."""

    @property
    def _monotonic(self) -> Callable[[], float]:
        return self._screen.session.monotonic

    def shown(self) -> None:
        """There is a new picture: go to the peer that was looked up."""
        if self._expected and self._screen.list.go_to_peer(self._expected):
            self._expected = ""

    # ── looking up and comparing ─────────────────────────────────────────────────────────────────

    def add(self) -> None:
        """Ask for an address and look it up."""

        def answered(text: str | None) -> None:
            if text:
                self._look_up(self._full(text))

        domain = self._own_domain()
        details = [ui("Its key is looked up in the directory and pinned.")]
        if domain:
            details.append(phrase("A name alone means somebody at {}.", domain))
        dialog = PromptDialog(
            ui("Look up a peer"), details, ui("Look up"), self._monotonic,
            placeholder="research@agents.example.com", problem=_address_problem,
        )  # fmt: skip
        self._push(dialog, answered)

    def _full(self, text: str) -> str:
        domain = self._own_domain()
        whole = text if "@" in text or not domain else f"{text}@{domain}"
        return whole.lower()

    def _own_domain(self) -> SafeText:
        account = self._screen.session.account
        return SafeText(account.rpartition("@")[2]) if "@" in account else EMPTY

    def _look_up(self, address: str) -> None:
        self._expected = address
        self._screen.notices.tell(ui("Asking the directory …"))
        self._screen.ask(ev.LookUpPeer(address))

    def look_up_again(self) -> None:
        """Ask the directory for the key of the peer under the cursor."""
        peer = self._peer()
        if peer is not None:
            self._look_up(peer.address)

    def open_entry(self) -> None:
        """Compare a peer's key; for a domain or a trusted sender, what can be done with it."""
        entry = self._screen.current
        if isinstance(entry, Domain):
            self.require()
        elif isinstance(entry, TrustedSenderView):
            self.trust()
        elif isinstance(entry, PeerView) and entry.fingerprint is not None:
            self._compare(entry)
        elif isinstance(entry, PeerView):
            self._look_up(entry.address)

    def _compare(self, peer: PeerView) -> None:
        fingerprint = peer.fingerprint
        if fingerprint is None:
            return
        from tui.screens.comparison import OTHER, ComparisonDialog

        def verified(how: str | None) -> None:
            if how:
                self._screen.ask(ev.VerifyPeer(peer.address, fingerprint.raw, how))
            else:
                still = ui("Still") if peer.status is PeerStatus.VERIFIED else ui("Not")
                key = self._screen.shown_key("forget_peer")
                sentence = phrase(
                    "{} verified. If the keys differ, {} forgets this one.", still, key
                )
                self._screen.notices.tell(sentence)

        def answered(how: str | None) -> None:
            if how == OTHER:
                self._ask_how(verified)
            else:
                verified(how)

        self._push(ComparisonDialog(peer, fingerprint, self._monotonic), answered)

    def _ask_how(self, then: Callable[[str | None], None]) -> None:
        title, details = ui("How were they compared?"), (ui("In a few words, for later."),)
        dialog = PromptDialog(
            title, details, ui("Mark as verified"), self._monotonic, placeholder="on paper"
        )
        self._push(dialog, then)

    def look_at_change(self, peer: PeerView) -> None:
        """Show both keys of a peer, and accept the new one only on purpose."""
        pinned, offered = peer.fingerprint, peer.offered
        if pinned is None or offered is None:
            return
        from tui.screens.key_change import KeyChangeDialog

        def answered(accepted: bool | None) -> None:
            if accepted:
                self._accept(peer, offered.raw)

        glyphs = self._screen.session.glyphs
        self._push(KeyChangeDialog(peer, pinned, offered, glyphs, self._monotonic), answered)

    def _accept(self, peer: PeerView, fingerprint: str) -> None:
        from tui.screens.comparison import HOWS

        def answered(choice: int | None) -> None:
            if choice is not None:
                how = HOWS[choice - 1][1] if choice else ""
                self._screen.ask(ev.AcceptPeerKey(peer.address, fingerprint, how))

        answers = (
            ui("Not compared: pin it without the mark"),
            *(phrase("Compared {}", how) for how, _ in HOWS),
        )
        question = phrase("How was the new key of {} compared?", peer.shown)
        self._push(ChoiceDialog(question, (), answers, self._monotonic), answered)

    # ── rules ────────────────────────────────────────────────────────────────────────────────────

    def require(self) -> None:
        """Require encryption to the address or domain under the cursor, or no longer."""
        entry = self._screen.current
        if isinstance(entry, Domain):
            self._screen.ask(ev.RequireEncryption(str(entry.name), required=False))
        elif isinstance(entry, PeerView):
            self._screen.ask(
                ev.RequireEncryption(entry.address, required=not entry.requires_encryption)
            )

    def require_domain(self) -> None:
        """The same for the whole domain."""
        entry = self._screen.current
        if isinstance(entry, Domain):
            self.require()
        elif isinstance(entry, PeerView):
            domain = entry.address.rpartition("@")[2]
            self._screen.ask(ev.RequireEncryption(domain, required=not entry.required_by_domain))

    def forget(self) -> None:
        """Drop a pin or a trusted sender, after a question."""
        entry = self._screen.current
        if isinstance(entry, TrustedSenderView):
            question = phrase("Take {} off the list of trusted senders?", entry.shown)
            self._screen.confirm(
                question, (), ui("Take off"), ev.DistrustSender(entry.peer_agent_id)
            )
        elif isinstance(entry, PeerView):
            details = [ui("The next key that the directory shows is then pinned unseen.")]
            if entry.status is PeerStatus.CHANGED:
                details.insert(0, ui("Its key has CHANGED: to compare it, press Enter instead."))
            question = phrase("Forget the key of {}?", entry.shown)
            self._screen.confirm(
                question, tuple(details), ui("Forget"), ev.ForgetPeer(entry.address)
            )

    def trust(self) -> None:
        """Put a sender on the service's list, or give it another cap."""
        from tui.screens.trust_dialog import TrustDialog

        def answered(request: ev.TrustSender | None) -> None:
            if request is not None:
                self._screen.ask(request)

        entry = self._screen.current
        known = entry if isinstance(entry, TrustedSenderView) else None
        peer = entry.address.partition("@")[0] if isinstance(entry, PeerView) else ""
        self._push(TrustDialog(known, peer, self._monotonic), answered)

    # ── files ────────────────────────────────────────────────────────────────────────────────────

    def export(self) -> None:
        """Write all pins to a file."""
        self.ask_file(
            ui("Export the pins to"),
            "~/agentmail-pins.json",
            lambda path: self._ask(ev.ExportPeers(path)),
        )

    def take_in(self) -> None:
        """Read pins from a file, or one public key, after asking whose that is."""

        def named(path: Path) -> None:
            if path.suffix == ".json":
                self._ask(ev.ImportPeers(path))
                return
            dialog = PromptDialog(
                ui("Whose key is it?"), (_OWNER,), ui("Import"), self._monotonic,
                placeholder="research@agents.example.com",
                problem=lambda text: _address_problem(text) if text.strip() else EMPTY,
            )  # fmt: skip
            self._push(dialog, lambda text: owned(path, text))

        def owned(path: Path, text: str | None) -> None:
            if text is not None:
                self._ask(ev.ImportPeers(path, self._full(text) if text.strip() else ""))

        self.ask_file(ui("Import pins, or a public key, from"), "~/agentmail-pins.json", named)

    def ask_file(self, title: SafeText, proposed: str, then: Callable[[Path], None]) -> None:
        """Ask for a path and go on with it."""

        def answered(text: str | None) -> None:
            if text:
                then(Path(text).expanduser())

        dialog = PromptDialog(title, (), ui("Go on"), self._monotonic, value=proposed)
        self._push(dialog, answered)

    def _ask(self, request: OwnRequest) -> None:
        self._screen.ask(request)

    def _peer(self) -> PeerView | None:
        entry = self._screen.current
        return entry if isinstance(entry, PeerView) else None

    @property
    def _push(self) -> Callable[..., object]:
        return self._screen.app.push_screen


def _address_problem(text: str) -> SafeText:
    if not text or set(text) & set("<>() ,;"):
        return ui("One address, such as research@agents.example.com.")
    return EMPTY
