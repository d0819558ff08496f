"""Changing messages from a verb: through the cache when it is free, else straight on the service.

Closes the trap of a script that cannot archive because the app is open: the app holds the cache, so
the change goes to the service, and the app sees it at its next refresh. A verb waits for the answer:
it never leaves a change waiting without saying so.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from services.errors import CacheLocked, MailError
from services.sync.edits import Edit
from tui.listing import print_json
from tui.profile import Profile, open_profile

if TYPE_CHECKING:
    from services.cache.store import MailStore
    from services.sync.mailbox import Mailbox


@asynccontextmanager
async def mailbox_of(
    profile: Profile, store: MailStore, *, with_keys: bool = True
) -> AsyncIterator[Mailbox]:
    """Open the mailbox over a store, with the account's service and a renderer.

    Without its keys encrypted mail stays closed, and nothing of OpenPGP is imported.
    """
    from services.reading.render_process import RenderWorker
    from services.sync.late_keychain import LateKeychain
    from services.sync.mailbox import Mailbox

    provider = profile.provider()
    renderer = RenderWorker()
    keychain = LateKeychain(profile.keychain if with_keys else None)
    try:
        yield Mailbox(store, provider, renderer, keychain=keychain)
    finally:
        keychain.close()
        await renderer.aclose()
        await provider.aclose()


def run_edit(arguments: argparse.Namespace, edit: Edit) -> int:
    """Apply one edit to the messages named on the command line and tell how it went."""
    failures = asyncio.run(_run(open_profile(arguments.profile), arguments.id, edit))
    changed = [message_id for message_id in arguments.id if message_id not in failures]
    if arguments.json:
        failed = [{"id": key, "error": str(error)} for key, error in failures.items()]
        print_json({"changed": changed, "failed": failed})
    else:
        for message_id, error in failures.items():
            sys.stderr.write(f"agentmail-tui: {message_id!a}: {error}\n")
    return max((error.exit_code for error in failures.values()), default=0)


async def _run(profile: Profile, ids: Sequence[str], edit: Edit) -> dict[str, MailError]:
    try:
        with profile.store() as store:
            return await _through_cache(profile, store, ids, edit)
    except CacheLocked:
        return await _on_service(profile, ids, edit)


async def _through_cache(
    profile: Profile, store: MailStore, ids: Sequence[str], edit: Edit
) -> dict[str, MailError]:
    known = [message_id for message_id in ids if store.item(message_id) is not None]
    failures = await _on_service(profile, [i for i in ids if i not in known], edit)
    async with mailbox_of(profile, store) as mailbox:
        await mailbox.change(known, edit)
        flushed = await mailbox.flush()
    for refusal in flushed.refused:
        failures[refusal.message_id] = refusal.error
    return failures


async def _on_service(profile: Profile, ids: Sequence[str], edit: Edit) -> dict[str, MailError]:
    from services.sync.batches import send_to_all

    if not ids:
        return {}
    provider = profile.provider()
    try:
        return {**await send_to_all(provider, ids, edit)}
    finally:
        await provider.aclose()
