"""The handlers for threads: of one inbox, of a pod, of everything in scope (§4.3).

Closes the trap of a thread that tells more than its messages: hidden ones are not counted, shown
or changed through it.
"""

from __future__ import annotations

from typing import Final

from services.sandbox.agentmail_to import shapes
from services.sandbox.agentmail_to.bodies import ThreadLabelsBody
from services.sandbox.agentmail_to.context import V0Call
from services.sandbox.agentmail_to.failures import Failure, missing
from services.sandbox.agentmail_to.labels import changes
from services.sandbox.agentmail_to.message_calls import attachment_link, whole_message
from services.sandbox.agentmail_to.pages import SEARCH_LIMIT
from services.sandbox.agentmail_to.records import Inbox, Letter
from services.sandbox.agentmail_to.searching import Hit, search
from services.sandbox.agentmail_to.selecting import letters_of, seen_by, select_threads
from services.sandbox.agentmail_to.shapes import Json

_CHANGEABLE: Final = 100
"""Messages from which on a thread's labels cannot be changed at once."""


def list_threads(call: V0Call) -> Json:
    """List threads, the newest first."""
    paging, found = select_threads(call, call.inboxes())
    items = [shapes.thread_item(one.letters, one.inbox.inbox_id) for one in found]
    return paging.page("threads", items, [[one.at, one.thread_id] for one in found])


def search_threads(call: V0Call) -> Json:
    """Find threads by the words of their messages, the best first."""
    inboxes = {inbox.number: inbox for inbox in call.inboxes()}
    paging, hits = search(call, list(inboxes.values()))
    first: dict[tuple[int, str], Hit] = {}
    for hit in hits:
        first.setdefault((hit.letter.inbox, hit.letter.thread_id), hit)

    def shown(place: tuple[int, str]) -> Json:
        inbox = inboxes[place[0]]
        item = shapes.thread_item(_visible(call, inbox, place[1]), inbox.inbox_id)
        return {**item, "highlights": dict(first[place].highlights)}

    return paging.cut("threads", list(first), shown, list)


def get_thread(call: V0Call) -> Json:
    """Tell a thread with its messages: the newest page first, each page in order of time."""
    inbox, letters = _thread(call)
    paging = call.paging(SEARCH_LIMIT)
    newest = letters[::-1]
    numbers = [[letter.number] for letter in newest]
    start = numbers.index(paging.place) + 1 if paging.place in numbers else 0
    wanted = newest[start : start + paging.limit + 1]
    whole = [whole_message(call, inbox, letter) for letter in wanted]
    page = paging.page("messages", whole, numbers[start : start + paging.limit + 1])
    page["messages"].reverse()
    return {**shapes.thread_item(letters, inbox.inbox_id), **page}


def get_thread_attachment(call: V0Call) -> Json:
    """Answer with a link to an attachment of any message of the thread."""
    _, letters = _thread(call)
    wanted = call.ids["attachment_id"]
    for letter in letters:
        if any(file.attachment_id == wanted for file in letter.files):
            return attachment_link(call, letter)
    raise missing("Attachment")


def update_thread(call: V0Call) -> Json:
    """Change the labels of all messages of a thread; 422 for a very long one."""
    body: ThreadLabelsBody = call.body
    inbox, letters = _thread(call)
    add, remove = changes(body.add_labels, body.remove_labels)
    if len(letters) >= _CHANGEABLE:
        raise Failure(422, "unprocessable", "This thread has too many messages to update at once.")
    agent = call.services.tenancy.agent(inbox)
    with call.store.transaction():
        changed = [call.room.relabel(agent, letter, add, remove) for letter in letters]
    labels = sorted({label for letter in changed for label in letter.labels})
    return {"thread_id": call.ids["thread_id"], "labels": labels}


def delete_thread(call: V0Call) -> None:
    """Delete a thread with all of its messages for good."""
    inbox, letters = _thread(call)
    agent = call.services.tenancy.agent(inbox)
    with call.store.transaction():
        for letter in letters:
            call.room.delete(agent, letter)


def _thread(call: V0Call) -> tuple[Inbox, list[Letter]]:
    """Return the thread that the path names, with all that the key may see; raises 404."""
    for inbox in call.inboxes():
        letters = _visible(call, inbox, call.ids["thread_id"])
        if letters:
            return inbox, letters
    raise missing("Thread")


def _visible(call: V0Call, inbox: Inbox, thread_id: str) -> list[Letter]:
    return letters_of(call, seen_by(call.key, inbox), inbox.number, thread_id)
