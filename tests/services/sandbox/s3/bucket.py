"""What tests of the object store share: its door, a clock of ours, requests octet by octet."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

import httpx

from services.sandbox.presign import Signer

FORM_LIMIT = 2 * 2**20
START = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@dataclass
class Bucket:
    signer: Signer
    clock: Clock
    http: httpx.Client
    counter: int = 0

    def form(self, max_bytes: int = 1_000, ttl: float = 60, key: str = "") -> dict[str, str]:
        self.counter += 1
        return self.signer.presigned_post(
            key or f"uploads/a/{self.counter}-x.bin", "text/csv", max_bytes, ttl
        )

    def post(self, form: dict[str, str], data: bytes = b"a,b\n", **headers: str) -> httpx.Response:
        fields = {name: value for name, value in form.items() if name != "url"}
        return self.http.post(form["url"], data=fields, files={"file": data}, headers=headers)

    def stored(self, data: bytes) -> str:
        form = self.form(len(data))
        assert self.post(form, data).status_code == 204
        return form["key"]


def code_of(response: httpx.Response) -> str:
    assert response.headers["content-type"].startswith("application/xml")
    found = re.search(r"<Error><Code>(\w+)</Code><Message>", response.text)
    assert found, response.text
    return found[1]


def raw_exchange(bucket: Bucket, data: bytes) -> bytes:
    host, port = bucket.signer.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(data)
        wire.shutdown(socket.SHUT_WR)
        out = b""
        while piece := wire.recv(65_536):
            out += piece
        return out
