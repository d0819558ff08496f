"""What the commands of the Keys screen do: which dialog asks, and what the engine is then asked.

Closes the trap of a command that acts on another entry than the one that was looked at: the entry is
taken when the key is pressed, and the dialogs carry it, not the cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from services import key_events as ev
from services.key_models import DirectoryStatus, OwnKeyView, PeerStatus, PeerView
from services.redact import Secret
from services.safe_text import SafeText, phrase, ui
from tui.screens.dialogs import ChoiceDialog
from tui.screens.key_prompts import TellDialog, TypedConfirmDialog
from tui.screens.overlays import show_help, show_palette, suspend_app
from tui.screens.peer_actions import PeerActions
from tui.situation import Context
from widgets.key_card import ends_words

if TYPE_CHECKING:
    from services.key_models import KeysView
    from services.requests import OwnRequest
    from tui.screens.keys import KeysScreen

Handler = Callable[[], None]


def handlers(screen: KeysScreen) -> Mapping[str, Handler]:
    """The handlers of all commands of the Keys screen by id."""
    own, peers, rows = screen.actions, screen.actions.peers, screen.list
    return {
        "generate_key": own.generate,
        "import_key": own.take_in,
        "publish_key": own.publish,
        "rotate_key": own.rotate,
        "revoke_key": own.revoke,
        "unlock_key": own.unlock,
        "lock_key": lambda: _ask(screen, ev.LockKeys()),
        "show_key": own.show_own,
        "export_key": own.export,
        "key_calendar": own.calendar,
        "compare_key": own.open_entry,
        "add_peer": peers.add,
        "look_up_again": peers.look_up_again,
        "require_encryption": peers.require,
        "require_domain": peers.require_domain,
        "forget_peer": peers.forget,
        "export_pins": peers.export,
        "import_pins": peers.take_in,
        "trust_sender": peers.trust,
        "next_key": rows.action_cursor_down,
        "previous_key": rows.action_cursor_up,
        "key_page_down": rows.action_page_down,
        "key_page_up": rows.action_page_up,
        "first_key": rows.action_first,
        "last_key": rows.action_last,
        "ask_directory": lambda: _ask(screen, ev.ReadKeys(ask_directory=True)),
        "leave_keys": lambda: _leave(screen),
        "palette": lambda: _palette(screen),
        "help": lambda: _help(screen),
        "quit_anywhere": lambda: _quit(screen),
        "suspend": lambda: suspend_app(screen, screen.notices),
    }


def _ask(screen: KeysScreen, request: OwnRequest) -> None:
    screen.ask(request)


def _quit(screen: KeysScreen) -> None:
    screen.app.call_later(screen.app.action_quit)


def _leave(screen: KeysScreen) -> None:
    screen.dismiss(None)


def _palette(screen: KeysScreen) -> None:
    show_palette(screen, screen.session, screen.situation(), screen.shown_key, screen.run_command)


def _help(screen: KeysScreen) -> None:
    show_help(screen, screen.session, Context.KEYS)


class KeyActions:
    """The commands about the own key; `peers` has those about peers."""

    def __init__(self, screen: KeysScreen) -> None:
        self._screen = screen
        self.peers = PeerActions(screen)
        self._rotating: int = 0

    @property
    def _keys(self) -> KeysView:
        view = self._screen.news.keys
        assert view is not None
        return view

    @property
    def _monotonic(self) -> Callable[[], float]:
        return self._screen.session.monotonic

    # ── what came of it ──────────────────────────────────────────────────────────────────────────

    def done(self, event: ev.KeyWorkDone, asked: OwnRequest | None) -> None:
        """Something was carried out: tell its warnings, go on with a rotation."""
        if event.request_id == self._rotating:
            self._rotating = 0
            self._screen.ask(ev.PublishKey(self._seen_version()))
        if event.warnings and asked is not None:
            dialog = TellDialog(event.sentence, event.warnings, self._monotonic)
            self._screen.app.push_screen(dialog)

    def failed(self, asked: OwnRequest | None) -> None:
        """Something was not carried out: nothing follows it."""
        if isinstance(asked, ev.GenerateKey):
            self._rotating = 0

    def shown(self) -> None:
        """There is a new picture of the keys."""
        self.peers.shown()

    def conflict(self, event: ev.DirectoryConflict) -> None:
        """The directory has another version than was seen: show both and ask."""
        found = event.found
        theirs = found.fingerprint.groups if found.fingerprint else ui("no key that can be read")
        details = [
            phrase(
                "You saw version {}, the directory has {}.", event.expected_version, found.version
            ),
            phrase("there  {}", theirs),
            phrase("mine   {}", event.mine.groups),
        ]
        if found.sentence:
            details.append(found.sentence)

        def answered(choice: int | None) -> None:
            if choice == 1:
                self._screen.ask(ev.PublishKey(found.version))

        answers = (
            ui("Leave the directory as it is"),
            phrase("Put my key in its place, as version {}", found.version + 1),
        )
        question = ui("Somebody changed your directory entry meanwhile")
        self._push(ChoiceDialog(question, details, answers, self._monotonic), answered)

    # ── making, taking in, locking ───────────────────────────────────────────────────────────────

    def generate(self) -> None:
        """Make a key."""
        keys = self._screen.news.keys
        about = (
            ui("RSA-4096. The key that you have is kept to read older mail.")
            if keys is not None and keys.own
            else ui("RSA-4096, for mail that is encrypted to you.")
        )
        self._new_key(ui("Generate a key"), about, rotates=False)

    def rotate(self) -> None:
        """Make a key and put it in place of the published one."""
        about = ui("The new key takes the place of the published one; peers will be warned.")
        self._new_key(ui("Rotate: make a new key and publish it"), about, rotates=True)

    def _new_key(self, title: SafeText, about: SafeText, *, rotates: bool) -> None:
        from tui.screens.new_key import NewKeyDialog

        def answered(request: ev.GenerateKey | None) -> None:
            if request is not None:
                request_id = self._screen.ask(request)
                self._rotating = request_id if rotates else 0

        name, address = self._owner()
        self._push(NewKeyDialog(title, about, name, address, self._monotonic), answered)

    def _owner(self) -> tuple[str, str]:
        """Name and address as the current key has them, else as the account has."""
        keys = self._screen.news.keys
        if keys is not None and keys.own:
            name, _, address = keys.own[0].user_id.rpartition(" <")
            if name and address.endswith(">"):
                return name, address.removesuffix(">")
        account = str(self._screen.session.account)
        return (account.partition("@")[0], account) if "@" in account else ("", "")

    def take_in(self) -> None:
        """Import a key."""
        from tui.screens.import_key import ImportKeyDialog

        def answered(request: ev.ImportKey | None) -> None:
            if request is not None:
                self._screen.ask(request)

        self._push(ImportKeyDialog(self._monotonic), answered)

    def unlock(self) -> None:
        """Ask for the passphrase; a key without one opens at once."""
        if not self._keys.locked:
            self._screen.ask(ev.UnlockKeys(Secret("")))
            return
        from tui.screens.passphrase import PassphraseDialog

        self._screen.app.push_screen(PassphraseDialog(self._screen.news, self._monotonic))

    # ── the directory ────────────────────────────────────────────────────────────────────────────

    def publish(self) -> None:
        """Put the current key into the directory; over a foreign one only after a question."""
        directory = self._keys.directory
        if directory.status is not DirectoryStatus.FOREIGN:
            self._screen.ask(ev.PublishKey(self._seen_version()))
        else:
            theirs = directory.fingerprint
            details = [ui("The directory has a key that is none of yours:")]
            if theirs is not None:
                details.append(theirs.groups)
            details.append(ui("Another program of yours may use it. Your key takes its place."))
            question = ui("Replace a key that is not yours?")
            self._screen.confirm(
                question, details, ui("Replace it"), ev.PublishKey(directory.version)
            )

    def _seen_version(self) -> int | None:
        directory = self._keys.directory
        return None if directory.status is DirectoryStatus.UNKNOWN else directory.version

    def revoke(self) -> None:
        """Take the entry out of the directory, after a typed question."""
        details = (
            ui("Nobody can encrypt to you until you publish again."),
            ui("Mail that came already stays readable: your private key is kept."),
        )

        def answered(sure: bool | None) -> None:
            if sure:
                self._screen.ask(ev.RevokeKey())

        question, yes = ui("Take your key out of the directory?"), ui("Revoke")
        self._push(
            TypedConfirmDialog(question, details, ui("revoke"), yes, self._monotonic), answered
        )

    # ── looking and exporting ────────────────────────────────────────────────────────────────────

    def show_own(self) -> None:
        """Show the own fingerprint."""
        from tui.screens.comparison import OwnFingerprintDialog

        key = self._own_key()
        dialog = OwnFingerprintDialog(key.fingerprint, key.user_id, self._monotonic)
        self._screen.app.push_screen(dialog)

    def _own_key(self) -> OwnKeyView:
        """The own key under the cursor, else the current one."""
        entry = self._screen.current
        return entry if isinstance(entry, OwnKeyView) else self._keys.own[0]

    def calendar(self) -> None:
        """List what expires when."""
        now = self._screen.session.clock()
        lines = [
            phrase("{}: {}", line.what, ends_words(line.expires, now))
            for line in (self._screen.news.keys.calendar if self._screen.news.keys else ())
        ] or [ui("None of your keys and none of your peers' keys has a date of expiry.")]
        self._screen.app.push_screen(TellDialog(ui("Expiry calendar"), lines, self._monotonic))

    def export(self) -> None:
        """Write a key to a file: the public one, or after a typed question the private one."""
        key = self._own_key()

        def answered(choice: int | None) -> None:
            if choice == 0:
                self._export_to(key, private=False)
            elif choice == 1:
                self._export_private(key)

        answers = (ui("The public key, for others"), ui("The private key, for a backup …"))
        details = (key.fingerprint.groups,)
        dialog = ChoiceDialog(ui("Export which key?"), details, answers, self._monotonic)
        self._push(dialog, answered)

    def _export_private(self, key: OwnKeyView) -> None:
        sealed = (
            ui("The passphrase protects the file.")
            if key.is_sealed
            else ui("It has NO passphrase: whoever reads the file can read your mail.")
        )
        details = (sealed, ui("The file is new, and only you can read it (0600)."))

        def answered(sure: bool | None) -> None:
            if sure:
                self._export_to(key, private=True)

        question, yes = ui("Write your private key to a file?"), ui("Export it")
        self._push(
            TypedConfirmDialog(question, details, ui("private"), yes, self._monotonic), answered
        )

    def _export_to(self, key: OwnKeyView, *, private: bool) -> None:
        kind = "private" if private else "public"

        def chosen(request: ev.ExportKey) -> None:
            self._screen.ask(request)

        self.peers.ask_file(
            ui("Export the private key to") if private else ui("Export the public key to"),
            f"~/{key.fingerprint.raw[-16:].lower()}-{kind}.asc",
            lambda path: chosen(ev.ExportKey(key.fingerprint.raw, path, private=private)),
        )

    def open_entry(self) -> None:
        """Compare, look at a changed key, or ask what shall be done with the entry."""
        entry = self._screen.current
        if isinstance(entry, OwnKeyView):
            self._open_former(entry)
        elif isinstance(entry, PeerView) and entry.status is PeerStatus.CHANGED:
            self.peers.look_at_change(entry)
        else:
            self.peers.open_entry()

    def _open_former(self, key: OwnKeyView) -> None:
        def answered(choice: int | None) -> None:
            if choice == 0:
                self.show_own()
            elif choice == 1:
                self.export()
            elif choice == 2:
                self._screen.ask(ev.UseKey(key.fingerprint.raw))

        answers = (
            ui("Show its fingerprint"),
            ui("Export it"),
            ui("Use it again as my current key"),
        )
        dialog = ChoiceDialog(key.user_id, (key.fingerprint.groups,), answers, self._monotonic)
        self._push(dialog, answered)

    @property
    def _push(self) -> Callable[..., object]:
        return self._screen.app.push_screen
