"""Texts of drafts that lie in a file for the operator's own editor, and what a killed program left.

Closes four traps: a text in clear that stays behind in memory or on the disk when the program is killed
(it is taken away at the next start), the last words that were saved in the editor and reached no draft
(they are taken in first, and what does not fit becomes a draft of its own), a file that is taken away
from an editor that lives on (it holds the lock as well), and a folder that somebody else laid there
(only own ones that nobody else may enter are looked at, and no link is followed).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from services.draft import Draft, DraftState, Encryption
from services.errors import MailError, NotFound
from services.outbound.drafts.draft_store import Drafts
from services.paths import private_folder

PREFIX: Final = "agentmail-editor-"
TEXT: Final = "draft.eml"
LARGEST: Final = 8 << 20
"""Bytes that are taken back."""
_ABOUT: Final = "about.json"
_LOCK: Final = "lock"
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MADE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_LOOSE: Final = stat.S_IRWXG | stat.S_IRWXO


class Whose(msgspec.Struct, frozen=True):
    """Which draft a text belongs to, whether it is to be encrypted, and what the draft was given.

    `given` are SHA-256 of texts: the one that was handed over, and those that were told since.
    """

    draft_id: str
    is_sealed: bool = False
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutsideText:
    """A text in a folder of its own; whoever holds `lock` open keeps it from being taken in."""

    file: Path
    lock: int
    whose: Whose | None = None
    _given: list[str] = field(default_factory=list)

    @classmethod
    def lay(cls, text: str, parent: Path | None, whose: Whose | None = None) -> OutsideText:
        """Write a text into a new 0700 folder within `parent`, or the system's own; OSError."""
        place = private_folder(Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)))
        lock = os.open(place / _LOCK, _MADE, 0o600)
        laid = cls(place / TEXT, lock, whose)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            laid.note(text)
            _write(laid.file, _bytes(text))
        except OSError:
            laid.remove()
            raise
        return laid

    def note(self, text: str) -> None:
        """Write down that the draft was given a text; OSError."""
        if self.whose is None:
            return
        self._given.append(_digest(text))
        about = msgspec.structs.replace(self.whose, given=tuple(self._given))
        new = self.file.with_name(f"{_ABOUT}.new")
        new.unlink(missing_ok=True)
        _write(new, msgspec.json.encode(about))
        new.replace(self.file.with_name(_ABOUT))

    def remove(self) -> None:
        """Take everything away."""
        shutil.rmtree(self.file.parent, ignore_errors=True)
        os.close(self.lock)


