"""A program that approves the draft on the service, sends it, and is killed while it deletes it.

Arguments: root, base URL, key, inbox, folder, oversight address, "before" or "after" the request.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path


async def main(words: list[str]) -> None:
    """Die by SIGKILL at the deletion, before or after it left."""
    from services.api.agentmail_to.client import AgentMailToClient
    from services.api.agentmail_to.drafts import RemoteDrafts
    from services.config import Account
    from services.keys.keychain import Keychain
    from services.outbound.office import Office
    from services.outbound.server_desk import server_drafts_of
    from services.policy_config import Policy
    from tests.services.outbound.office_stage import DOMAIN, Clock, FakeLender

    base_url, key, inbox, folder, overseer, moment = words
    account_folder = Path(folder) / "account"
    delete = RemoteDrafts.delete

    async def deadly(self: RemoteDrafts, draft_id: str) -> bool:
        if moment == "after":
            await delete(self, draft_id)
        os.kill(os.getpid(), signal.SIGKILL)
        return False

    RemoteDrafts.delete = deadly  # type: ignore[method-assign]
    chain = Keychain(
        key_folder=Path(folder) / "keys", account_folder=account_folder, address=inbox,
        mail_domain=DOMAIN,
    )  # fmt: skip
    client = AgentMailToClient(base_url, key, inbox)
    terms = Policy(oversight=overseer, undo_seconds=0, approval_hours=100)
    account = Account("swarm", "agentmail.to", base_url.rstrip("/"), address=inbox, policy=terms)
    office = await Office.open(account, account_folder, FakeLender(client, chain), Clock())
    kept = server_drafts_of(office)
    await kept.look()
    (row,) = office.proposals.rows()
    plan = await office.show(row.draft_id)
    await kept.hold(row.draft_id)
    entries = await office.send(row.draft_id, plan.digest)
    await office.sending.push([one.entry_id for one in entries], 30)
    await kept.look()


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    asyncio.run(main(sys.argv[2:]))
