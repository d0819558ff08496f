"""The commands of the review screen, and those of a decision, as data like those of `commands`.

Closes the trap of mail that leaves by a habit: sending and approving have keys of their own here, which
send nothing anywhere else, and neither Enter nor Space is one of them.
"""

from __future__ import annotations

from typing import Final

from tui.command import APPROVALS, DECIDE, MOVE, PROGRAM, READ, REVIEW, SEND, Command

_BOTH: Final = REVIEW | APPROVALS

_DECIDE: Final = (
    Command(
        "send_mail",
        "Send",
        "Sends exactly what is on screen; for some seconds it can be taken back.",
        ("ctrl+x", "y"),
        REVIEW,
        SEND,
        guard="can_send",
        hint="send",
        rank=1,
    ),
    Command(
        "approve",
        "Approve and send",
        "Sends exactly what is on screen in the agent's place, once all of it was on screen.",
        ("A",),
        _BOTH,
        DECIDE,
        guard="can_approve",
        hint="approve this text",
        rank=1,
    ),
    Command(
        "edit_mail",
        "Edit",
        "Opens the draft; what is changed has to be reviewed again.",
        ("e",),
        _BOTH,
        SEND,
        guard="has_draft",
        hint="edit",
        rank=2,
    ),
    Command(
        "schedule_mail",
        "Send later",
        "Says when the mail leaves; then it has to be reviewed again.",
        ("s",),
        REVIEW,
        SEND,
        guard="is_own",
        hint="later",
        rank=4,
    ),
    Command(
        "reject",
        "Reject with a reason",
        "Refuses the proposal; its agent can read the reason.",
        ("X",),
        _BOTH,
        DECIDE,
        guard="can_reject",
        hint="reject",
        rank=3,
    ),
    Command(
        "compare_revisions",
        "What the last revision changed",
        "Shows the difference to the revision before, or the whole mail again.",
        ("d",),
        _BOTH,
        DECIDE,
        guard="is_proposal",
        hint="diff",
        rank=5,
    ),
)

_LOOK: Final = (
    Command(
        "unfold_text",
        "Whole text",
        "Shows all of a long text, or folds it again.",
        ("T",),
        _BOTH,
        READ,
        guard="has_row",
    ),
    Command(
        "file_details",
        "Whole hashes",
        "Shows whole hashes and the types of the files, or hides them.",
        ("h",),
        _BOTH,
        READ,
        guard="has_draft",
    ),
    Command(
        "review_again",
        "Look again",
        "Looks at the files and the recipients' keys as they are now.",
        ("ctrl+r",),
        _BOTH,
        PROGRAM,
    ),
    Command(
        "review_on",
        "Page down in the review",
        "Shows what comes next. It never sends.",
        ("space",),
        _BOTH,
        MOVE,
        hint="page",
        rank=4,
    ),
    Command("review_back", "Page up in the review", "Goes back a page.", ("b",), _BOTH, MOVE),
    Command("review_down", "Line down", "Scrolls by a line.", ("j", "down"), REVIEW, MOVE),
    Command("review_up", "Line up", "Scrolls back by a line.", ("k", "up"), REVIEW, MOVE),
    Command(
        "review_page_down",
        "Page down",
        "Shows the next page.",
        ("pagedown", "ctrl+f"),
        REVIEW,
        MOVE,
    ),
    Command("review_page_up", "Page up", "Goes back a page.", ("pageup", "ctrl+b"), REVIEW, MOVE),
    Command("review_first", "To the start", "Goes to the start.", ("g g", "home"), REVIEW, MOVE),
    Command("review_last", "To the end", "Goes to the end.", ("G", "end"), REVIEW, MOVE),
)

REVIEW_COMMANDS: Final[tuple[Command, ...]] = (*_DECIDE, *_LOOK)