def memory_folder(environ: Mapping[str, str]) -> Path | None:
    """Return a folder of this person's that lies in memory, not on a disk; None without one."""
    for place in (environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm"):  # noqa: S108 - made private
        folder = Path(place)
        if folder.is_absolute() and os.access(folder, os.W_OK | os.X_OK):
            return folder
    return None


def usual_folders(environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return where texts may have been laid, by this program or an earlier start of it."""
    runtime = Path(environ.get("XDG_RUNTIME_DIR", ""))
    named = [runtime] if runtime.is_absolute() else []
    shared = (Path("/dev/shm"), Path(tempfile.gettempdir()))  # noqa: S108 - only looked at
    return tuple(dict.fromkeys((*named, *shared)))


class LeftTexts:
    """Takes in what killed programs left of one account's drafts. Waits for the disk.

    A draft that nobody else has written on since takes the text over; else it becomes another one.
    """

    def __init__(
        self, drafts: Drafts, folders: Callable[[], tuple[Path, ...]] = usual_folders
    ) -> None:
        self._drafts = drafts
        self._folders = folders
        self.waits = False
        """Something is left that can be taken in when the keys are unlocked, or the disk has room."""

    def take_in(self) -> None:
        """Take in what no draft was given, and take all of it away; what cannot be saved stays."""
        self.waits = False
        for parent in self._folders():
            for name in _left_in(parent):
                with suppress(OSError):
                    self._take(parent / name)

    def _take(self, place: Path) -> None:
        with closing(_Folder(place)) as folder:
            if not (folder.is_ours and folder.is_left):
                return
            whose = folder.whose
            if whose is None or not self._is_known(whose):
                return
            if self._is_kept(whose, folder.read(TEXT).decode("utf-8", "replace")):
                folder.remove()
            else:
                self.waits = True

    def _is_known(self, whose: Whose) -> bool:
        """Whether the draft is one of this account's."""
        try:
            self._drafts.head(whose.draft_id)
        except NotFound:
            return False
        return True

    def _is_kept(self, whose: Whose, text: str) -> bool:
        """Whether a draft has the text now; False when that has to wait."""
        if not text.strip() or _is_given(text, whose.given[:1]):
            return True
        try:
            self._keep(whose, text)
        except MailError:
            return False
        return True

    def _keep(self, whose: Whose, text: str) -> None:
        was_told = _is_given(text, whose.given)
        try:
            draft = self._drafts.get(whose.draft_id)
        except NotFound:
            # It has left, or was discarded.
            if not was_told:
                self._drafts.save(_alone(whose, text))
            return
        if text in (draft.body, f"{draft.body}\n"):
            return
        if draft.state is DraftState.EDITING and _is_given(draft.body, whose.given):
            self._drafts.save(replace(draft, body=text))
        elif not was_told:
            self._drafts.save(replace(_alone(whose, text), to=draft.to, subject=draft.subject))


def _is_given(text: str, given: tuple[str, ...]) -> bool:
    """Tell whether a text was given to the draft; an editor may have added the last line end."""
    return _digest(text) in given or _digest(text.removesuffix("\n")) in given


def _digest(text: str) -> str:
    return hashlib.sha256(_bytes(text)).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _alone(whose: Whose, text: str) -> Draft:
    sealed = Encryption.REQUIRED if whose.is_sealed else Encryption.NONE
    return replace(Draft.begin(), body=text, encryption=sealed)


def _left_in(parent: Path) -> Iterator[str]:
    with suppress(OSError), os.scandir(parent) as found:
        yield from [entry.name for entry in found if entry.name.startswith(PREFIX)]


class _Folder:
    """A folder that may have been left, by its descriptor; OSError when it is none, or a link."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._lock = -1
        self._at = os.open(place, _READ | os.O_DIRECTORY)

    def close(self) -> None:
        for descriptor in (self._lock, self._at):
            if descriptor >= 0:
                os.close(descriptor)

    @property
    def is_ours(self) -> bool:
        """It is this person's, and nobody else may enter."""
        found = os.fstat(self._at)
        return found.st_uid == os.geteuid() and not found.st_mode & _LOOSE

    @property
    def is_left(self) -> bool:
        """No program and no editor has it any more."""
        self._lock = os.open(_LOCK, _READ, dir_fd=self._at)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @property
    def whose(self) -> Whose | None:
        """Which draft it belongs to; None when that was not written down, or by somebody else."""
        with suppress(msgspec.MsgspecError, FileNotFoundError):
            return msgspec.json.decode(self.read(_ABOUT), type=Whose)
        return None

    def read(self, name: str) -> bytes:
        """Return a plain file, b"" when it is none or too large; OSError."""
        descriptor = os.open(name, _READ, dir_fd=self._at)
        with os.fdopen(descriptor, "rb") as file:
            is_plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
            data = file.read(LARGEST + 1) if is_plain else b""
        return data if len(data) <= LARGEST else b""

    def remove(self) -> None:
        """Take it away, unless another lies there now."""
        if os.path.samestat(os.fstat(self._at), self._place.lstat()):
            shutil.rmtree(self._place, ignore_errors=True)


def _write(file: Path, data: bytes) -> None:
    with os.fdopen(os.open(file, _MADE, 0o600), "wb") as out:
        out.write(data)
