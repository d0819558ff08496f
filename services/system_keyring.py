"""The desktop's keyring, asked with a time limit and only when it really keeps secrets.

Closes three traps (research/crypto.md §6). A locked keyring on a desktop that nobody looks at blocks
for ever: every call runs in a daemon thread with a limit, because a thread of asyncio would hold the
program's exit as well. Backends that keep nothing, store base64 or ask on our terminal: only five
modules are allowed, and the chain is unwrapped. A backend that forgets what it was given: what is
written is read back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, TypeVar, cast

from services.errors import SecretStoreError
from services.redact import Secret

SERVICE: Final = "agentmail-tui"
LONGEST: Final = 1_200
"""Characters; Windows keeps 1280."""
SECONDS: Final = 5.0

_ALLOWED: Final = {
    "keyring.backends.SecretService": "the desktop keyring (Secret Service)",
    "keyring.backends.libsecret": "the desktop keyring (libsecret)",
    "keyring.backends.kwallet": "KWallet",
    "keyring.backends.macOS": "the macOS keychain",
    "keyring.backends.Windows": "the Windows credential store",
}
_CHAINER: Final = "keyring.backends.chainer"

T = TypeVar("T")


class Backend(Protocol):
    """What is used of a keyring backend."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


@dataclass(frozen=True, slots=True)
class KeyringState:
    """Whether a keyring can be used, and a sentence about it for a person."""

    usable: bool
    sentence: str


class _Outcome:
    """Keeps what a block raised; a third party's backend may raise anything at all."""

    def __init__(self) -> None:
        self.failure = ""

    def __enter__(self) -> _Outcome:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        # The type's name only: a message or a traceback could hold the secret.
        self.failure = "" if kind is None else kind.__name__
        return True


def installed_backend() -> Backend:
    """Return the backend that the keyring library chose. Costs 0.1 s the first time."""
    import keyring

    backend: Backend = keyring.get_keyring()
    return backend


class SystemKeyring:
    """The allow-listed keyring of this desktop. SecretStoreError says why one cannot be used."""

    def __init__(
        self, find_backend: Callable[[], Backend] = installed_backend, seconds: float = SECONDS
    ) -> None:
        self._find_backend = find_backend
        self._seconds = seconds
        self._hangs = False

    def get(self, key: str) -> Secret | None:
        """Return the secret kept under `key`, None when there is none."""

        def read() -> Secret | None:
            kept = self._backend().get_password(SERVICE, key)
            return Secret(kept) if kept else None

        return self._limited(read)

    def put(self, key: str, secret: Secret) -> str:
        """Keep a secret, read it back, and return the name of the keyring that has it."""
        if len(secret.reveal()) > LONGEST:
            raise SecretStoreError(f"The secret is longer than a keyring keeps ({LONGEST}).")

        def write() -> str:
            backend = self._backend()
            backend.set_password(SERVICE, key, secret.reveal())
            if backend.get_password(SERVICE, key) != secret.reveal():
                raise SecretStoreError("The keyring did not keep what it was given.")
            return _ALLOWED[type(backend).__module__]

        return self._limited(write)

    def remove(self, key: str) -> None:
        """Remove a secret; nothing happens when there is none."""

        def delete() -> None:
            backend = self._backend()
            if backend.get_password(SERVICE, key) is not None:
                backend.delete_password(SERVICE, key)

        self._limited(delete)

    def state(self, key: str = "state") -> KeyringState:
        """Try to read and tell whether this keyring can be used; never raises."""

        def probe() -> str:
            backend = self._backend()
            backend.get_password(SERVICE, key)
            return _ALLOWED[type(backend).__module__]

        try:
            return KeyringState(True, f"{self._limited(probe)} answers")
        except SecretStoreError as error:
            return KeyringState(False, error.sentence)

    def _backend(self) -> Backend:
        backend = self._find_backend()
        chain = getattr(backend, "backends", ()) if _module(backend) == _CHAINER else (backend,)
        for candidate in chain:
            if _module(candidate) in _ALLOWED:
                return cast("Backend", candidate)
        raise SecretStoreError("No keyring that keeps secrets safely was found here.")

    def _limited(self, call: Callable[[], T]) -> T:
        """Run a call in a daemon thread, at most `seconds` long."""
        if self._hangs:
            raise SecretStoreError("The keyring did not answer before and is left alone.")
        results: list[T] = []
        refusals: list[SecretStoreError] = []
        outcome = _Outcome()

        def work() -> None:
            with outcome:
                try:
                    results.append(call())
                except SecretStoreError as error:
                    refusals.append(error)

        thread = threading.Thread(target=work, name="keyring", daemon=True)
        thread.start()
        thread.join(self._seconds)
        if thread.is_alive():
            self._hangs = True
            raise SecretStoreError(
                f"The keyring did not answer within {self._seconds:g} seconds.",
                "It may wait for a password on a desktop: unlock it there.",
            )
        if refusals:
            raise SecretStoreError(refusals[0].sentence, refusals[0].next_step)
        if not results:
            raise SecretStoreError(
                f"The keyring cannot be used ({outcome.failure}).", "It may be locked: unlock it."
            )
        return results[0]


def _module(backend: object) -> str:
    return type(backend).__module__
