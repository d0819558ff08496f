"""What the tests of the Assmbl client put into the service and read back."""

from __future__ import annotations

import base64
from typing import BinaryIO

PEM = (
    "-----BEGIN PUBLIC KEY-----\n"
    + base64.b64encode(bytes.fromhex("302a300506032b6570032100") + bytes(range(32))).decode()
    + "\n-----END PUBLIC KEY-----\n"
)
MAIL = "From: a@b.example\nTo: x@y.example\nSubject: {}\n\nbody of {}\n"


def content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()
