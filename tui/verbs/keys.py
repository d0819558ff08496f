"""`keys`: your own OpenPGP keys and their entry in the key directory.

Passphrases are asked for on the terminal, or read with --passphrase-fd N; never give one as an
argument. `keys lock` makes a running app forget its unlocked keys and every decrypted text.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from services.errors import CryptoError, UsageError
from services.redact import Secret
from tui import passphrase as asking
from tui.cli import Act, VerbParsers, acts_of
from tui.listing import print_json
from tui.profile import Profile, open_profile

if TYPE_CHECKING:
    from services.crypto.own import OwnKey
    from services.key_models import DirectoryView, KeysView
    from services.keys.directory import VersionConflict
    from services.keys.keychain import Keychain

Work = Callable[[Profile, argparse.Namespace], Coroutine[Any, Any, int]]


def add(verbs: VerbParsers) -> None:
    """Add the verb's parsers."""
    parser = verbs.add_parser("keys", help="own OpenPGP keys", description=__doc__ or "")
    act = acts_of(parser)

    act("list", "own keys, the directory's entry, and what expires when").add_argument(
        "--offline", action="store_true", help="do not ask the directory"
    )
    _add_making(act)
    _add_giving(act)
    _add_directory(act)
    locking = act("lock", "make every running agentmail-tui of this account forget its open keys")
    locking.add_argument(
        "--forget", action="store_true", help="remove the passphrase from the keyring as well"
    )


def _add_making(act: Act) -> None:
    making = act("generate", "make an RSA-4096 key and use it from now on")
    making.add_argument("--name", help="the name in the key (default: the agent's)")
    making.add_argument("--address", help="the address in the key (default: the account's)")
    making.add_argument("--no-passphrase", action="store_true", help="leave the file unsealed")
    making.add_argument(
        "--remember", action="store_true", help="keep the passphrase in the keyring"
    )
    asking.add_option(making)
    taking = act("import", "take in an armored private key")
    taking.add_argument("file", help="its file, or - for standard input")
    taking.add_argument("--former", action="store_true", help="only to read older mail with")
    using = act("use", "make one of the own keys the current one")
    using.add_argument("fingerprint", help="40 hexadecimal digits, blanks allowed")


def _add_giving(act: Act) -> None:
    giving = act("export", "print the public key, or write a key to a new file (0600)")
    giving.add_argument("fingerprint", nargs="?", help="which key (default: the current one)")
    giving.add_argument("--out", type=Path, metavar="FILE", help="a file that is not there yet")
    giving.add_argument("--private", action="store_true", help="the private key; needs --out")
    giving.add_argument(
        "--repair", action="store_true", help="order the primes as gpg needs them (asks to unlock)"
    )
    giving.add_argument("--yes", action="store_true", help="do not ask")
    asking.add_option(giving)


