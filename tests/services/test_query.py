"""The query language: every text means something, and both sides are folded alike."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.query import Field, Query, Term, fold, parse


def _now() -> float:
    return datetime(2026, 11, 21, 13, 30, tzinfo=UTC).timestamp()


def _at(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


ANY, FROM, SUBJECT = Field.ANY, Field.FROM, Field.SUBJECT


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("  \t ", ()),
        ("Two  words", (Term(ANY, "two"), Term(ANY, "words"))),
        ('"Two  words"', (Term(ANY, "two words"),)),
        ('"still open', (Term(ANY, "still open"),)),
        ("same same", (Term(ANY, "same"),)),
        ("-spam", (Term(ANY, "spam", negated=True),)),
        ('-"a b"', (Term(ANY, "a b", negated=True),)),
        ("e-mail", (Term(ANY, "e-mail"),)),
        ("-", (Term(ANY, "-"),)),
        ("from:Ada@X.example", (Term(FROM, "ada@x.example"),)),
        ('FROM:"Ada L" x', (Term(FROM, "ada l"), Term(ANY, "x"))),
        ('-subject:"build failed"', (Term(SUBJECT, "build failed", negated=True),)),
        ("label:Work", (Term(Field.LABEL, "work"),)),
        ("is:unread", (Term(Field.IS, "unread"),)),
        ("is:unr", (Term(ANY, "is:unr"),)),
        ("has:attachment", (Term(Field.HAS, "attachment"),)),
        ("has:attachments", (Term(Field.HAS, "attachment"),)),
        ("has:fun", (Term(ANY, "has:fun"),)),
        ("from:", (Term(ANY, "from:"),)),
        ('from:""', (Term(ANY, "from:"),)),
        ("https://x.example/a", (Term(ANY, "https://x.example/a"),)),
        ("re: hello", (Term(ANY, "re:"), Term(ANY, "hello"))),
        ("12:30", (Term(ANY, "12:30"),)),
        ("any:thing", (Term(ANY, "any:thing"),)),
        ("before:2026-11-05", (Term(Field.BEFORE, "2026-11-05", moment=_at(2026, 11, 5)),)),
        ("after:2026-11", (Term(Field.AFTER, "2026-11", moment=_at(2026, 11, 1)),)),
        ("after:2026", (Term(Field.AFTER, "2026", moment=_at(2026, 1, 1)),)),
        ("-after:today", (Term(Field.AFTER, "today", True, _at(2026, 11, 21)),)),
        ("after:yesterday", (Term(Field.AFTER, "yesterday", moment=_at(2026, 11, 20)),)),
        ("after:7d", (Term(Field.AFTER, "7d", moment=_at(2026, 11, 14)),)),
        ("before:2w", (Term(Field.BEFORE, "2w", moment=_at(2026, 11, 7)),)),
        ("after:2026-02-30", (Term(ANY, "after:2026-02-30"),)),
        ("before:0000", (Term(ANY, "before:0000"),)),
        ("before:9999y", (Term(ANY, "before:9999y"),)),
        ("before:soon", (Term(ANY, "before:soon"),)),
    ],
)
def test_a_text_means_these_terms(text: str, terms: tuple[Term, ...]) -> None:
    assert parse(text, _now) == Query(terms)


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from('-:" afrombeisl29d'))))
def test_no_text_raises_and_every_value_is_folded(text: str) -> None:
    for term in parse(text).terms:
        assert term.value
        assert fold(term.value) == term.value


def test_days_are_those_of_the_operators_own_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Etc/GMT-5")
    time.tzset()
    (term,) = parse("after:2026-11-05").terms
    assert term.moment == _at(2026, 11, 5) - 5 * 3_600


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Résumé", "resume"),
        ("STRASSE straße", "strasse strasse"),
        ("ＷＩＤＥ", "wide"),
        ("pay\u200bpal\u00ad\u2060", "paypal"),
        ("a\u0301\u0327", "a"),
        ("İstanbul", "istanbul"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
        ("one\n two\t\u00a0\u3000three\0", "one two three"),
        ("ﬁle №5", "file no5"),
        ("\ud800", "\ud800"),
        ("日本", "日本"),
    ],
)
def test_folding_levels_what_looks_alike(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded


def test_a_query_of_a_megabyte_is_read_up_to_the_limit() -> None:
    assert len(parse('a"' * 500_000).terms) <= 1_000
