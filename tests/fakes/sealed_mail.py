"""Encrypted mail in the shapes that senders write it: vendor's, other encodings, PGP/MIME, HTML."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage

from services.crypto.certs import PeerKey
from services.crypto.messages import encrypt
from services.crypto.own import UnlockedKey

SENDER = "ann@example.org"


def armor(text: str | bytes, *keys: PeerKey, sign_with: UnlockedKey | None = None) -> str:
    """A message to these keys."""
    return encrypt(text, keys, sign_with=sign_with).decode("ascii")


def mail(body: str, *, cte: str = "7bit", sender: str = f"Ann <{SENDER}>", **headers: str) -> bytes:
    """The vendor's shape: armor as the text/plain body (api/assmbl.md §7.3)."""
    message = _message(sender, headers)
    message.set_content(body, cte=cte)
    return message.as_bytes()


def parts(*bodies: tuple[str, str], subtype: str = "mixed") -> bytes:
    """A multipart of (content subtype, text) pairs, each 7bit."""
    lines = [
        f"From: Ann <{SENDER}>", "To: me@example.org", "Subject: t", "MIME-Version: 1.0",
        f'Content-Type: multipart/{subtype}; boundary="edge"', "",
    ]  # fmt: skip
    for kind, text in bodies:
        lines += ["--edge", f"Content-Type: text/{kind}; charset=utf-8", "", text]
    return (
        "\r\n".join([*lines, "--edge--", ""]).replace("\r\n", "\n").replace("\n", "\r\n").encode()
    )


def pgp_mime(block: str, *, encoding: str = "7bit") -> bytes:
    """RFC 3156: a control part and the ciphertext."""
    import base64

    octets = block.encode()
    if encoding == "base64":
        octets = base64.encodebytes(octets)
    lines = (
        f"From: Ann <{SENDER}>\nTo: me@example.org\nSubject: ...\nMIME-Version: 1.0\n"
        'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="edge"\n'
        "\n--edge\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n"
        '\n--edge\nContent-Type: application/octet-stream; name="encrypted.asc"\n'
        f"Content-Transfer-Encoding: {encoding}\n\n"
    )
    return (lines.encode() + octets + b"\n--edge--\n").replace(b"\n", b"\r\n")


def _message(sender: str, headers: dict[str, str]) -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = sender
    message["To"] = "me@example.org"
    message["Subject"] = headers.pop("subject", "t")
    message["X-AgentMail-Encrypted"] = "body"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return message
