"""FakeKeyring and its bad relatives: keyring backends that look installed."""

from __future__ import annotations

import threading

ALLOWED_MODULE = "keyring.backends.SecretService"


class FakeKeyring:
    """Keeps secrets in a dict and claims to be the Secret Service."""

    __module__ = ALLOWED_MODULE

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class FakeForgetful(FakeKeyring):
    """Takes everything and keeps nothing, as the null backend does."""

    __module__ = ALLOWED_MODULE

    def set_password(self, service: str, username: str, password: str) -> None:
        return None


class FakeLocked(FakeKeyring):
    """Raises what a locked keyring raises, with the secret in the message."""

    __module__ = ALLOWED_MODULE

    def get_password(self, service: str, username: str) -> str | None:
        raise OSError("prompt dismissed for tok-canary-9d1f")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise OSError(f"prompt dismissed for {password}")


class FakeHanging(FakeKeyring):
    """Blocks until released, as a prompt on a screen that nobody looks at."""

    __module__ = ALLOWED_MODULE

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()
        self.calls = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.calls += 1
        self.release.wait(60)
        return None


class FakePlaintext(FakeKeyring):
    """A backend that is not on the list: base64 in a file."""

    __module__ = "keyrings.alt.file"


class FakeChainer:
    """The chain of several backends that keyring makes when there are several."""

    __module__ = "keyring.backends.chainer"

    def __init__(self, *backends: FakeKeyring) -> None:
        self.backends = list(backends)
