"""A program that forwards a message and is killed while its files come; run by its test.

Arguments: base URL, agent id, address, token, folder, message id, "saved" or "begun".
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from services import outbound_events as ev
from services.carried_events import CarriedTold
from services.draft import DraftKind
from services.sandbox.records import Agent
from tests.services.outbound.posting_stage import Mailer


def main(words: list[str]) -> None:
    """Say the draft's id once some of its file has come, then wait to be killed."""
    base_url, agent_id, address, token, folder, message_id, how = words
    place: Any = SimpleNamespace(base_url=base_url)
    one = Mailer(place, Agent(agent_id, address, token), Path(folder))
    one.connected()
    draft = one.answer(ev.BeginDraft(DraftKind.FORWARD, message_id), ev.DraftOpened).draft
    if how == "saved":
        one.answer(ev.SaveDraft(draft), ev.DraftSaved)
    one.wait(CarriedTold, lambda told: (told.files[0].percent or 0) > 5)
    print(draft.draft_id, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])
