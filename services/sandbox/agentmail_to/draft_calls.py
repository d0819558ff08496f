"""The handlers for drafts: make, change, schedule, send (§4.4).

Closes the trap of a draft whose kind changes under way: what it answers or forwards is fixed when
it is made, and a sent one is gone.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from msgspec import UNSET

from services.sandbox.agentmail_to.bodies import DraftPatch, DraftTexts, LabelsBody, NewDraft
from services.sandbox.agentmail_to.composing import (
    Enclosure,
    Outgoing,
    answering,
    enclosures,
    forwarded,
    prefixed,
    reply_addresses,
)
from services.sandbox.agentmail_to.context import Services, V0Call, checked_id
from services.sandbox.agentmail_to.drafts import (
    Draft,
    DraftFile,
    Drafts,
    changeable,
    draft_item,
    whole_draft,
)
from services.sandbox.agentmail_to.failures import invalid, missing
from services.sandbox.agentmail_to.labels import own_labels
from services.sandbox.agentmail_to.message_calls import file_link
from services.sandbox.agentmail_to.moments import moment
from services.sandbox.agentmail_to.posting import once, post
from services.sandbox.agentmail_to.records import Addresses, Inbox, Key, Parents
from services.sandbox.agentmail_to.shapes import Json
from services.sandbox.context import ApiError


def list_drafts(call: V0Call) -> Json:
    """List drafts, the last changed first."""
    inboxes = {inbox.number: inbox.inbox_id for inbox in call.inboxes()}
    labels = {label.lower() for label in call.words("labels")}
    after, before = call.moment("after"), call.moment("before")
    found = [
        draft
        for draft in Drafts(call.store).of(call.inboxes())
        if labels <= set(draft.labels)
        and (after is None or draft.updated_at >= after)
        and (before is None or draft.updated_at <= before)
    ]
    if not call.flag("ascending"):
        found.reverse()
    return call.paging().cut(
        "drafts", found, lambda d: draft_item(d, inboxes[d.inbox]), lambda d: [d.draft_id]
    )


def get_draft(call: V0Call) -> Json:
    """Tell a draft with its texts."""
    inbox, draft = _named(call)
    return whole_draft(draft, inbox.inbox_id)


def get_draft_attachment(call: V0Call) -> Json:
    """Answer with a link to one file of a draft."""
    _, draft = _named(call)
    wanted = call.ids["attachment_id"]
    for file in draft.files:
        if file.attachment_id == wanted:
            return file_link(call, file.about(), file.data)
    raise missing("Attachment")


def _named(call: V0Call) -> tuple[Inbox, Draft]:
    return Drafts(call.store).get(call.inboxes(), call.ids["draft_id"])


# ── make and change ──────────────────────────────────────────────────────────────────────────────


def create_draft(call: V0Call) -> Json:
    """Make a draft; the same client_id gets the same draft again."""
    body: NewDraft = call.body
    inbox = call.inbox()
    drafts = Drafts(call.store)
    if body.client_id is not None:
        checked_id(body.client_id, "client_id")
        for known in drafts.of([inbox]):
            if known.client_id == body.client_id:
                return whole_draft(known, inbox.inbox_id)
    draft = drafts.new(inbox)
    draft.client_id = body.client_id
    draft.labels = list(own_labels(body.labels, "labels"))
    draft.files = _files(enclosures(body.attachments))
    _bind(call, inbox, draft, body)
    _apply(draft, body)
    return whole_draft(drafts.save(draft), inbox.inbox_id)


def _bind(call: V0Call, inbox: Inbox, draft: Draft, body: NewDraft) -> None:
    """Fix what the draft answers or forwards, and what follows from it."""
    if body.in_reply_to and body.forward_of:
        raise invalid("in_reply_to and forward_of exclude each other", "forward_of")
    if body.reply_all and (body.to or body.cc or body.bcc):
        raise invalid("reply_all excludes to, cc and bcc", "reply_all")
    if body.in_reply_to:
        original = call.room.get(call.key, inbox, body.in_reply_to)
        derived = reply_addresses(inbox, original, everybody=bool(body.reply_all))
        draft.to, draft.cc = list(derived.to), list(derived.cc)
        draft.subject = prefixed("Re:", original.subject)
        draft.in_reply_to = original.message_id
        draft.references = list(answering(original).references)
    if body.forward_of:
        original = call.room.get(call.key, inbox, body.forward_of)
        draft.forward_of = original.message_id
        draft.subject = prefixed("Fwd:", original.subject)


def update_draft(call: V0Call) -> Json:
    """Change a draft: left out keeps, null clears."""
    body: DraftPatch = call.body
    inbox, draft = _named(call)
    changeable(draft)
    _apply(draft, body)
    removed = set(body.remove_attachments or ())
    draft.files = [file for file in draft.files if file.attachment_id not in removed]
    draft.files += _files(enclosures(body.add_attachments, "add_attachments"))
    added = own_labels(body.add_labels, "add_labels")
    dropped = own_labels(body.remove_labels, "remove_labels")
    labels = dict.fromkeys([*draft.labels, *added])
    draft.labels = [label for label in labels if label not in dropped]
    return whole_draft(Drafts(call.store).save(draft), inbox.inbox_id)


def _apply(draft: Draft, body: DraftTexts) -> None:
    for name in ("to", "cc", "bcc", "reply_to"):
        given = getattr(body, name)
        if given is not UNSET:
            setattr(draft, name, list(given or ()))
    for name in ("subject", "text", "html"):
        given = getattr(body, name)
        if given is not UNSET:
            setattr(draft, name, given)
    if body.send_at is None:
        draft.schedule(None)
    elif isinstance(body.send_at, str):
        draft.schedule(moment(body.send_at, "send_at"))


def _files(given: Sequence[Enclosure]) -> list[DraftFile]:
    return [
        DraftFile(
            attachment_id=f"att_{secrets.token_hex(10)}", data=file.data, filename=file.filename,
            content_type=file.content_type, disposition=file.disposition,
            content_id=file.content_id,
        )
        for file in given
    ]  # fmt: skip


def delete_draft(call: V0Call) -> None:
    """Forget a draft."""
    _, draft = _named(call)
    Drafts(call.store).remove(changeable(draft))


# ── sending ──────────────────────────────────────────────────────────────────────────────────────


def send_draft(call: V0Call) -> Json:
    """Send a draft, which is gone then."""
    body: LabelsBody = call.body
    inbox = call.inbox()
    add = own_labels(body.add_labels, "add_labels")
    drop = own_labels(body.remove_labels, "remove_labels")

    def work() -> Json:
        _, draft = _named(call)
        labels = [label for label in (*draft.labels, *add) if label not in drop]
        changeable(draft).labels = labels
        return _send(call, inbox, draft)

    return once(call, inbox, work)


def _send(call: V0Call, inbox: Inbox, draft: Draft) -> Json:
    mail = Outgoing(
        addresses=Addresses(
            tuple(draft.to), tuple(draft.cc), tuple(draft.bcc), tuple(draft.reply_to)
        ),
        subject=draft.subject or "",
        text=draft.text,
        html=draft.html,
        files=tuple(
            Enclosure(f.data, f.filename, f.content_type, f.disposition, f.content_id)
            for f in draft.files
        ),
        labels=tuple(label for label in draft.labels if label != "scheduled"),
        parents=Parents(draft.in_reply_to, tuple(draft.references)),
    )
    if draft.forward_of:
        mail = replace(mail, subject=draft.subject or "")
        mail = forwarded(call, call.room.get(call.key, inbox, draft.forward_of), mail)
    with call.store.transaction():
        receipt = post(call, inbox, mail)
        Drafts(call.store).remove(draft)
    return receipt


def send_due(services: Services) -> None:
    """Send the drafts whose time has come; what is refused says so and is not tried again."""
    drafts = Drafts(services.store)
    for draft in drafts.due():
        inbox = services.tenancy.inbox_of(draft.inbox)
        if inbox is None:
            drafts.remove(draft)
            continue
        key = Key("scheduler", inbox.organization_id, "scheduler", 0.0)
        call = V0Call(services, key, "v0_scheduled", {"draft_id": draft.draft_id}, {}, {}, {})
        try:
            _send(call, inbox, draft)
        except ApiError:
            draft.send_status = "failed"
            drafts.save(draft)
