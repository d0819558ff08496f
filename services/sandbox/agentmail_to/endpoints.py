"""The operations of `/v0`: method, path, permission, body, handler.

Closes the trap of a literal segment that is taken for an id: the more literal path wins, so that
`search` is never a message.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from services.sandbox.agentmail_to import (
    bodies,
    draft_calls,
    inbox_calls,
    list_calls,
    message_calls,
    thread_calls,
)
from services.sandbox.agentmail_to.context import V0Handler
from services.sandbox.agentmail_to.failures import GatewayFailure
from services.sandbox.path_parts import decoded_parts, ids_in


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation; `permissions`: any of them is enough, none means that no one is needed."""

    name: str
    method: str
    segments: tuple[str, ...]
    handler: V0Handler
    permissions: tuple[str, ...] = ()
    body: type[Any] | None = None


_SCOPES: Final = (("", "/v0"), ("pod_", "/v0/pods/{pod_id}"), ("inbox_", "/v0/inboxes/{inbox_id}"))
_Row = tuple[str, str, str, V0Handler, str, type[Any] | None]

_ROOT: Final[tuple[_Row, ...]] = (
    ("auth_me", "GET", "/v0/auth/me", inbox_calls.auth_me, "", None),
    ("get_organization", "GET", "/v0/organizations", inbox_calls.get_organization, "", None),
    ("list_pods", "GET", "/v0/pods", inbox_calls.list_pods, "pod_read", None),
    ("create_pod", "POST", "/v0/pods", inbox_calls.create_pod, "pod_create", bodies.NewPod),
    ("get_pod", "GET", "/v0/pods/{pod_id}", inbox_calls.get_pod, "pod_read", None),
)
_INBOXES: Final[tuple[_Row, ...]] = (
    ("list_inboxes", "GET", "/inboxes", inbox_calls.list_inboxes, "inbox_read", None),
    ("search_inboxes", "GET", "/inboxes/search", inbox_calls.search_inboxes, "inbox_read", None),
    ("create_inbox", "POST", "/inboxes", inbox_calls.create_inbox, "inbox_create",
     bodies.NewInbox),
    ("get_inbox", "GET", "/inboxes/{inbox_id}", inbox_calls.get_inbox, "inbox_read", None),
    ("update_inbox", "PATCH", "/inboxes/{inbox_id}", inbox_calls.update_inbox, "inbox_update",
     bodies.InboxPatch),
    ("delete_inbox", "DELETE", "/inboxes/{inbox_id}", inbox_calls.delete_inbox, "inbox_delete",
     None),
)  # fmt: skip
_MESSAGE: Final = "/messages/{message_id}"
_MESSAGES: Final[tuple[_Row, ...]] = (
    ("list_messages", "GET", "/messages", message_calls.list_messages, "message_read", None),
    ("search_messages", "GET", "/messages/search", message_calls.search_messages, "message_read",
     None),
    ("send_message", "POST", "/messages/send", message_calls.send_message, "message_send",
     bodies.SendBody),
    ("batch_get_messages", "POST", "/messages/batch-get", message_calls.batch_get, "message_read",
     bodies.BatchGetBody),
    ("batch_update_messages", "POST", "/messages/batch-update", message_calls.batch_update,
     "message_update", bodies.BatchUpdateBody),
    ("get_message", "GET", _MESSAGE, message_calls.get_message, "message_read", None),
    ("update_message", "PATCH", _MESSAGE, message_calls.update_message, "message_update",
     bodies.LabelsBody),
    ("delete_message", "DELETE", _MESSAGE, message_calls.delete_message, "message_delete", None),
    ("get_message_raw", "GET", f"{_MESSAGE}/raw", message_calls.get_raw, "message_read", None),
    ("get_message_attachment", "GET", f"{_MESSAGE}/attachments/{{attachment_id}}",
     message_calls.get_attachment, "message_read", None),
    ("reply_message", "POST", f"{_MESSAGE}/reply", message_calls.reply_to_message,
     "message_send message_reply", bodies.ReplyBody),
    ("reply_all_message", "POST", f"{_MESSAGE}/reply-all", message_calls.reply_all_message,
     "message_send message_reply", bodies.ReplyAllBody),
    ("forward_message", "POST", f"{_MESSAGE}/forward", message_calls.forward_message,
     "message_send", bodies.SendBody),
    ("list_inbox_events", "GET", "/events", inbox_calls.list_events, "message_read", None),
    ("create_draft", "POST", "/drafts", draft_calls.create_draft, "draft_create",
     bodies.NewDraft),
    ("update_draft", "PATCH", "/drafts/{draft_id}", draft_calls.update_draft, "draft_update",
     bodies.DraftPatch),
    ("delete_draft", "DELETE", "/drafts/{draft_id}", draft_calls.delete_draft, "draft_delete",
     None),
    ("send_draft", "POST", "/drafts/{draft_id}/send", draft_calls.send_draft, "draft_send",
     bodies.LabelsBody),
)  # fmt: skip
_SCOPED: Final[tuple[_Row, ...]] = (
    ("list_threads", "GET", "/threads", thread_calls.list_threads, "message_read", None),
    ("search_threads", "GET", "/threads/search", thread_calls.search_threads, "message_read",
     None),
    ("get_thread", "GET", "/threads/{thread_id}", thread_calls.get_thread, "message_read", None),
    ("update_thread", "PATCH", "/threads/{thread_id}", thread_calls.update_thread,
     "message_update", bodies.ThreadLabelsBody),
    ("delete_thread", "DELETE", "/threads/{thread_id}", thread_calls.delete_thread,
     "message_delete", None),
    ("get_thread_attachment", "GET", "/threads/{thread_id}/attachments/{attachment_id}",
     thread_calls.get_thread_attachment, "message_read", None),
    ("list_drafts", "GET", "/drafts", draft_calls.list_drafts, "draft_read", None),
    ("get_draft", "GET", "/drafts/{draft_id}", draft_calls.get_draft, "draft_read", None),
    ("get_draft_attachment", "GET", "/drafts/{draft_id}/attachments/{attachment_id}",
     draft_calls.get_draft_attachment, "draft_read", None),
    ("list_entries", "GET", "/lists/{direction}/{type}", list_calls.list_entries,
     "list_entry_read", None),
    ("create_entry", "POST", "/lists/{direction}/{type}", list_calls.create_entry,
     "list_entry_create", bodies.NewEntry),
    ("get_entry", "GET", "/lists/{direction}/{type}/{entry}", list_calls.get_entry,
     "list_entry_read", None),
    ("delete_entry", "DELETE", "/lists/{direction}/{type}/{entry}", list_calls.delete_entry,
     "list_entry_delete", None),
    ("create_key", "POST", "/api-keys", inbox_calls.create_key, "api_key_create", bodies.NewKey),
    ("delete_key", "DELETE", "/api-keys/{api_key_id}", inbox_calls.delete_key, "api_key_delete",
     None),
)  # fmt: skip


