"""Safe text: whatever comes in, nothing that a terminal obeys and nothing unseen comes out."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.safe_text import (
    MARKS_PER_LETTER,
    Cleaned,
    SafeText,
    clean_address,
    clean_line,
    clean_text,
    clean_url,
    inspect_line,
    reveal_text,
)
from tests.services.mail_corpora import corpora

BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
ODD = st.sampled_from(
    [
        *BIDI,
        *"\x00\x07\x08\x0b\x0c\r\n\t\x1b\x7f\x85\x9b\x9d\u2028\u200b\u200c\u200d\xad\ufeff️",
        "\U000e0041",
        "�",
        "�",
        "\ue000",
        "̵",
        "́",
        "ㅤ",
        "⠀",
        "👨",
        "ي",
        "a",
        ">",
    ]
)
TEXT = st.one_of(st.text(), st.text(st.characters()), st.lists(ODD).map("".join))

unhurried = settings(deadline=None, max_examples=150)


def forbidden(text: str, *, line_feed: bool) -> list[str]:
    return [
        char
        for char in text
        if (
            unicodedata.category(char) in ("Cc", "Cs", "Co", "Zl", "Zp")
            and not (line_feed and char == "\n")
        )
        or char in BIDI
        or 0xE0000 <= ord(char) <= 0xE0FFF
    ]


@unhurried
@given(TEXT)
def test_no_line_holds_what_a_terminal_obeys(text: str) -> None:
    for cleaned in (clean_line(text), clean_address(text)):
        assert forbidden(cleaned, line_feed=False) == []
        assert isinstance(cleaned, SafeText)


@unhurried
@given(TEXT)
def test_no_body_holds_what_a_terminal_obeys(text: str) -> None:
    for cleaned in (clean_text(text).text, reveal_text(text).text):
        assert forbidden(cleaned, line_feed=True) == []


@unhurried
@given(TEXT)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    line, body, shown = clean_line(text), clean_text(text).text, reveal_text(text).text
    assert clean_line(line) == line
    assert clean_text(body).text == body
    assert reveal_text(shown).text == shown


@unhurried
@given(TEXT)
def test_a_url_is_printable_ascii(text: str) -> None:
    assert all("\x21" <= char <= "\x7e" for char in clean_url(text))


@unhurried
@given(st.text(st.sampled_from("a\u0301\u0335\u200b\u202e"), max_size=60))
def test_marks_never_pile_up(text: str) -> None:
    run = longest = 0
    for char in clean_text(text).text:
        run = run + 1 if unicodedata.combining(char) else 0
        longest = max(longest, run)
    assert longest <= MARKS_PER_LETTER


@unhurried
@given(st.integers(2, 50), TEXT)
def test_a_line_keeps_its_limit(limit: int, text: str) -> None:
    assert len(clean_line(text, limit)) <= limit


def test_a_cut_line_says_so_even_when_hidden_characters_were_cut() -> None:
    assert clean_line("\u200b" * 9_000 + "tail", 100).endswith("…")


@pytest.mark.parametrize(
    "text",
    ["[URGENT] pay now", "[team-list] x", "[PATCH v2 1/3] x", ":warning: x", "[$error]x[/]", "[/]",
     "[@click=app.quit]x[/]", "[a=b", "ends with \\", "\\[x]\\"],
)  # fmt: skip
def test_brackets_are_only_brackets(text: str) -> None:
    assert clean_line(text) == text


def test_every_hostile_string_is_clean_and_visible() -> None:
    strings = json.loads((corpora() / "generated" / "strings.json").read_text())
    for name, text in strings["strings"]:
        cleaned = inspect_line(text)
        assert forbidden(cleaned.text, line_feed=False) == [], name
        assert cleaned.text.strip() or not text.strip(), name


def test_controls_and_bidi_are_shown_as_marks() -> None:
    assert clean_line("a\x1b]0;x\x07b") == "a␛]0;x␇b"
    assert clean_line("invoice_\u202efdp.exe") == "invoice_<RLO>fdp.exe"
    assert clean_line("pay\u200b\u200bpal") == "pay<ZWSP×2>pal"


def test_padding_of_a_newsletter_is_counted_not_shown() -> None:
    cleaned = clean_text("Hello" + "\u200c\u00a0" * 100 + "\nworld")
    assert cleaned.text.split() == ["Hello", "world"]
    assert cleaned.hidden == 100


@pytest.mark.parametrize(
    "url", ["https://a.example/\x1b\\\x1b]0;t\x07", "https://а.example/\u202e"]
)
def test_a_link_target_shows_controls_percent_encoded(url: str) -> None:
    cleaned = clean_url(url)
    assert cleaned.startswith("https://")
    assert "%1B" in cleaned or "%D0%B0" in cleaned


@pytest.mark.parametrize("mark", ["\u0903", "\u093f", "\U0001d165", "\u0301"], ids=ascii)
def test_marks_with_and_without_width_are_capped_alike(mark: str) -> None:
    shown = inspect_line(f"a{mark * 100}b")
    assert shown.text == f"a{mark * MARKS_PER_LETTER}b"
    assert shown.hidden == 96


def test_skin_tones_neither_pile_up_nor_stand_alone() -> None:
    tone = "\U0001f3ff"
    assert clean_line(f"👍{tone}x") == "👍x"
    assert clean_text(f"👍{tone}x").text == f"👍{tone}x"
    assert clean_line(tone * 3) == "\ufffd" * 3
    assert clean_text(f"👍{tone}{tone}").text == f"👍{tone}\ufffd"


@pytest.mark.parametrize(
    "emoji",
    ["👩🏽\u200d🚀", "\u2764\ufe0f\u200d🔥", "🏳\ufe0f\u200d🌈", "👨\u200d👩\u200d👧"],
    ids=ascii,
)
def test_a_joined_emoji_hides_nothing(emoji: str) -> None:
    assert clean_text(emoji) == Cleaned(SafeText(emoji), 0)
    assert inspect_line(emoji).hidden == 0


@pytest.mark.parametrize(
    "hidden", ["\u200d\u200d", "\ufe0f\ufe0f", "\u200d\ufe0f\u200d"], ids=ascii
)
def test_joiners_behind_a_joiner_are_hidden_characters(hidden: str) -> None:
    assert inspect_line(f"🔥{hidden}🔥").hidden >= 1
