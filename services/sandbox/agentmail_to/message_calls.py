"""The handlers for messages: read, label, delete, and the four ways to send (§4.2, §6).

Closes the trap of an answer that shows more than the list did: what a key may not see is a 404 in
every operation, sending an answer to it included.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from services.sandbox.agentmail_to import shapes
from services.sandbox.agentmail_to.bodies import (
    BatchGetBody,
    BatchUpdateBody,
    LabelsBody,
    ReplyAllBody,
    ReplyBody,
    SendBody,
    Texts,
    several,
)
from services.sandbox.agentmail_to.composing import (
    Outgoing,
    answering,
    enclosures,
    forwarded,
    prefixed,
    reply_addresses,
)
from services.sandbox.agentmail_to.context import Services, V0Call
from services.sandbox.agentmail_to.failures import invalid, missing
from services.sandbox.agentmail_to.labels import changes, own_labels
from services.sandbox.agentmail_to.mime import read_content
from services.sandbox.agentmail_to.moments import iso
from services.sandbox.agentmail_to.posting import once, post
from services.sandbox.agentmail_to.records import HIDDEN, Addresses, File, Inbox, Letter
from services.sandbox.agentmail_to.searching import search
from services.sandbox.agentmail_to.selecting import select_messages
from services.sandbox.agentmail_to.shapes import Json
from services.sandbox.intake import part_bytes

_BATCH_GET: Final = 500
_BATCH_UPDATE: Final = 50


def list_messages(call: V0Call) -> Json:
    """List messages, the newest first."""
    inbox = call.inbox()
    paging, letters = select_messages(call, inbox)
    items = [shapes.message_item(letter, inbox.inbox_id) for letter in letters]
    return paging.page("messages", items, [[letter.at, letter.number] for letter in letters])


def search_messages(call: V0Call) -> Json:
    """Find messages by their words, the best first."""
    inbox = call.inbox()
    paging, hits = search(call, [inbox])

    def shown(at: int) -> Json:
        found = shapes.message_item(hits[at].letter, inbox.inbox_id)
        return {**found, "highlights": dict(hits[at].highlights)}

    return paging.cut("messages", range(len(hits)), shown, lambda at: [hits[at].letter.number])


def get_message(call: V0Call) -> Json:
    """Tell a message with its texts; reading does not mark it read."""
    inbox, letter = call.letter()
    return whole_message(call, inbox, letter)


def whole_message(call: V0Call, inbox: Inbox, letter: Letter) -> Json:
    """Return a Message as the wire tells it."""
    return shapes.message(letter, inbox.inbox_id, read_content(call.room.raw(letter)))


def get_raw(call: V0Call) -> Json:
    """Answer with a link to the MIME."""
    _, letter = call.letter()
    link = _link(call, f"v0/{letter.number}/raw", "message.eml", "message/rfc822",
                 call.room.raw(letter))  # fmt: skip
    return {"message_id": letter.message_id, "size": letter.size, **link}


def get_attachment(call: V0Call) -> Json:
    """Answer with a link to one attachment, not with its bytes."""
    _, letter = call.letter()
    return attachment_link(call, letter)


def attachment_link(call: V0Call, letter: Letter) -> Json:
    """Return the AttachmentResponse for the attachment that the path names; raises 404."""
    wanted = call.ids["attachment_id"]
    file = next((file for file in letter.files if file.attachment_id == wanted), None)
    if file is None:
        raise missing("Attachment")
    return file_link(call, file, part_bytes(call.room.raw(letter), file.part))


def file_link(call: V0Call, file: File, data: bytes) -> Json:
    """Return the AttachmentResponse of a file."""
    key = f"v0/{file.attachment_id}"
    link = _link(call, key, file.filename or file.attachment_id, file.content_type, data)
    return {**shapes.attachment(file), **link}


def _link(call: V0Call, key: str, name: str, content_type: str, data: bytes) -> Json:
    """Return a link to the storage host, which refuses who comes with a key (§1)."""
    if not call.store.blobs.exists(key):
        call.store.blobs.put_bytes(key, data, content_type)
    ttl = 3600.0
    if fault := call.faults.get("short_ttl"):
        ttl = fault.seconds
    url = call.services.sandbox.signer.presigned_get(key, ttl, name)
    return {"download_url": url, "expires_at": iso(call.store.clock() + ttl)}


# ── changes ──────────────────────────────────────────────────────────────────────────────────────


def update_message(call: V0Call) -> Json:
    """Change the labels of a message."""
    body: LabelsBody = call.body
    inbox, letter = call.letter()
    add, remove = changes(body.add_labels, body.remove_labels)
    agent = call.services.tenancy.agent(inbox)
    return shapes.labels(call.room.relabel(agent, letter, add, remove))


def batch_get(call: V0Call) -> Json:
    """Tell many messages without their texts; ids that lead nowhere are left out."""
    body: BatchGetBody = call.body
    inbox = call.inbox()
    letters = _batch(call, inbox, body.message_ids, _BATCH_GET)
    found = [
        shapes.message_without_texts(
            letter, inbox.inbox_id, read_content(call.room.raw(letter))
        )
        for letter in letters
    ]  # fmt: skip
    return {"limit": len(body.message_ids), "count": len(found), "messages": found}


def batch_update(call: V0Call) -> Json:
    """Change the labels of many messages, all or none."""
    body: BatchUpdateBody = call.body
    inbox = call.inbox()
    add, remove = changes(body.add_labels, body.remove_labels)
    letters = _batch(call, inbox, body.message_ids, _BATCH_UPDATE)
    agent = call.services.tenancy.agent(inbox)
    with call.store.transaction():
        updates = [shapes.labels(call.room.relabel(agent, one, add, remove)) for one in letters]
    return {"limit": len(body.message_ids), "count": len(updates), "updates": updates}


def _batch(call: V0Call, inbox: Inbox, ids: list[str], largest: int) -> list[Letter]:
    if not 1 <= len(ids) <= largest:
        raise invalid(f"Array must contain 1 to {largest} elements", "message_ids")
    if len(set(ids)) < len(ids):
        raise invalid("Duplicate message ids", "message_ids")
    unseen = set(call.key.unseen())
    found = (call.room.find(inbox, message_id) for message_id in ids)
    return [letter for letter in found if letter and not unseen & set(letter.labels)]


def delete_message(call: V0Call) -> None:
    """Delete a message for good."""
    inbox, letter = call.letter()
    call.room.delete(call.services.tenancy.agent(inbox), letter)


# ── sending ──────────────────────────────────────────────────────────────────────────────────────


def send_message(call: V0Call) -> Json:
    """Send a new mail."""
    body: SendBody = call.body
    inbox = call.inbox()
    return once(call, inbox, lambda: post(call, inbox, _new_mail(body)))


def _new_mail(body: SendBody) -> Outgoing:
    addresses = Addresses(
        tuple(several(body.to)), tuple(several(body.cc)), tuple(several(body.bcc)),
        tuple(several(body.reply_to)),
    )  # fmt: skip
    return replace(_texts(body), addresses=addresses, subject=body.subject or "")


def _texts(body: Texts) -> Outgoing:
    return Outgoing(
        addresses=Addresses(reply_to=tuple(several(body.reply_to))),
        text=body.text,
        html=body.html,
        files=enclosures(body.attachments),
        headers=body.headers or {},
        labels=own_labels(body.labels, "labels"),
    )


def reply_to_message(call: V0Call) -> Json:
    """Answer a message; recipients that are not given follow from it."""
    body: ReplyBody = call.body
    given = Addresses(
        tuple(several(body.to)), tuple(several(body.cc)), tuple(several(body.bcc))
    )  # fmt: skip
    return _reply(call, body, given, everybody=bool(body.reply_all))


def reply_all_message(call: V0Call) -> Json:
    """Answer everybody; to whom is the service's business."""
    body: ReplyAllBody = call.body
    return _reply(call, body, Addresses(), everybody=True)


