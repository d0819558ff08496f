"""What the compose screen says about a draft: how it leaves, what goes with it, whether it is saved."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from services.draft import BodyFormat, DraftKind, Encryption
from services.safe_text import SafeText, clean_line, phrase, ui
from tui.screens.compose_files import carried_words
from widgets.cells import size_words
from widgets.draft_files import FileLine
from widgets.facts_line import Fact

if TYPE_CHECKING:
    from services.draft import Draft, DraftFile
    from tui.open_draft import OpenDraft
    from tui.session import Session

_KINDS: Final = {
    DraftKind.REPLY: ui("reply"),
    DraftKind.REPLY_ALL: ui("reply to all"),
    DraftKind.FORWARD: ui("forward"),
    DraftKind.MARKET_REQUEST: ui("marketplace request"),
    DraftKind.MARKET_RESPONSE: ui("marketplace answer"),
}

_FORMATS: Final = {BodyFormat.MARKDOWN: ui("Markdown"), BodyFormat.HTML: ui("HTML")}


def draft_facts(draft: OpenDraft, session: Session) -> tuple[Fact, ...]:
    """The facts in the order of the row; what must not be missed has the lowest rank."""
    return tuple(_facts(draft, session))


def _facts(draft: OpenDraft, session: Session) -> Iterator[Fact]:
    base, glyphs = draft.base, session.glyphs
    if draft.trouble:
        yield Fact(phrase("NOT SAVED: {}", draft.trouble), "danger", 0)
    if draft.is_sealed:
        yield Fact(phrase("{} encrypted, or it does not leave", glyphs.encrypted), "good", 1)
    elif base.answers_encrypted:
        yield Fact(ui("! in clear, and it answers an encrypted message"), "caution", 1)
    else:
        yield Fact(ui("in clear"), "text", 1)
    yield from _way(base)
    yield from (Fact(phrase("! {}", sentence), "caution", 1) for sentence, _ in draft.hindrances)
    if draft.remark:
        yield Fact(draft.remark, "caution", 2)
    if base.files:
        yield Fact(_files_words(draft), "text", 4)
    if base.send_at:
        yield Fact(phrase("leaves {}", _moment(base.send_at)), "text", 3)
    if base.kind in _KINDS:
        yield Fact(_KINDS[base.kind], "muted", 6)
    if base.agent:
        yield Fact(phrase("proposed by {}", clean_line(base.agent, 60)), "caution", 2)
    if draft.saved_at:
        at = time.strftime("%H:%M", time.localtime(draft.saved_at))
        yield Fact(phrase("saved {}", clean_line(at)), "muted", 7)


def _way(draft: Draft) -> Iterator[Fact]:
    if draft.via and draft.format is BodyFormat.PLAIN:
        yield Fact(ui("by Amazon SES"), "text", 2)
    elif draft.via:
        is_sealed = draft.encryption is Encryption.REQUIRED
        words = "! by Amazon SES, {}: not when encrypted" if is_sealed else "by Amazon SES, {}"
        role = "caution" if is_sealed else "text"
        yield Fact(phrase(words, _FORMATS[draft.format]), role, 2)


def _files_words(draft: OpenDraft) -> SafeText:
    files = draft.base.files
    size = size_words(sum(max(0, _size(file, draft)) for file in files))
    word = ui("file") if len(files) == 1 else ui("files")
    return phrase("{} {}, {}", len(files), word, clean_line(size))


def _moment(at: int) -> SafeText:
    return clean_line(time.strftime("%-d %b %Y %H:%M", time.localtime(at)))


def file_lines(draft: OpenDraft) -> tuple[FileLine, ...]:
    """The files of a draft as they are shown."""
    return tuple(_file_line(file, draft) for file in draft.base.files)


def _file_line(file: DraftFile, draft: OpenDraft) -> FileLine:
    remark, progress = carried_words(draft.carried.get(file.path))
    return FileLine(
        clean_line(file.name),
        clean_line(file.content_type),
        _size(file, draft),
        encrypted=draft.is_sealed,
        remark=remark,
        progress=progress,
    )


def _size(file: DraftFile, draft: OpenDraft) -> int:
    carried = draft.carried.get(file.path)
    return file.size if carried is None else carried.size
