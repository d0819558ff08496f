"""`peers`: whose keys are known, which are verified, and to whom mail must be encrypted.

The first key that the directory shows for an address is pinned. When it shows another one later,
nothing is encrypted to that address until you have compared both and said `peers accept`. Compare
fingerprints, or their words, over another channel. Where a service has no directory, as AgentMail.to,
only the keys that you import are encrypted to.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from services.errors import CryptoError, UsageError
from tui import passphrase as asking
from tui.cli import VerbParsers, acts_of
from tui.profile import Profile, open_profile
from tui.verbs.keys import keychain_of, tell

if TYPE_CHECKING:
    from services.key_models import PeerView
    from services.keys.keychain import Keychain


def add(verbs: VerbParsers) -> None:
    """Add the verb's parsers."""
    parser = verbs.add_parser("peers", help="keys of others", description=__doc__ or "")
    act = acts_of(parser)

    act("list", "all peers with their keys")
    looking = act("lookup", "ask the directory for a key, and pin it when it is the first")
    looking.add_argument("address", help="an address, or an agent id of this service")
    looking.add_argument("--agent", default="", help="its agent id, for another domain's address")
    accepting = act("accept", "take the key that is offered now in place of the pinned one")
    _add_comparison(accepting)
    accepting.add_argument("--how", default="", help="mark it as verified: how it was compared")
    accepting.add_argument("--yes", action="store_true", help="the fingerprint was compared")
    verifying = act("verify", "mark the pinned key as compared over another channel")
    _add_comparison(verifying)
    verifying.add_argument("--how", required=True, help='for example "by voice"')
    requiring = act("require", "require encryption to an address or a domain")
    requiring.add_argument("subject", help="name@host, or a host for all its addresses")
    requiring.add_argument("--off", action="store_true", help="do not require it any more")
    act("forget", "drop what is pinned for an address").add_argument("address")
    act("export", "write all peers to a new file (0600)").add_argument("file", type=Path)
    importing = act("import", "take in exported peers, or one key; a contradiction blocks sending")
    importing.add_argument("file", type=Path, help="exported peers, or a public key (.asc)")
    importing.add_argument("--owner", default="", help="whose key it is, when it does not say")


def _add_comparison(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", help="whose key")
    parser.add_argument("fingerprint", help="what you compared: 40 hexadecimal digits")


def run(arguments: argparse.Namespace) -> int:
    """Carry out one act; exit code 8 when a key cannot be used or has changed."""
    return asyncio.run(_ACTS[arguments.act](open_profile(arguments.profile), arguments))


async def _list(profile: Profile, arguments: argparse.Namespace) -> int:
    from services.keys.views import keys_view
    from tui.key_listing import peer_json, peer_lines

    async with keychain_of(profile, online=False) as chain:
        view = keys_view(chain, chain.now)
    told = {
        "peers": [peer_json(peer) for peer in view.peers],
        "required_domains": list(view.required_domains),
    }
    lines = [line for peer in view.peers for line in peer_lines(peer)]
    lines += [f"All mail to {domain} must be encrypted." for domain in view.required_domains]
    tell(arguments, told, lines or ["No peers yet: `agentmail-tui peers lookup ADDRESS`."])
    return 0


async def _look_up(profile: Profile, arguments: argparse.Namespace) -> int:
    async with keychain_of(profile, online=True) as chain:
        try:
            await chain.look_up(arguments.address, agent_id=arguments.agent)
        except CryptoError as error:
            if arguments.json:
                tell(arguments, {"error": str(error), **_known(chain, arguments.address)}, ())
            raise
        return _tell_peer(chain, arguments.address, arguments)


async def _accept(profile: Profile, arguments: argparse.Namespace) -> int:
    async with keychain_of(profile, online=False) as chain:
        named, name = _compared(chain, arguments)
        question = f"Mail to {named} will be encrypted to this key from now on."
        if not asking.confirmed(question, "accept", is_agreed=arguments.yes):
            raise UsageError("Nothing was accepted.")
        chain.book.accept(named, name, arguments.how)
        return _tell_peer(chain, named, arguments)


async def _verify(profile: Profile, arguments: argparse.Namespace) -> int:
    async with keychain_of(profile, online=False) as chain:
        named, name = _compared(chain, arguments)
        chain.book.verify(named, name, arguments.how)
        return _tell_peer(chain, named, arguments)


async def _require(profile: Profile, arguments: argparse.Namespace) -> int:
    from services.keys.views import required

    subject: str = arguments.subject
    async with keychain_of(profile, online=False) as chain:
        if subject.replace("-", "").replace("_", "").isalnum():
            # A bare name is somebody's in every verb; a rule for a domain of that name guards nobody.
            subject = chain.named(subject)
        named = chain.book.require(subject, is_required=not arguments.off)
        sentence = required(chain.book, named, is_required=not arguments.off)
    told = {"subject": named, "required": not arguments.off}
    tell(arguments, told, [sentence])
    return 0


async def _forget(profile: Profile, arguments: argparse.Namespace) -> int:
    async with keychain_of(profile, online=False) as chain:
        named = chain.named(arguments.address)
        chain.book.forget(named)
    tell(arguments, {"forgotten": named}, [f"The key of {named} is forgotten."])
    return 0


async def _export(profile: Profile, arguments: argparse.Namespace) -> int:
    from services.keys.peer_files import export_peers

    async with keychain_of(profile, online=False) as chain:
        count = export_peers(chain.book, arguments.file)
    told = {"peers": count, "file": str(arguments.file)}
    tell(
        arguments, told, [f"Written to {arguments.file}: {count} peer{'' if count == 1 else 's'}."]
    )
    return 0


async def _import(profile: Profile, arguments: argparse.Namespace) -> int:
    from services.keys.peer_files import import_peers

    async with keychain_of(profile, online=False) as chain:
        owner = chain.named(arguments.owner) if arguments.owner else ""
        came = import_peers(chain.book, arguments.file, owner)
    told = {
        "new": came.new,
        "same": came.same,
        "changed": list(came.changed),
        "refused": list(came.refused),
        "told": list(came.told),
    }
    lines = [f"New: {came.new}, known: {came.same}."]
    lines += [f"! {one}: another key is pinned here; compare both." for one in came.changed]
    lines += [*came.told, *(f"! not taken in: {one}" for one in came.refused)]
    tell(arguments, told, lines)
    return 0


def _compared(chain: Keychain, arguments: argparse.Namespace) -> tuple[str, str]:
    from services.keys import words

    return chain.named(arguments.address), words.fingerprint(arguments.fingerprint)


def _tell_peer(chain: Keychain, address: str, arguments: argparse.Namespace) -> int:
    from tui.key_listing import peer_json, peer_lines

    shown = _shown(chain, address)
    tell(arguments, {"peer": peer_json(shown)}, peer_lines(shown))
    return 0


def _known(chain: Keychain, address: str) -> dict[str, Any]:
    from tui.key_listing import peer_json

    return {"peer": peer_json(_shown(chain, address))}


def _shown(chain: Keychain, address: str) -> PeerView:
    from services.keys.views import peer_view

    return peer_view(chain, chain.book.peer(chain.named(address)), chain.now)


Work = Callable[[Profile, argparse.Namespace], Coroutine[Any, Any, int]]

_ACTS: Final[dict[str, Work]] = {
    "list": _list,
    "lookup": _look_up,
    "accept": _accept,
    "verify": _verify,
    "require": _require,
    "forget": _forget,
    "export": _export,
    "import": _import,
}
