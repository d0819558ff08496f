"""Drives a real gpg in a home of its own; the second program that must agree with ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_ALWAYS = ("--batch", "--yes", "--no-tty", "--quiet", "--trust-model", "always",
           "--pinentry-mode", "loopback", "--no-auto-check-trustdb", "--no-auto-key-retrieve",
           "--compliance", "gnupg")  # fmt: skip
_FORMS = {
    "RSA-2048 single": "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: cert,sign,encrypt\n",
    "RSA-2048": "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: cert,sign\n"
    "Subkey-Type: RSA\nSubkey-Length: 2048\nSubkey-Usage: encrypt\n",
    "Ed25519": "Key-Type: EDDSA\nKey-Curve: ed25519\nKey-Usage: cert,sign\n"
    "Subkey-Type: ECDH\nSubkey-Curve: cv25519\nSubkey-Usage: encrypt\n",
    "P-256": "Key-Type: ECDSA\nKey-Curve: nistp256\nKey-Usage: cert,sign\n"
    "Subkey-Type: ECDH\nSubkey-Curve: nistp256\nSubkey-Usage: encrypt\n",
    "Brainpool": "Key-Type: ECDSA\nKey-Curve: brainpoolP256r1\nKey-Usage: cert,sign\n"
    "Subkey-Type: ECDH\nSubkey-Curve: brainpoolP256r1\nSubkey-Usage: encrypt\n",
    "sign only": "Key-Type: EDDSA\nKey-Curve: ed25519\nKey-Usage: cert,sign\n",
}


@dataclass(frozen=True)
class Outcome:
    """What one call of gpg gave; `status` holds its machine-readable lines."""

    code: int
    out: bytes
    err: str
    status: str

    @property
    def good_signer(self) -> str:
        """The fingerprint of the primary key whose signature was good, or ""."""
        for line in self.status.splitlines():
            if line.startswith("[GNUPG:] VALIDSIG"):
                return line.split()[-1]
        return ""


class GpgError(Exception):
    """gpg ended with another status than 0; the text is what it said."""


class Gnupg:
    """A gpg with its own home, keys and agent; `close` ends the agent and forgets all."""

    def __init__(self) -> None:
        # Short: the agent's socket lies in it, and may have 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="g-", dir="/tmp"))
        self._env = {**os.environ, "GNUPGHOME": str(self.folder), "LANG": "C.UTF-8"}
        settings = (
            "allow-loopback-pinentry\nmax-cache-ttl 0\ndefault-cache-ttl 0\ns2k-count 1048576\n"
        )
        (self.folder / "gpg-agent.conf").write_text(settings)

    @staticmethod
    def version() -> tuple[int, ...]:
        """Return the version, () when there is no gpg."""
        if shutil.which("gpg") is None:
            return ()
        out = subprocess.run(["gpg", "--version"], capture_output=True, check=True).stdout
        return tuple(int(part) for part in out.split()[2].split(b"-")[0].split(b"."))

    def ask(self, *args: str, data: bytes = b"", passphrase: str = "") -> Outcome:
        """Run one command over octets; what becomes of it is the answer."""
        status = self.folder / "status"
        done = self._call("--status-file", str(status), *args, data=data, passphrase=passphrase)
        error = done.stderr.decode(errors="replace")
        return Outcome(done.returncode, done.stdout, error, status.read_text(errors="replace"))

    def run(self, *args: str, data: bytes = b"", passphrase: str = "") -> bytes:
        """Run a command that has to succeed and return what it writes; GpgError when it fails."""
        done = self._call(*args, data=data, passphrase=passphrase)
        if done.returncode:
            raise GpgError(done.stderr.decode(errors="replace"))
        return done.stdout

    def _call(self, *args: str, data: bytes, passphrase: str) -> subprocess.CompletedProcess[bytes]:
        sealed = self.folder / "passphrase"
        sealed.write_bytes(passphrase.encode())
        command = ["gpg", *_ALWAYS, "--passphrase-file", str(sealed), *args]
        return subprocess.run(
            command, input=data, capture_output=True, env=self._env, check=False, timeout=100
        )

    def add(self, block: bytes, passphrase: str = "") -> None:
        """Take keys into its home."""
        self.run("--import", data=block, passphrase=passphrase)

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
            adding = ("--quick-add-key", fingerprint, subkey, "encr", "0")
            self.run(*clock, *adding, passphrase=passphrase)
        return fingerprint

    def generate_form(
        self, form: str, user: str, *, passphrase: str = "", expires: str = "0"
    ) -> None:
        """Make a key of one of the forms for `Name <address>`, in one go."""
        name, _, address = user.partition(" <")
        lines = f"{_FORMS[form]}Name-Real: {name}\nName-Email: {address.rstrip('>')}\n"
        lines += f"Expire-Date: {expires}\n" + ("" if passphrase else "%no-protection\n")
        self.run("--gen-key", data=f"{lines}%commit\n".encode(), passphrase=passphrase)

    def public(self, who: str, *, armor: bool = False) -> bytes:
        """Return a public block."""
        return self.run(*(["--armor"] if armor else []), "--export", who)

    def private(self, who: str, *, passphrase: str = "") -> bytes:
        """Return a private block, armored."""
        return self.run("--armor", "--export-secret-keys", who, passphrase=passphrase)

    def encrypt(self, data: bytes, *to: str, options: tuple[str, ...] = ("--armor",),
                passphrase: str = "") -> bytes:  # fmt: skip
        """Return a message to some; the options may ask for anything else."""
        names = [part for who in to for part in ("--recipient", who)]
        return self.run(*options, *names, "--encrypt", data=data, passphrase=passphrase)

    def decrypt(self, message: bytes, passphrase: str = "") -> Outcome:
        """Open a message as far as gpg lets it be opened."""
        return self.ask("--decrypt", data=message, passphrase=passphrase)

    def verify(self, data: bytes, signature: bytes) -> Outcome:
        """Check a detached signature."""
        kept = self.folder / "signature"
        kept.write_bytes(signature)
        return self.ask("--verify", str(kept), "-", data=data)

    def close(self) -> None:
        """End the agent, forget the keys."""
        command = ["gpgconf", "--kill", "all"]
        subprocess.run(command, env=self._env, check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
