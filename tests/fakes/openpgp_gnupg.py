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


class Gnupg:
    """A gpg with its own home, keys and agent; `close` ends the agent and forgets all."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="g-"))  # short: the agent's socket lies in it
        self._env = {**os.environ, "GNUPGHOME": str(self._home), "LANG": "C.UTF-8"}
        settings = (
            "allow-loopback-pinentry\nmax-cache-ttl 0\ndefault-cache-ttl 0\ns2k-count 1048576\n"
        )
        (self._home / "gpg-agent.conf").write_text(settings)

    @staticmethod
    def version() -> tuple[int, ...]:
        """Return the version, () when there is no gpg."""
        if shutil.which("gpg") is None:
            return ()
        out = subprocess.run(["gpg", "--version"], capture_output=True, check=True).stdout
        return tuple(int(part) for part in out.split()[2].split(b"-")[0].split(b"."))

    def run(self, *args: str, data: bytes = b"", passphrase: str = "") -> Outcome:
        """Run one command over octets."""
        sealed = self._home / "passphrase"
        sealed.write_bytes(passphrase.encode())
        status = self._home / "status"
        command = ["gpg", *_ALWAYS, "--passphrase-file", str(sealed), "--status-file", str(status)]
        done = subprocess.run(
            [*command, *args], input=data, capture_output=True, env=self._env, check=False
        )
        error = done.stderr.decode(errors="replace")
        return Outcome(done.returncode, done.stdout, error, status.read_text(errors="replace"))

    def must(self, *args: str, data: bytes = b"", passphrase: str = "") -> bytes:
        """Run a command that has to succeed and return what it writes."""
        done = self.run(*args, data=data, passphrase=passphrase)
        assert done.code == 0, done.err
        return done.out

    def add(self, block: bytes, passphrase: str = "") -> None:
        """Take keys into its home."""
        self.must("--import", data=block, passphrase=passphrase)

    def generate(self, form: str, user: str, *, passphrase: str = "", expires: str = "0") -> None:
        """Make a key of one of the forms for `Name <address>`."""
        name, _, address = user.partition(" <")
        lines = f"{_FORMS[form]}Name-Real: {name}\nName-Email: {address.rstrip('>')}\n"
        lines += f"Expire-Date: {expires}\n" + ("" if passphrase else "%no-protection\n")
        self.must("--gen-key", data=f"{lines}%commit\n".encode(), passphrase=passphrase)

    def public(self, who: str) -> bytes:
        """Return a public block, armored."""
        return self.must("--armor", "--export", who)

    def secret(self, who: str, passphrase: str = "") -> bytes:
        """Return a private block, armored."""
        return self.must("--armor", "--export-secret-keys", who, passphrase=passphrase)

    def encrypt(self, data: bytes, *to: str, options: tuple[str, ...] = ("--armor",),
                passphrase: str = "") -> bytes:  # fmt: skip
        """Return a message to some; the options may ask for anything else."""
        names = [part for who in to for part in ("--recipient", who)]
        return self.must(*options, *names, "--encrypt", data=data, passphrase=passphrase)

    def decrypt(self, message: bytes, passphrase: str = "") -> Outcome:
        """Open a message as far as gpg lets it be opened."""
        return self.run("--decrypt", data=message, passphrase=passphrase)

    def verify(self, data: bytes, signature: bytes) -> Outcome:
        """Check a detached signature."""
        kept = self._home / "signature"
        kept.write_bytes(signature)
        return self.run("--verify", str(kept), "-", data=data)

    def close(self) -> None:
        """End the agent, forget the keys."""
        command = ["gpgconf", "--kill", "all"]
        subprocess.run(command, env=self._env, check=False, capture_output=True)
        shutil.rmtree(self._home, ignore_errors=True)
