"""The drafts that lie on AgentMail.to: listed, read, unscheduled, deleted; sent by nobody here.

Closes two traps. `drafts/{id}/send` would send what lies there at that moment, HTML included, and not
what was approved: that call does not exist in this client. And a draft made to be too much for its
reader: what is read of one is bounded, and whatever is more says so. Source: api/agentmail_to.md §4.4,
§6, §13 rule 3.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from services.api.agentmail_to import codec
from services.api.agentmail_to.paging import pages
from services.api.codec import received_at
from services.errors import BadAnswer, NotFound

if TYPE_CHECKING:
    from services.api.agentmail_to.client import AgentMailToClient

MOST_DRAFTS: Final = 10_000
"""Drafts of one inbox that are looked at, the last changed first."""
LARGEST_TEXT: Final = 1_000_000
"""Characters of a draft's text or HTML."""
LARGEST_DRAFT: Final = 16 * 1024 * 1024
"""Bytes of the JSON of one draft."""
MOST_ADDRESSES: Final = 50
"""To, cc and bcc together (§9)."""
_MOST_FILES: Final = 100
_MOST_REFERENCES: Final = 100
_LONGEST_ID: Final = 256
_LONGEST_VERSION: Final = 64
REFUSED_LABEL: Final = "refused"


@dataclass(frozen=True, slots=True)
class ServerDraftHead:
    """One draft of the list; `version` changes whenever the draft does."""

    draft_id: str
    version: str
    """`updated_at` as the service wrote it."""


@dataclass(frozen=True, slots=True)
class DraftPage:
    """One page of the list; `unnamed` entries have an id or a time that nothing here can name."""

    heads: tuple[ServerDraftHead, ...]
    unnamed: int = 0


@dataclass(frozen=True, slots=True)
class ServerFile:
    """A file of a draft; `size` in bytes, -1 when unknown."""

    attachment_id: str
    name: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class ServerDraft:
    """A whole draft, raw; `send_at` in seconds since the epoch, 0 for none."""

    head: ServerDraftHead
    send_status: str = ""
    """`scheduled`, `sending`, `failed`, a word of tomorrow, or ""."""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    subject: str = ""
    text: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    files: tuple[ServerFile, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    forward_of: str = ""
    send_at: int = 0
    is_too_much: bool = False
    """It holds more than is read of one: nothing of it can be sent from here."""


class RemoteDrafts:
    """The drafts of one inbox."""

    def __init__(self, client: AgentMailToClient) -> None:
        self._client = client

    async def pages(self, *, labels: Sequence[str] = ()) -> AsyncIterator[DraftPage]:
        """Yield the list page by page, the last changed first; raises ServiceError.

        `labels`: only the drafts that have all of them.
        """
        exchange, ids = self._client.exchange, {"inbox_id": self._client.inbox_id}
        query = {"labels": list(labels)} if labels else None
        async for page in pages(exchange, "list_drafts", "drafts", ids=ids, query=query):
            heads = tuple(head for entry in page if (head := _head(entry)) is not None)
            yield DraftPage(heads, len(page) - len(heads))

    async def get(self, draft_id: str) -> ServerDraft:
        """Return one draft; NotFound when it was sent or deleted, other ServiceErrors."""
        exchange, inbox_id = self._client.exchange, self._client.inbox_id
        ids = {"inbox_id": inbox_id, "draft_id": draft_id}
        told = await exchange.call("get_draft", ids=ids, largest=LARGEST_DRAFT)
        return _draft(draft_id, told)

    async def unschedule(self, draft_id: str, *, labels: Sequence[str] = ()) -> ServerDraft:
        """Keep the service from sending it by itself; NotFound, Conflict when it leaves just now."""
        body = {"add_labels": list(labels) or None}
        told = await self._client.call(
            "update_draft", ids={"draft_id": draft_id}, body=body, cleared=("send_at",)
        )
        return _draft(draft_id, told)

    async def delete(self, draft_id: str) -> bool:
        """Delete it; False when it was gone already. Conflict when it leaves just now."""
        try:
            await self._client.call("delete_draft", ids={"draft_id": draft_id})
        except NotFound as error:
            # After a lost answer, "not there" is what a deletion that worked looks like.
            return error.uncertain
        return True

    async def download(
        self, draft_id: str, file: ServerFile, descriptor: int, *, largest: int
    ) -> None:
        """Fetch a file of a draft into a descriptor open for writing; raises ServiceError.

        BadAnswer when it has more than `largest` bytes.
        """
        await self._client.attachments.download_draft_file(
            draft_id, file.attachment_id, descriptor, largest=largest
        )


def _head(entry: codec.Fields) -> ServerDraftHead | None:
    draft_id, version = codec.text(entry.get("draft_id")), codec.text(entry.get("updated_at"))
    if not draft_id or len(draft_id) > _LONGEST_ID or len(version) > _LONGEST_VERSION:
        return None
    return ServerDraftHead(draft_id, version)


def _draft(draft_id: str, data: object) -> ServerDraft:
    fields = codec.mapping(data, "a draft")
    head = _head(fields)
    if head is None or head.draft_id != draft_id:
        raise BadAnswer("The service sent another draft than the one that was asked for.")
    when = fields.get("send_at")
    if when and not received_at(when):
        # Taken for none, it would leave at once from here, and at its time from there.
        raise BadAnswer("The time at which this draft is to be sent cannot be read.")
    lists = {name: codec.texts(fields.get(name)) for name in ("to", "cc", "bcc", "reply_to")}
    files, references = _files(fields), codec.texts(fields.get("references"))
    text, html = codec.text(fields.get("text")), codec.text(fields.get("html"))
    is_too_much = (
        len(text) > LARGEST_TEXT
        or len(html) > LARGEST_TEXT
        or len(files) > _MOST_FILES
        or sum(map(len, lists.values())) > MOST_ADDRESSES
    )
    return ServerDraft(
        head,
        send_status=codec.text(fields.get("send_status")),
        subject=codec.text(fields.get("subject")),
        text="" if is_too_much else text,
        html="" if is_too_much else html,
        files=() if is_too_much else files,
        in_reply_to=codec.text(fields.get("in_reply_to")),
        references=references[-_MOST_REFERENCES:],
        forward_of=codec.text(fields.get("forward_of")),
        send_at=received_at(when),
        is_too_much=is_too_much,
        **({} if is_too_much else lists),
    )


def _files(fields: codec.Fields) -> tuple[ServerFile, ...]:
    listed: Any = fields.get("attachments")
    return tuple(
        ServerFile(
            codec.text(entry.get("attachment_id")),
            codec.text(entry.get("filename")),
            codec.text(entry.get("content_type")),
            size if isinstance(size := entry.get("size"), int) else -1,
        )
        for entry in (listed if isinstance(listed, list) else ())
        if isinstance(entry, dict)
    )