def _add_directory(act: Act) -> None:
    version = {
        "type": int,
        "metavar": "N",
        "help": "the version in the directory that you have seen",
    }
    publishing = act(
        "publish", "put the current key into the directory; never replaces another key"
    )
    publishing.add_argument("--expected-version", **version)  # type: ignore[arg-type]
    rotating = act("rotate", "replace the directory's key by the current one")
    rotating.add_argument("--expected-version", **version)  # type: ignore[arg-type]
    revoking = act("revoke", "take your key out of the directory: nobody can encrypt to you then")
    revoking.add_argument("--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace) -> int:
    """Carry out one act; exit code 1 for a version conflict or a no, 8 for a key that is unusable."""
    return asyncio.run(_ACTS[arguments.act](open_profile(arguments.profile), arguments))


@asynccontextmanager
async def keychain_of(profile: Profile, *, online: bool) -> AsyncIterator[Keychain]:
    """Open the account's keychain, connected to its service when `online`."""
    chain = profile.keychain()
    provider = profile.provider() if online else None
    chain.connect(provider)
    try:
        yield chain
    finally:
        chain.close()
        if provider is not None:
            await provider.aclose()


def tell(arguments: argparse.Namespace, value: dict[str, Any], lines: Iterable[str]) -> None:
    """Print JSON or lines."""
    if arguments.json:
        print_json(value)
    else:
        sys.stdout.write("".join(f"{line}\n" for line in lines))


# ── own keys ─────────────────────────────────────────────────────────────────────────────────────


async def _list(profile: Profile, arguments: argparse.Namespace) -> int:
    from tui.key_listing import key_lines, keys_json

    async with keychain_of(profile, online=not arguments.offline) as chain:
        if not arguments.offline:
            await chain.entry.refresh()
        view = _view(chain)
    tell(arguments, keys_json(view), key_lines(view))
    return 0


async def _generate(profile: Profile, arguments: argparse.Namespace) -> int:
    async with keychain_of(profile, online=False) as chain:
        address = arguments.address or profile.account.address
        if not address:
            raise UsageError("The account's address is not known.", "Name it with --address.")
        name = arguments.name or address.partition("@")[0]
        secret = None if arguments.no_passphrase else _new_passphrase(arguments, name, address)
        sys.stderr.write("Making an RSA-4096 key …\n")
        key = await chain.generate(name, address, secret)
        if arguments.remember and secret:
            sys.stderr.write(f"{chain.keeper.put(secret)}\n")
        return _tell_key(chain, key, arguments)


def _new_passphrase(arguments: argparse.Namespace, name: str, address: str) -> Secret:
    from services.keys.strength import Level, strength

    secret = asking.passphrase(arguments, "A passphrase for the new key", twice=True)
    if not secret:
        raise UsageError("The passphrase is empty.", "Use --no-passphrase to have none.")
    hint = strength(secret, known=(name, address))
    if hint.level in (Level.WEAK, Level.FAIR):
        sys.stderr.write(f"{hint.sentence}\n")
    return secret


async def _import(profile: Profile, arguments: argparse.Namespace) -> int:
    make_current = not arguments.former
    async with keychain_of(profile, online=False) as chain:
        if arguments.file == "-":
            block = sys.stdin.buffer.read(_LARGEST_BLOCK)
            key = chain.own_keys.take_in(block, make_current=make_current)
        else:
            key = chain.own_keys.take_in_file(Path(arguments.file), make_current=make_current)
        return _tell_key(chain, key, arguments)


_LARGEST_BLOCK: Final = 1 << 20


async def _use(profile: Profile, arguments: argparse.Namespace) -> int:
    from services.keys import words

    async with keychain_of(profile, online=False) as chain:
        chain.own_keys.use(words.fingerprint(arguments.fingerprint))
        return _tell_key(chain, chain.own_keys.require_current(), arguments)


async def _export(profile: Profile, arguments: argparse.Namespace) -> int:
    from services.keys import words

    async with keychain_of(profile, online=False) as chain:
        own = chain.own_keys
        wanted = arguments.fingerprint
        name = words.fingerprint(wanted) if wanted else own.require_current().fingerprint
        if not arguments.private:
            return _export_public(chain, name, arguments)
        if arguments.out is None:
            raise UsageError("A private key is written to a file only.", "Name one with --out.")
        question = "The private key opens all your mail. Whoever gets the file can read it."
        if not asking.confirmed(question, "export", is_agreed=arguments.yes):
            sys.stderr.write("Nothing was written.\n")
            return 1
        secret = asking.passphrase(arguments, "The key's passphrase") if arguments.repair else None
        path = own.export_private(name, arguments.out, repair_with=secret)
    told = {"fingerprint": name, "file": str(path), "private": True}
    tell(arguments, told, [f"The private key is in {path}, readable by you only."])
    return 0


def _export_public(chain: Keychain, name: str, arguments: argparse.Namespace) -> int:
    if arguments.out is None:
        block = chain.own_keys.load(chain.own_keys.known(name)).public_block()
        tell(arguments, {"fingerprint": name, "public_key": block}, [block.rstrip("\n")])
        return 0
    path = chain.own_keys.export_public(name, arguments.out)
    told = {"fingerprint": name, "file": str(path), "private": False}
    tell(arguments, told, [f"The public key is in {path}."])
    return 0


async def _lock(profile: Profile, arguments: argparse.Namespace) -> int:
    from services.keys.unlocked_keys import lock_elsewhere

    async with keychain_of(profile, online=False) as chain:
        answer = await asyncio.to_thread(lock_elsewhere, chain.marker)
        if arguments.forget:
            chain.keeper.forget()
    if answer is False:
        raise CryptoError(
            "A running agentmail-tui has not locked its keys.", "Close it, or try again."
        )
    sentence = "Locked." if answer else "No running agentmail-tui has unlocked keys."
    if arguments.forget:
        sentence += " The passphrase is not in the keyring any more."
    told = {"locked": answer is True, "forgotten": arguments.forget}
    tell(arguments, told, [sentence])
    return 0


# ── the entry in the directory ───────────────────────────────────────────────────────────────────


async def _publish(profile: Profile, arguments: argparse.Namespace) -> int:
    from services.keys.directory import VersionConflict

    async with keychain_of(profile, online=True) as chain:
        try:
            replaces = arguments.act == "rotate"
            before = await chain.entry.refresh() if replaces else None
            view = await chain.entry.publish(arguments.expected_version, replaces=replaces)
        except VersionConflict as error:
            return _tell_conflict(chain, error, arguments)
        if before is not None and before.status.value == "same":
            sys.stderr.write("Nothing to rotate to: `agentmail-tui keys generate` makes a key.\n")
        return _tell_entry(view, arguments)


def _tell_conflict(chain: Keychain, error: VersionConflict, arguments: argparse.Namespace) -> int:
    from services.keys import words
    from tui.key_listing import directory_json

    found = chain.entry.shown(error.found)
    mine = words.view(chain.own_keys.require_current().fingerprint)
    told = {
        "conflict": {
            "expected_version": error.expected,
            "found": directory_json(found),
            "mine": mine.raw,
        }
    }
    theirs = found.fingerprint.groups if found.fingerprint else "no key that can be read"
    lines = [
        f"The directory has version {found.version}: {theirs}",
        f"Your current key:       {mine.groups}",
        str(found.sentence),
        f"To replace it: agentmail-tui keys rotate --expected-version {found.version}",
    ]
    if arguments.json:
        print_json(told)
    else:
        sys.stderr.write("".join(f"{line}\n" for line in lines))
    return error.exit_code


async def _revoke(profile: Profile, arguments: argparse.Namespace) -> int:
    question = "Nobody will be able to encrypt to you until you publish a key again."
    if not asking.confirmed(question, "revoke", is_agreed=arguments.yes):
        sys.stderr.write("Nothing was revoked.\n")
        return 1
    async with keychain_of(profile, online=True) as chain:
        return _tell_entry(await chain.entry.revoke(), arguments)


def _tell_entry(view: DirectoryView, arguments: argparse.Namespace) -> int:
    from tui.key_listing import directory_json

    version = f"Version {view.version}. " if view.version else ""
    tell(arguments, {"directory": directory_json(view)}, [f"{version}{view.sentence}"])
    return 0


def _tell_key(chain: Keychain, key: OwnKey, arguments: argparse.Namespace) -> int:
    from tui.key_listing import own_json, own_lines

    shown = next(one for one in _view(chain).own if one.fingerprint.raw == key.fingerprint)
    path = chain.own_keys.files.path(key.fingerprint)
    told = {"key": own_json(shown), "file": str(path)}
    tell(arguments, told, [*own_lines(shown), f"    in {path}"])
    return 0


def _view(chain: Keychain) -> KeysView:
    from services.keys.views import kept_sentence, keys_view

    return keys_view(chain, chain.now, kept=kept_sentence(bool(chain.keeper.get())))


_ACTS: Final[dict[str, Work]] = {
    "list": _list,
    "generate": _generate,
    "import": _import,
    "use": _use,
    "export": _export,
    "publish": _publish,
    "rotate": _publish,
    "revoke": _revoke,
    "lock": _lock,
}
