"""What travels to AgentMail.to: queries and bodies under their wire names (api/agentmail_to.md §4).

Closes two traps: a field that the service does not know and silently ignores (every struct refuses
what it does not name), and a draft that the service would send by itself at a given time, past the
gate: `send_at` can be cleared here and never set.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

MAX_PAGE: Final = 100
"""The largest page of every search and of filtered lists; of plain ones it is not told (§2)."""
BATCH_GET: Final = 500
BATCH_UPDATE: Final = 50

Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE)]
Query = Annotated[str, Meta(min_length=1, pattern=r"\S")]
InboxQuery = Annotated[str, Meta(min_length=2, max_length=256, pattern=r"\S")]
Label = Annotated[str, Meta(min_length=1, pattern=r"\S")]
Direction = Literal["send", "receive", "reply"]
ListType = Literal["allow", "block"]


class Page(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which page of a list."""

    limit: Limit | None = None
    page_token: str | None = None


class OrderedPage(Page, kw_only=True):
    """The same of a list whose order can be turned; without `ascending` the newest come first."""

    ascending: bool | None = None


class Span(OrderedPage, kw_only=True):
    """The same with labels and times (ISO-8601; whether inclusive is not told)."""

    labels: list[Label] | None = None
    before: str | None = None
    after: str | None = None


class Visible(Span, kw_only=True):
    """The same of what may be hidden unless it is asked for."""

    include_spam: bool | None = None
    include_blocked: bool | None = None
    include_unauthenticated: bool | None = None
    include_trash: bool | None = None


class MessagesQuery(Visible, kw_only=True):
    """`GET messages`; the last three look for parts of words, all of which must be there."""

    from_: list[str] | None = field(name="from", default=None)
    to: list[str] | None = None
    subject: list[str] | None = None


class ThreadsQuery(Visible, kw_only=True):
    """`GET threads`."""

    senders: list[str] | None = None
    recipients: list[str] | None = None
    subject: list[str] | None = None


class SearchQuery(Page, kw_only=True):
    """`GET messages/search` and `threads/search`, by relevance."""

    q: Query
    before: str | None = None
    after: str | None = None


class InboxesSearch(Page, kw_only=True):
    """`GET inboxes/search`: words that addresses and display names begin with."""

    q: InboxQuery


class LabelsPatch(Struct, kw_only=True, forbid_unknown_fields=True):
    """Labels of a message or thread to add and to remove."""

    add_labels: list[Label] | None = None
    remove_labels: list[Label] | None = None


class BatchGet(Struct, kw_only=True, forbid_unknown_fields=True):
    """Messages to tell at once, each named once."""

    message_ids: Annotated[list[str], Meta(min_length=1, max_length=BATCH_GET)]


class BatchLabels(LabelsPatch, kw_only=True):
    """Messages to label at once, each named once."""

    message_ids: Annotated[list[str], Meta(min_length=1, max_length=BATCH_UPDATE)]


class DraftTexts(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a draft on the server says: what is left out stays, null clears; never html, never a time.

    `html` and `send_at` can only be cleared.
    """

    to: list[str] | UnsetType | None = UNSET
    cc: list[str] | UnsetType | None = UNSET
    bcc: list[str] | UnsetType | None = UNSET
    reply_to: list[str] | UnsetType | None = UNSET
    subject: str | UnsetType | None = UNSET
    text: str | UnsetType | None = UNSET


class NewDraft(DraftTexts, kw_only=True):
    """A draft to make."""

    labels: list[Label] | None = None
    in_reply_to: str | None = None
    client_id: str | None = None


class DraftPatch(DraftTexts, kw_only=True):
    """What to change of a draft."""

    html: UnsetType | None = UNSET
    send_at: UnsetType | None = UNSET
    remove_attachments: list[str] | None = None
    add_labels: list[Label] | None = None
    remove_labels: list[Label] | None = None


class NewEntry(Struct, kw_only=True, forbid_unknown_fields=True):
    """An address or a domain for a list."""

    entry: Annotated[str, Meta(min_length=1, max_length=320, pattern=r"^[!-~]+(?![\s\S])")]
    reason: Annotated[str, Meta(max_length=2048)] | None = None


class InboxPatch(Struct, kw_only=True, forbid_unknown_fields=True):
    """What to change of an inbox."""

    display_name: str | UnsetType | None = UNSET


# ── sending: for `services.api.agentmail_to.send` ────────────────────────────────────────────────


class SentFile(Struct, kw_only=True, forbid_unknown_fields=True):
    """A file that goes with a mail, in base64."""

    content: str
    filename: str | None = None
    content_type: str | None = None


class SendBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A mail to send: the first four keys in the strict profile (reference 004), never html."""

    to: list[str]
    bcc: list[str] | None = None
    subject: str = ""
    text: Annotated[str, Meta(min_length=1)]
    attachments: list[SentFile] | None = None
    headers: dict[str, str] | None = None


class ReplyBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """An answer by its message, with the recipients written out: `reply_all` does not exist here."""

    to: list[str]
    bcc: list[str] | None = None
    text: Annotated[str, Meta(min_length=1)]
    attachments: list[SentFile] | None = None
    headers: dict[str, str] | None = None
