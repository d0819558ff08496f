"""When a command may run: named pure functions over a frozen picture of the screen.

Closes the trap of availability decided in three places (hint bar, palette, action) that drift apart:
all of them ask the same guard and show the same reason. A guard answers with the reason why not, or
with nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from services.safe_text import EMPTY, SafeText, ui
from tui.account_guards import ACCOUNT_GUARDS
from tui.compose_guards import COMPOSE_GUARDS
from tui.outbound_guards import OUTBOUND_GUARDS
from tui.situation import Context, Situation
from tui.transfer_guards import TRANSFER_GUARDS

Guard = Callable[[Situation], SafeText]


def always(_: Situation) -> SafeText:
    """Nothing stands against it."""
    return EMPTY


def has_rows(situation: Situation) -> SafeText:
    """There is at least one row to move over."""
    return EMPTY if situation.rows else ui("The list is empty.")


def can_change(situation: Situation) -> SafeText:
    """Messages are at hand and this instance may write."""
    if situation.read_only:
        return ui("Another instance writes to this mailbox; this one only reads.")
    if situation.sent:
        return ui("This was sent from here: it can be read, and not changed.")
    return EMPTY if situation.targets else ui("No message is under the cursor.")


def can_write(situation: Situation) -> SafeText:
    """This instance may write to the cache."""
    if situation.read_only:
        return ui("Another instance writes to this mailbox; this one only reads.")
    return EMPTY


def has_message(situation: Situation) -> SafeText:
    """A message is open or under the cursor."""
    if situation.open_message or situation.targets:
        return EMPTY
    return ui("No message is under the cursor.")


def can_answer(situation: Situation) -> SafeText:
    """A message of the mailbox, or one that was sent from here, is open or under the cursor."""
    if situation.context in (Context.SHELF, Context.SHELVED) and not situation.sent:
        return ui(
            "What lies here is only read: answer and forward what is in the mailbox, or sent."
        )
    return has_message(situation)


def has_open_message(situation: Situation) -> SafeText:
    """A message is open in the reader."""
    return EMPTY if situation.open_message else ui("Open a message first.")


def has_links(situation: Situation) -> SafeText:
    """The open message holds links."""
    if not situation.open_message:
        return ui("Open a message first.")
    return EMPTY if situation.links else ui("This message has no links.")


def has_files(situation: Situation) -> SafeText:
    """The open message has attachments."""
    if not situation.open_message:
        return ui("Open a message first.")
    return EMPTY if situation.files else ui("This message has no attachments.")


def is_saving(situation: Situation) -> SafeText:
    """There is a transfer to give up."""
    return EMPTY if situation.saving else ui("Nothing is being saved.")


def can_undo(situation: Situation) -> SafeText:
    """Something that was sent can be taken back, or this instance may write to the cache."""
    return EMPTY if situation.sending else can_write(situation)


def has_search_text(situation: Situation) -> SafeText:
    """There is a search text to send to the server."""
    return EMPTY if situation.search_text else ui("Type a search first: press / and some words.")


def is_narrowed(situation: Situation) -> SafeText:
    """There is a filter or a selection to clear."""
    if situation.narrowed or situation.selected:
        return EMPTY
    return ui("Nothing to clear.")


def can_sign_in(situation: Situation) -> SafeText:
    """Accounts can be set up from here: the demo's end with it."""
    if situation.can_change_account:
        return EMPTY
    return ui("The demo has accounts of its own; start agentmail-tui without `demo` for yours.")


def is_closed(situation: Situation) -> SafeText:
    """The open message would open with the passphrase."""
    return EMPTY if situation.closed else ui("This message does not wait for a passphrase.")


def has_key(situation: Situation) -> SafeText:
    """There is an own key."""
    return EMPTY if situation.has_key else ui("There is no key yet: generate or import one.")


def can_unlock(situation: Situation) -> SafeText:
    """There is a key that waits for its passphrase, though others may be open."""
    if situation.locked:
        return EMPTY
    return has_key(situation) or ui("The key is unlocked.")


def can_lock(situation: Situation) -> SafeText:
    """There is a key, and it is unlocked."""
    return EMPTY if situation.unlocked else ui("No key is unlocked.")


def can_publish(situation: Situation) -> SafeText:
    """There is a key, and the directory does not have it yet, as far as is known."""
    if situation.same_published:
        return ui("The directory has this key already.")
    return has_key(situation)


def is_published(situation: Situation) -> SafeText:
    """The directory has something to revoke."""
    return EMPTY if situation.published else ui("The directory holds no key of yours.")


def has_entry(situation: Situation) -> SafeText:
    """The cursor stands on something."""
    return EMPTY if situation.entry else ui("Nothing is under the cursor.")


def has_peer(situation: Situation) -> SafeText:
    """The cursor stands on a peer."""
    return EMPTY if situation.entry in ("peer", "changed") else ui("Put the cursor on a peer.")


def has_peer_or_domain(situation: Situation) -> SafeText:
    """The cursor stands on a peer or a domain."""
    return EMPTY if situation.entry == "domain" else has_peer(situation)


def can_forget(situation: Situation) -> SafeText:
    """The cursor stands on a peer or a trusted sender."""
    return EMPTY if situation.entry == "trusted" else has_peer(situation)


def offers_trusted(situation: Situation) -> SafeText:
    """The service keeps a list of trusted senders."""
    return EMPTY if situation.offers_trusted else ui("This service keeps no such list.")


GUARDS: Final[Mapping[str, Guard]] = MappingProxyType(
    {
        guard.__name__: guard
        for guard in (
            always,
            has_rows,
            can_change,
            can_write,
            has_message,
            can_answer,
            has_open_message,
            has_links,
            has_files,
            is_saving,
            can_undo,
            has_search_text,
            is_narrowed,
            can_sign_in,
            is_closed,
            has_key,
            can_publish,
            can_unlock,
            can_lock,
            is_published,
            has_entry,
            has_peer,
            has_peer_or_domain,
            can_forget,
            offers_trusted,
            *OUTBOUND_GUARDS,
            *TRANSFER_GUARDS,
            *COMPOSE_GUARDS,
            *ACCOUNT_GUARDS,
        )
    }
)


def reason_against(guard: str, situation: Situation) -> SafeText:
    """Why the command behind this guard cannot run now; empty when it can."""
    return GUARDS[guard](situation)
