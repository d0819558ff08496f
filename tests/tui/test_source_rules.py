"""T05: what our own source may not do with Textual, read from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for folder in ("tui", "widgets") for path in (ROOT / folder).rglob("*.py"))
PARSES_MARKUP = {
    "Static", "Label", "Button", "Checkbox", "RadioButton", "Select", "SelectionList", "Tab",
    "TabPane", "Collapsible", "Option", "OptionList", "Hit", "DiscoveryHit", "Tree", "DataTable",
}  # fmt: skip
ATTRIBUTES = {"border_title", "border_subtitle", "tooltip"}
SAFE_MAKERS = {"Content", "Text", "content_of", "ui"}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def is_safe(node: ast.expr) -> bool:
    """A literal of ours, or something wrapped so that no markup is read."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Starred):
        return isinstance(node.value, ast.GeneratorExp) and is_option(node.value.elt)
    return isinstance(node, ast.Call) and name_of(node.func) in SAFE_MAKERS


def is_option(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and name_of(node.func) == "Option"


def without_markup(call: ast.Call) -> bool:
    return any(
        word.arg == "markup" and isinstance(word.value, ast.Constant) and word.value.value is False
        for word in call.keywords
    )


def offences(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        found: tuple[str, ...] = ()
        if isinstance(node, ast.Call):
            found = tuple(call_offences(node, path.name))
        elif isinstance(node, ast.ImportFrom | ast.Import):
            found = tuple(import_offences(node, path.name))
        elif isinstance(node, ast.Assign):
            found = tuple(assign_offences(node))
        for offence in found:
            yield f"{path.name}:{getattr(node, 'lineno', 0)} {offence}"


def call_offences(node: ast.Call, file: str) -> Iterator[str]:
    name, plain = name_of(node.func), without_markup(node)
    if name == "notify" and (file != "notices.py" or not plain):
        yield "notify outside of notices.py, or with markup"
    if name in PARSES_MARKUP and not plain and not all(map(is_safe, node.args[:1])):
        yield f"{name} of a text that may hold markup"
    if name in ("OptionList", "Static") and not plain:
        yield f"{name} without markup=False"
    if name in ("Markdown", "from_markup", "RichLog", "Log"):
        yield f"{name} reads its text"


def import_offences(node: ast.ImportFrom | ast.Import, file: str) -> Iterator[str]:
    if any(alias.name == "escape" for alias in node.names):
        yield "escape does not make markup safe"
    from_engine = isinstance(node, ast.ImportFrom) and node.module == "services.engine"
    if from_engine and file != "bridge.py":
        yield "only the bridge knows the engine"


def assign_offences(node: ast.Assign) -> Iterator[str]:
    for target in node.targets:
        titled = isinstance(target, ast.Attribute) and target.attr in ATTRIBUTES
        if titled and not is_safe(node.value):
            yield "this title reads markup"


def test_no_surface_of_textual_is_given_text_that_it_would_parse() -> None:
    assert [one for path in FILES for one in offences(path)] == []


@pytest.mark.parametrize(
    "source",
    [
        "Static(subject)",
        "Label(row.subject)",
        "Button(f'Delete {subject}')",
        "OptionList(*subjects)",
        "Option(subject)",
        "self.notify(subject)",
        "widget.border_title = subject",
        "Markdown(body)",
        "from rich.markup import escape",
        "from services.engine import Engine",
    ],
)
def test_the_rule_sees_each_offence(source: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(source)
    assert list(offences(bad))


def test_ui_marks_only_words_of_our_own() -> None:
    """`ui` takes a literal, or a name that stands for one of our own tables, never mail text."""
    allowed = {"word", "word.capitalize()"}
    found = []
    for path in FILES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and name_of(node.func) == "ui" and node.args:
                argument = node.args[0]
                if not is_own_words(argument) and ast.unparse(argument) not in allowed:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(argument)}")
    assert found == []


OWN = (
    "command.",
    "context",
    "_pane",
    "group",
    "owner",
    "loser",
    "name",
    "_MARKS",
    "_NAMED",
    "BY_ID",
)


def is_own_words(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.IfExp):
        return is_own_words(node.body) and is_own_words(node.orelse)
    return any(word in ast.unparse(node) for word in OWN)
