"""The folders of the program, by the XDG rules, and the rule that only the operator may read them.

Closes the trap of mail lying in a folder that others can list: folders are made 0700 whatever the
umask, files 0600, loose ones are tightened when met, and one that belongs to somebody else is
refused. An account's name becomes a folder name, so its letters are limited here.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.errors import ConfigError, UsageError

APP: Final = "agentmail-tui"
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+-]{0,63}")
_LOOSE: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the program keeps its things. Nothing is created until it is asked for."""

    config_dir: Path
    data_dir: Path
    state_dir: Path
    cache_dir: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Paths:
        """Read XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME and XDG_CACHE_HOME.

        Relative values are ignored, as the XDG rules say. ConfigError without a home folder.
        """
        home = _home(environ)
        return cls(
            _xdg(environ, "XDG_CONFIG_HOME", home / ".config"),
            _xdg(environ, "XDG_DATA_HOME", home / ".local/share"),
            _xdg(environ, "XDG_STATE_HOME", home / ".local/state"),
            _xdg(environ, "XDG_CACHE_HOME", home / ".cache"),
        )

    @property
    def own(self) -> tuple[Path, ...]:
        """All of them; keys, tokens and mail lie in there."""
        return self.config_dir, self.data_dir, self.state_dir, self.cache_dir

    @property
    def config_file(self) -> Path:
        """The configuration file; it need not exist."""
        return self.config_dir / "config.toml"

    @property
    def debug_log(self) -> Path:
        """The log that `--debug` writes."""
        return self.state_dir / "debug.log"

    def account_folder(self, name: str) -> Path:
        """Return the folder of an account's mail without creating it."""
        return self.data_dir / "accounts" / account_name(name)

    def account_dir(self, name: str) -> Path:
        """Return the folder of an account's mail (`mail.log`, `bodies/`), created 0700."""
        private_folder(self.data_dir)
        private_folder(self.data_dir / "accounts")
        return private_folder(self.account_folder(name))

    def token_file(self, name: str) -> Path:
        """Return where an account's token lies when the operator chose a file; it need not exist."""
        return self.data_dir / "tokens" / account_name(name)

    @property
    def token_uses(self) -> Path:
        """Where it stands whom the environment's token was used for; it need not exist."""
        # With a dot, which no account's name begins with.
        return self.data_dir / "tokens" / ".environment"


def account_name(name: str) -> str:
    """Check the name of an account, which is also a folder name; UsageError when it cannot be."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            "An account name has 1 to 64 letters, digits or . _ @ + - and does not start with a dot.",
            'Choose another name, for example "work".',
        )
    return name


def private_folder(path: Path) -> Path:
    """Create a folder 0700, or tighten one that is looser; ConfigError when that cannot be done."""
    try:
        for missing in reversed([p for p in path.parents if not p.exists()]):
            # One by one: `parents=True` would leave them to the umask.
            missing.mkdir(mode=0o700, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        status = path.stat()
        if status.st_uid != os.geteuid():
            raise ConfigError(
                f"The folder {path} belongs to another user.", "Give it to yourself with chown."
            )
        if stat.S_IMODE(status.st_mode) != 0o700:
            path.chmod(0o700)
    except OSError as error:
        raise ConfigError(
            f"The folder {path} cannot be used: {error.strerror}.",
            "Check who owns it and whether the disk is writable.",
        ) from error
    return path


def tighten_file(path: Path) -> bool:
    """Take the rights of group and others from a file; True when there were some.

    ConfigError when the file is not a plain file of ours, so that it must not be trusted.
    """
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        raise ConfigError(
            f"{path} is not a plain file that belongs to you.", "Remove it and set it up again."
        )
    if not status.st_mode & _LOOSE:
        return False
    try:
        path.chmod(0o600)
    except OSError as error:
        raise ConfigError(
            f"{path} can be read by other users and cannot be repaired: {error.strerror}.",
            f"Run: chmod 600 {path}",
        ) from error
    return True


def write_private(path: Path, data: bytes) -> None:
    """Replace a file in one step, 0600 whatever the umask; the old one stands when this fails.

    A link (as dotfile managers make) stays one: the file that it names is replaced. ConfigError
    when the folder or the disk refuses.
    """
    from tempfile import mkstemp  # 5 ms that reading alone does not need

    private_folder(path.parent)
    path = path.resolve() if path.is_symlink() else path
    temporary: Path | None = None
    try:
        descriptor, name = mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}.", "Check the folder and the disk."
        ) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _home(environ: Mapping[str, str]) -> Path:
    named = Path(environ.get("HOME", ""))
    if named.is_absolute():
        return named
    try:
        return Path.home()
    except RuntimeError as error:
        raise ConfigError("There is no home folder.", "Set HOME to a folder of yours.") from error


def _xdg(environ: Mapping[str, str], variable: str, default: Path) -> Path:
    named = Path(environ.get(variable, ""))
    return (named if named.is_absolute() else default) / APP
