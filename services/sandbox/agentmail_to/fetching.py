"""Fetches the attachments that a request names by link, before it is handled (§3 SendAttachment).

Closes the trap of a sandbox that reaches out: only loopback hosts are asked, a redirect included,
and never with anybody's key. What cannot be fetched stays a link and is refused with the mail.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, Final

from services.sandbox.agentmail_to.bodies import SendAttachment

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})
_LIMIT: Final = 30 * 2**20
"""Bytes of all linked files of one mail (§9)."""
_HOPS: Final = 3
_PATIENCE: Final = 10.0


async def fetch_links(body: Any) -> None:
    """Replace links by contents in a request body that has attachments."""
    files = [*_files(body, "attachments"), *_files(body, "add_attachments")]
    left = _LIMIT
    for file in files:
        if file.url is not None and file.content is None:
            data = await _fetch(file.url, left)
            if data is not None:
                left -= len(data)
                file.url, file.content = None, base64.b64encode(data).decode()


def _files(body: Any, name: str) -> Iterable[SendAttachment]:
    return getattr(body, name, None) or ()


async def _fetch(url: str, limit: int) -> bytes | None:
    import httpx

    async with httpx.AsyncClient(trust_env=False, timeout=_PATIENCE) as client:
        for _ in range(_HOPS):
            try:
                where = httpx.URL(url)
                if where.scheme != "http" or where.host not in _LOOPBACK:
                    return None
                answer = await client.get(where)
            except (httpx.HTTPError, httpx.InvalidURL):
                return None
            if answer.has_redirect_location:
                url = str(where.join(answer.headers["location"]))
                continue
            good = answer.is_success and len(answer.content) <= limit
            return answer.content if good else None
    return None
