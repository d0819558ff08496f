"""A program of its own that sends what is in an outbox, to be killed at any moment.

Arguments: one JSON object (root, folder, keys, base_url, token, address, repeats, deadline,
began).
Its clock runs fast, so that the waits between attempts are short. Prints "done" when nothing more
happens by itself.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

told = json.loads(sys.argv[1])
sys.path.insert(0, told["root"])

from services.api import assmbl_send  # noqa: E402
from services.api.agentmail_to import send as letter_send  # noqa: E402
from services.api.agentmail_to.client import AgentMailToClient  # noqa: E402
from services.api.assmbl import AssmblClient  # noqa: E402
from services.config import Account  # noqa: E402
from services.keys.keychain import Keychain  # noqa: E402
from services.outbound.office import Office  # noqa: E402
from services.outbound_models import OutboxState  # noqa: E402
from services.policy_config import Policy, Repeats  # noqa: E402
from services.service_config import SesPlace  # noqa: E402

DOMAIN = "agents.example.com"


def clock() -> float:
    return float(1_800_000_000 + 60 * (time.time() - told["began"]))


class Lender:
    mail = board = None

    def __init__(self, client: Any, chain: Keychain) -> None:
        self._client, self._chain = client, chain

    async def provider(self) -> Any:
        return self._client

    async def keychain(self) -> Keychain:
        return self._chain


async def no_wait(_: float) -> None:
    await asyncio.sleep(0)


def waits(office: Office) -> bool:
    office.store.refresh()
    entries = office.outbox.open()
    return any(
        entry.state is not OutboxState.UNCERTAIN or office.carrier.may_repeat(entry)
        for entry in entries
    )


def of_agentmail_to() -> tuple[Account, Any]:
    letter_send.SEND_SECONDS = told["deadline"]
    account = Account(
        "swarm", "agentmail.to", told["base_url"], address=told["address"],
        policy=Policy(undo_seconds=0, oversight=told["oversight"]),
    )  # fmt: skip
    key = told["token"]
    return account, AgentMailToClient(told["base_url"], key, told["address"], sleep=no_wait)


async def main() -> None:
    assmbl_send.SEND_SECONDS = told["deadline"]
    folder = Path(told["folder"])
    account = Account(
        "work", "assmbl", told["base_url"], mail_domain=DOMAIN, address=told["address"],
        policy=Policy(undo_seconds=0), repeats=Repeats(told["repeats"]),
        ses=SesPlace(*told["ses"]) if "ses" in told else None,
    )  # fmt: skip
    client = AssmblClient(told["base_url"], told["token"], DOMAIN, sleep=no_wait)
    if told.get("kind") == "agentmail.to":
        account, client = of_agentmail_to()
    chain = Keychain(
        key_folder=Path(told["keys"]), account_folder=folder, address=told["address"],
        mail_domain=DOMAIN,
    )  # fmt: skip
    chain.connect(client)
    office = await Office.open(account, folder, Lender(client, chain), clock)
    print("began", flush=True)
    sending = asyncio.ensure_future(office.sending.run())
    while await asyncio.to_thread(waits, office):  # noqa: ASYNC110 - other processes set no event
        await asyncio.sleep(0.02)
    sending.cancel()
    await office.close(5)
    print("done", flush=True)


asyncio.run(main())