def endpoints() -> Iterable[Endpoint]:
    """Yield every operation; its name begins with `v0_` in faults and in the list of requests."""
    for row in _ROOT:
        yield _endpoint(row, "", "")
    for prefix, base in _SCOPES[:2]:
        yield from (_endpoint(row, prefix, base) for row in _INBOXES)
    yield from (_endpoint(row, "", _SCOPES[2][1]) for row in _MESSAGES)
    for prefix, base in _SCOPES:
        yield from (_endpoint(row, prefix, base) for row in _SCOPED)


def _endpoint(row: _Row, prefix: str, base: str) -> Endpoint:
    name, method, path, handler, permissions, body = row
    segments = tuple(f"{base}{path}".strip("/").split("/"))
    return Endpoint(
        f"v0_{prefix}{name}", method, segments, handler, tuple(permissions.split()), body
    )


class Table:
    """The operations by number of segments, the literal ones first."""

    def __init__(self, rows: Iterable[Endpoint]) -> None:
        self._rows: dict[int, list[Endpoint]] = {}
        for row in rows:
            self._rows.setdefault(len(row.segments), []).append(row)
        for same in self._rows.values():
            same.sort(key=lambda row: [part.startswith("{") for part in row.segments])

    def find(self, method: str, raw_path: bytes) -> tuple[Endpoint, dict[str, str]]:
        """Return the operation and the decoded ids of a path; raises the gateway's 404 and 405."""
        parts = decoded_parts(raw_path)
        fitting = [
            (row, ids)
            for row in self._rows.get(len(parts), ())
            if (ids := ids_in(parts, row.segments)) is not None
        ]
        literal = fitting[0][0].segments if fitting else ()
        for row, ids in fitting:
            if row.method == method and row.segments == literal:
                return row, ids
        if fitting:
            allowed = ", ".join(sorted({row.method for row, _ in fitting}))
            raise GatewayFailure(405, "", "Method Not Allowed", {"Allow": allowed})
        raise GatewayFailure(404, "", "Not Found")
