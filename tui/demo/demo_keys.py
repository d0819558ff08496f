"""What the demo has of encryption: an own key, three peers in the directory, a few encrypted mails.

Closes the trap of a demo that shows encrypted mail which nobody can open. Everything is made anew for
each demo (keys of 2,048 bits, for speed) and is gone with it. Runs before the app is opened: the keys
have to be there when it asks for them.
"""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Final

from services.crypto.messages import encrypt
from services.crypto.own import OwnKey
from services.errors import CryptoError
from services.redact import Secret
from tui.demo.demo_calls import asked

if TYPE_CHECKING:
    from services.keys.keychain import Keychain

PASSPHRASE: Final = "demo"  # noqa: S105 - it protects nothing, and the demo tells it
_BITS: Final = 2048
_PEERS: Final = ("research", "billing", "csv-worker")
_HOUR: Final = 3_600
_GUIDE: Final = f"""\
Some of the mail in this demo is encrypted to a key that was made for you just now.

Its passphrase is: {PASSPHRASE}

Press Enter on a mail with a square in front of its name and type the passphrase; g k shows your
key and those of your peers. The key of csv-worker has changed since it was pinned: look it up
there with r, and see what happens. Everything is gone when you quit.
"""
_FINDINGS: Final = """\
The two suppliers in column F have the same owner since March.
Please keep that between us until the contract is signed.
"""
_INVOICE: Final = """\
Invoice 4821 goes to the new account. I sign my mail, so you can tell that it was me.
"""
_NOT_YOURS: Final = "This was never meant for you."


@dataclass(frozen=True, slots=True)
class Furnisher:
    """Puts keys and mail into a demo's sandbox; `token` is the demo agent's own."""

    base_url: str
    agent_id: str
    address: str
    token: str

    def furnish(self, chain: Keychain) -> None:
        """Make the keys, publish them, pin the peers, deliver the mails. Takes a second or two."""
        mine = OwnKey.generate(self.agent_id, self.address, Secret(PASSPHRASE), bits=_BITS)
        chain.own_keys.keep(mine)
        self._publish(mine, self.token)
        keys = {name: self._peer(name) for name in _PEERS}
        former = OwnKey.generate("csv-worker", self._address("csv-worker"), None, bits=_BITS)
        for name, key in {**keys, "csv-worker": former}.items():
            chain.book.check(self._address(name), key.public)
        verified = keys["research"].fingerprint
        chain.book.verify(self._address("research"), verified, "by voice")
        self._mail("guide", "How to open the encrypted mail of this demo", _GUIDE, ago=60)
        self._deliver(mine, keys)

    def _deliver(self, mine: OwnKey, keys: dict[str, OwnKey]) -> None:
        research, billing = keys["research"], keys["billing"]
        sealed = encrypt(_FINDINGS, [mine.public, research.public]).decode()
        self._mail("research", "Supplier risk, for your eyes only", sealed, ago=120)
        signed = encrypt(_INVOICE, [mine.public], sign_with=billing.unlock(None)).decode()
        body = f"{signed}\n-- \nThis line stands outside of the encrypted block.\n"
        self._mail("billing", "New account for invoice 4821", body, ago=240)
        other = encrypt(_NOT_YOURS, [research.public]).decode()
        self._mail("billing", "Meant for somebody else", other, ago=26 * _HOUR)

    def _address(self, name: str) -> str:
        return f"{name}@{self.address.partition('@')[2]}"

    def _peer(self, name: str) -> OwnKey:
        known = {one["agent_id"]: one for one in self._call("GET", "/_sandbox/agents")["agents"]}
        about = known.get(name) or self._call("POST", "/_sandbox/agents", {"agent_id": name})
        key = OwnKey.generate(name, self._address(name), None, bits=_BITS)
        self._publish(key, about["token"])
        return key

    def _publish(self, key: OwnKey, token: str) -> None:
        entry = {
            "public_key": key.spki_pem(),
            "algorithm": "RSA",
            "key_version": 1,
            "openpgp_public_key": key.public_block(),
        }
        self._call("POST", "/directory/register", entry, token)

    def _mail(self, name: str, subject: str, text: str, *, ago: int) -> None:
        mail = EmailMessage()
        mail["From"] = f"{name} <{self._address(name)}>"
        mail["To"] = self.address
        mail["Subject"] = subject
        if "BEGIN PGP MESSAGE" in text:
            mail["X-AgentMail-Encrypted"] = "body"
        mail.set_content(text)
        body = {
            "agent_id": self.agent_id,
            "raw_base64": base64.b64encode(mail.as_bytes()).decode(),
            "verified": True,
            "received_at": int(time.time()) - ago,
        }
        self._call("POST", "/_sandbox/mail", body)

    def _call(self, method: str, path: str, body: object = None, token: str = "") -> Any:
        return asked(self.base_url, method, path, body, token)


def furnish(base_url: str, agent_id: str, address: str, token: str, chain: Keychain) -> bool:
    """Furnish a demo; False when it must go on without encryption."""
    try:
        Furnisher(base_url, agent_id, address, token).furnish(chain)
    except (OSError, CryptoError):
        return False
    return True
