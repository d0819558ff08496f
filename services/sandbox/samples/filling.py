"""Puts the sample mailbox into a store, together with the uploads that its mails refer to.

Closes the trap of references to nothing: a file named by key in a sample mail can be downloaded.
"""

from __future__ import annotations

from services.sandbox.samples import work
from services.sandbox.samples.mailbox import mails
from services.sandbox.samples.people import cast_for
from services.sandbox.store import Store


def fill(
    store: Store, agent_id: str, count: int, *, now: float, seed: int = 7, front: bool = True
) -> int:
    """Deliver `count` sample mails, the newest a few minutes before `now` (seconds, UTC).

    Returns how many were delivered. Raises KeyError for an unknown agent and ValueError when this
    mailbox has been filled with the same seed before. `front`: with the mails of the first screen.
    """
    agent = store.agent(agent_id)
    if agent is None:
        raise KeyError(agent_id)
    cast = cast_for(agent.address)
    uploads = [work.shared_report(cast.agent(name)) for name in work.REPORTERS]
    uploads += [work.sealed_report(cast.agent(name)) for name in work.SEALERS]
    for file in uploads:
        store.blobs.put_bytes(file.object_key, file.data, file.content_type)
    made = mails(count, address=agent.address, now=now, seed=seed, front=front)
    return len(store.deliver_many(agent_id, (mail.delivery for mail in made)))
