"""A real gpg with a home of its own, for tests.

The home lies in a short path: the agent's socket may have 107 characters. Close it, or the agent
stays behind.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path


def gpg_path() -> str | None:
    """Where gpg is, None when it is not installed."""
    return shutil.which("gpg")


class GpgError(Exception):
    """gpg ended with another status than 0; the text is what it said."""


class GpgHome:
    """One GNUPGHOME. Passphrases are given on the command line: they are test passphrases."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="g-", dir="/tmp"))
        self.folder.chmod(0o700)

    def close(self) -> None:
        subprocess.run(
            ["gpgconf", "--homedir", str(self.folder), "--kill", "all"],
            check=False,
            capture_output=True,
        )
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *arguments: str, data: bytes = b"", passphrase: str = "") -> bytes:
        """Run gpg and return what it writes; GpgError when it fails."""
        done = subprocess.run(
            [
                "gpg", "--homedir", str(self.folder), "--batch", "--no-tty", "--yes", "--quiet",
                "--no-options", "--pinentry-mode", "loopback", "--passphrase", passphrase,
                "--trust-model", "always", *arguments,
            ],
            input=data, capture_output=True, check=False, timeout=100,
        )  # fmt: skip
        if done.returncode != 0:
            raise GpgError(done.stderr.decode("utf-8", "replace"))
        return done.stdout

    def generate(
        self, user_id: str, primary: str, subkey: str = "", *, passphrase: str = "", at: int = 0
    ) -> str:
        """Make a key (gpg's algorithm names, for example "rsa3072", "ed25519") without an end date.

        `at` makes it at another moment. Returns the fingerprint.
        """
        clock = ["--faked-system-time", f"{at}!"] if at else []
        usage = "sign" if subkey else "default"
        status = self.run(
            *clock, "--status-fd", "1", "--quick-generate-key", user_id, primary, usage, "0",
            passphrase=passphrase,
        ).decode()  # fmt: skip
        fingerprint = status.split("KEY_CREATED P ")[1].split()[0]
        if subkey:
            self.run(
                *clock, "--quick-add-key", fingerprint, subkey, "encr", "0", passphrase=passphrase
            )
        return fingerprint

    def public(self, fingerprint: str, *, armor: bool = False) -> bytes:
        return self.run(*(["--armor"] if armor else []), "--export", fingerprint)

    def private(self, fingerprint: str, *, passphrase: str = "") -> bytes:
        return self.run("--armor", "--export-secret-keys", fingerprint, passphrase=passphrase)
