"""What AgentMail.to offers a mailbox, and what a person may set as a label (api/agentmail_to.md §4, §5).

Apart from the client, so that it is known without one.
"""

from __future__ import annotations

from typing import Final

from services.api.agentmail_to import labels
from services.api.agentmail_to.wire import BATCH_UPDATE, MAX_PAGE
from services.ports import Capabilities
from services.shelves import Shelf

LONGEST_LABEL: Final = 64
"""Ours: the service tells no limit (§5.1)."""
MOST_LABELS: Final = 20
"""Ours as well."""
OFFER: Final = Capabilities(
    max_labels=MOST_LABELS,
    max_label_length=LONGEST_LABEL,
    page_limit=MAX_PAGE,
    batch=BATCH_UPDATE,
    push=True,
    change_feed=True,
    server_drafts=True,
    trash=True,
    shelves=frozenset(Shelf),
    late_arrivals=True,
    lower_case_labels=True,
    reserved_labels=labels.RESERVED,
)
