"""The one table of AgentMail.to operations, and the second one of those that make mail leave.

Closes two traps. An id that is a word of the service (`search`, `send`) and so leads to another
operation: such ids are refused by the table itself. And a client that can send by accident: what
sends is not in the table that the mailbox uses. Source: api/agentmail_to.md §4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from services.api import url_paths
from services.api.agentmail_to import wire
from services.api.url_paths import Method


@dataclass(frozen=True, slots=True)
class V0Route:
    """One operation, its path below `/v0`; `taken` are words that an id must not be."""

    name: str
    method: Method
    path: str
    request: type | None = None
    query: type | None = None
    taken: Mapping[str, frozenset[str]] = field(default_factory=dict)
    auth: bool = True

    def url_path(self, **ids: str | int) -> str:
        """Return the path with the ids percent-encoded; UsageError for one that cannot be asked."""
        return url_paths.filled(self.path, ids, self.taken)


_INBOX: Final = "/inboxes/{inbox_id}"
_MESSAGES: Final = f"{_INBOX}/messages"
_MESSAGE: Final = f"{_MESSAGES}/{{message_id}}"
_THREADS: Final = f"{_INBOX}/threads"
_THREAD: Final = f"{_THREADS}/{{thread_id}}"
_DRAFTS: Final = f"{_INBOX}/drafts"
_DRAFT: Final = f"{_DRAFTS}/{{draft_id}}"
_LIST: Final = "/lists/{direction}/{type}"

_Row = tuple[str, Method, str, type | None, type | None]
"""Name, method, path, body, query."""

_READ_AND_CHANGE: Final[tuple[_Row, ...]] = (
    ("auth_me", "GET", "/auth/me", None, None),
    ("get_organization", "GET", "/organizations", None, None),
    ("list_inboxes", "GET", "/inboxes", None, wire.OrderedPage),
    ("search_inboxes", "GET", "/inboxes/search", None, wire.InboxesSearch),
    ("get_inbox", "GET", _INBOX, None, None),
    ("update_inbox", "PATCH", _INBOX, wire.InboxPatch, None),
    ("list_messages", "GET", _MESSAGES, None, wire.MessagesQuery),
    ("search_messages", "GET", f"{_MESSAGES}/search", None, wire.SearchQuery),
    ("batch_get_messages", "POST", f"{_MESSAGES}/batch-get", wire.BatchGet, None),
    ("batch_update_messages", "POST", f"{_MESSAGES}/batch-update", wire.BatchLabels, None),
    ("get_message", "GET", _MESSAGE, None, None),
    ("get_message_raw", "GET", f"{_MESSAGE}/raw", None, None),
    ("get_message_attachment", "GET", f"{_MESSAGE}/attachments/{{attachment_id}}", None, None),
    ("update_message", "PATCH", _MESSAGE, wire.LabelsPatch, None),
    ("delete_message", "DELETE", _MESSAGE, None, None),
    ("list_inbox_events", "GET", f"{_INBOX}/events", None, wire.OrderedPage),
    ("list_threads", "GET", _THREADS, None, wire.ThreadsQuery),
    ("search_threads", "GET", f"{_THREADS}/search", None, wire.SearchQuery),
    ("get_thread", "GET", _THREAD, None, wire.Page),
    ("get_thread_attachment", "GET", f"{_THREAD}/attachments/{{attachment_id}}", None, None),
    ("update_thread", "PATCH", _THREAD, wire.LabelsPatch, None),
    ("delete_thread", "DELETE", _THREAD, None, None),
    ("list_drafts", "GET", _DRAFTS, None, wire.Span),
    ("get_draft", "GET", _DRAFT, None, None),
    ("get_draft_attachment", "GET", f"{_DRAFT}/attachments/{{attachment_id}}", None, None),
    ("create_draft", "POST", _DRAFTS, wire.NewDraft, None),
    ("update_draft", "PATCH", _DRAFT, wire.DraftPatch, None),
    ("delete_draft", "DELETE", _DRAFT, None, None),
    ("list_entries", "GET", f"{_INBOX}{_LIST}", None, wire.Page),
    ("get_entry", "GET", f"{_INBOX}{_LIST}/{{entry}}", None, None),
    ("create_entry", "POST", f"{_INBOX}{_LIST}", wire.NewEntry, None),
    ("delete_entry", "DELETE", f"{_INBOX}{_LIST}/{{entry}}", None, None),
    ("list_organization_entries", "GET", _LIST, None, wire.Page),
    ("create_organization_entry", "POST", _LIST, wire.NewEntry, None),
    ("delete_organization_entry", "DELETE", f"{_LIST}/{{entry}}", None, None),
)
_SENDING: Final[tuple[_Row, ...]] = (
    ("send_message", "POST", f"{_MESSAGES}/send", wire.SendBody, None),
    ("reply_message", "POST", f"{_MESSAGE}/reply", wire.ReplyBody, None),
)
"""Not in any table: reply-all, forward and the sending of drafts, whose recipients or texts are the
service's to choose (api/agentmail_to.md §13)."""
_UNUSED_WORDS: Final = (f"{_MESSAGE}/reply-all", f"{_MESSAGE}/forward", f"{_DRAFT}/send")


def _taken(paths: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Return for each id the words that stand in its place in some other path."""
    split = [path.split("/") for path in paths]
    found: dict[str, set[str]] = {}
    for parts in split:
        for at, part in enumerate(parts):
            if part.startswith("{"):
                before = parts[:at]
                words = {o[at] for o in split if len(o) > at and o[:at] == before}
                found.setdefault(part.strip("{}"), set()).update(
                    word for word in words if not word.startswith("{")
                )
    return MappingProxyType({name: frozenset(words) for name, words in found.items()})


_TAKEN: Final = _taken([*(row[2] for row in (*_READ_AND_CHANGE, *_SENDING)), *_UNUSED_WORDS])


def _table(rows: Iterable[_Row]) -> Mapping[str, V0Route]:
    return MappingProxyType({row[0]: V0Route(*row, taken=_TAKEN) for row in rows})


ROUTES: Final = _table(_READ_AND_CHANGE)
"""What a mailbox may ask for; nothing in it makes mail leave."""
SEND_ROUTES: Final = _table(_SENDING)
"""What the sending gate may ask for."""