def _reply(call: V0Call, body: Texts, given: Addresses, *, everybody: bool) -> Json:
    inbox, original = call.letter()

    def work() -> Json:
        derived = reply_addresses(inbox, original, everybody=everybody)
        addresses = Addresses(
            given.to or derived.to, given.cc or derived.cc, given.bcc, tuple(several(body.reply_to))
        )
        mail = replace(
            _texts(body), addresses=addresses, subject=prefixed("Re:", original.subject),
            parents=answering(original),
        )  # fmt: skip
        return post(call, inbox, mail)

    return once(call, inbox, work)


def forward_message(call: V0Call) -> Json:
    """Send a message on, with its texts and files."""
    body: SendBody = call.body
    inbox, original = call.letter()
    return once(
        call, inbox, lambda: post(call, inbox, forwarded(call, original, _new_mail(body)))
    )  # fmt: skip


def received_event(services: Services, inbox: Inbox, letter: Letter) -> None:
    """Tell the listeners about a mail that came in; hidden mail has events of its own (§10)."""
    label = next((label for label in HIDDEN if label in letter.labels and label != "trash"), "")
    event_type = f"message.received.{label}" if label else "message.received"

    def payload() -> Json:
        content = read_content(services.room.raw(letter))
        thread = services.room.where(
            "m.agent = ? AND m.thread_id = ? ORDER BY m.at, m.number",
            [inbox.number, letter.thread_id],
        )
        return {
            "message": shapes.message(letter, inbox.inbox_id, content),
            "thread": shapes.thread_item(thread, inbox.inbox_id),
        }

    services.hub.publish(event_type, inbox, payload)
