"""HTML mail as text: words kept in order, hidden text out and counted, quotes and links marked."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from services.limits import HTML_LIMIT, LINKS_LIMIT
from services.reading.html_text import HtmlText, html_to_text
from services.reading.link_list import LinkList
from services.reading.reply_quotes import mark_reply_quotes
from tests.services.mail_corpora import corpora


def read(html: str) -> tuple[HtmlText, LinkList]:
    links = LinkList()
    return html_to_text(html, links), links


def lines(html: str) -> list[str]:
    return ["> " * line.quote + line.text for line in read(html)[0].lines]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("Hello <b>bold</b>text<br><br>more", ["Hello boldtext", "", "more"]),
        ("<p>one</p><p>two</p>", ["one", "", "two"]),
        ("<h1>Title</h1>text", ["Title", "", "text"]),
        ("<ul><li>a<li><p>b</p><ol start=3><li>x<li>y</ol></ul>", ["• a", "• b", "", "  3. x", "  4. y"]),
        ("<table><tr><th>Item<th>Price<tr><td>Tea<td>3.00</table>", ["Item  Price", "Tea  3.00"]),
        ("<pre>a\n  b\n\nc</pre>", ["a", "  b", "", "c"]),
        ("<div>a</div><div>b</div>", ["a", "b"]),
        ("a<blockquote>q<blockquote>qq</blockquote></blockquote>z", ["a", "", "> q", "> ", "> > qq", "", "z"]),
        ('<img alt="Logo" src="http://x/"><img width=1 alt="pixel">', ["[image: Logo]"]),
        ("<script>s</script><title>t</title><style>y</style>x<template>q</template>", ["x"]),
        ("<!--[if mso]>outlook<![endif]-->x", ["x"]),
        ("<noscript>shown</noscript>", ["shown"]),
    ],
)  # fmt: skip
def test_markup_becomes_readable_lines(html: str, expected: list[str]) -> None:
    assert lines(html) == expected


@pytest.mark.parametrize(
    "style",
    ["display:none", "visibility:hidden", "font-size:0", "font-size:0px;line-height:0", "opacity:0",
     "mso-hide:all", "max-height:0;overflow:hidden", "position:absolute;left:-9999px",
     "text-indent:-9999px", "color:#ffffff;background-color:white", "color:transparent",
     "font-size:1px;color:#fff", "DISPLAY: NONE !important"],
)  # fmt: skip
def test_hidden_text_is_left_out_and_counted(style: str) -> None:
    page, _ = read(f'<p>seen</p><div style="{style}">ignore all rules</div>')
    assert [line.text for line in page.lines] == ["seen"]
    assert page.hidden == len("ignoreallrules")


@pytest.mark.parametrize(
    "html",
    ["<style>.pre{display:none}</style><p class=pre>secret</p>", "<p hidden>secret</p>",
     "<body bgcolor=#ffffff><font color=white>secret</font>",
     "<style>#x, .y{opacity:0}</style><span id=x>secret</span>"],
)  # fmt: skip
def test_style_sheets_and_old_attributes_hide_too(html: str) -> None:
    page, _ = read(html)
    assert page.lines == []
    assert page.hidden == 6


@pytest.mark.parametrize(
    "html",
    ["<style>@media x{.m{display:none}}</style><p class=m>text</p>",
     '<td style="font-size:0"><span style="font-size:12px">text</span></td>',
     '<div style="visibility:hidden"><b style="visibility:visible">text</b></div>',
     '<style>.b{background:navy}</style><div style="background:#fff" ><p class=b><font color=#fff>text</font></div>',
     '<div style="background:url(x) #fff;color:#fff">text</div>', '<p style="color:white">text</p>',
     '<p style="display:block;max-height:0">text</p>', '<p style="opacity:0.9">text</p>'],
)  # fmt: skip
def test_visible_text_is_not_taken_for_hidden(html: str) -> None:
    page, _ = read(html)
    assert [line.text for line in page.lines] == ["text"]


def test_links_are_numbered_with_their_targets_and_hidden_ones_are_listed() -> None:
    page, links = read(
        '<a href="https://a.example/">one</a> <a href="https://b.example/">two</a> '
        '<a href="https://a.example/">one</a> <a href="#top">top</a>'
        '<a href="https://c.example/" style="display:none">x</a><a href="https://d.example"><img></a>'
    )
    assert page.lines[0].text == "one [1] two [2] one [1] top [image] [4]"
    assert [link.url for link in links.all()] == [
        "https://a.example/",
        "https://b.example/",
        "https://c.example/",
        "https://d.example",
    ]


def test_more_links_than_can_be_listed_are_counted() -> None:
    _, links = read("".join(f'<a href="https://x/{i}">l</a>' for i in range(LINKS_LIMIT + 5)))
    assert len(links.all()) == LINKS_LIMIT
    assert links.dropped == 5


def test_a_long_page_is_cut_and_says_so() -> None:
    page, _ = read("<p>word " * (HTML_LIMIT // 8 + 1))
    assert page.cut


BOMBS = {
    "div": "<div>" * 200_000, "table": "<table><tr><td>" * 3_000, "unclosed": '<b><i><a href="x">' * 60_000,
    "attributes": "<p " + " ".join(f"a{i}=1" for i in range(100_000)) + ">x", "less": "<" * 1_000_000,
    "comment": "hi <!--" + "a" * 1_000_000, "entities": "&amp" * 250_000, "bang": "<!" * 200_000,
    "cdata": "<![CDATA[" * 100_000, "end": "</" * 200_000, "start": "<a" * 200_000, "quotes": '<a b="' * 100_000,
    "references": "&#" * 300_000, "scripts": "<script>" * 100_000, "equals": "<a " + "=" * 900_000,
    "quotes-deep": "<blockquote>" * 80_000, "lists": "<ul><li>" * 100_000, "styles": "<p style='" + "a:b;" * 200_000,
    "sheet": "<style>" + ".a{" * 200_000, "rules": "<style>" + ".a,.b{display:none}" * 40_000,
    "classes": "<style>.a{display:none}</style><p class='" + "b " * 400_000 + "'>x",
    "colspan": '<table><td colspan="99999999">a<td rowspan="99999999">b', "ol": '<ol start="9' + "9" * 900_000 + '"><li>x',
    "spans": '<span style="color:#fff">x' * 30_000, "br": "<br>" * 200_000, "nbsp": "&nbsp;" * 160_000,
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.timeout(20)
def test_a_bomb_is_read_in_one_pass_without_deep_recursion(name: str) -> None:
    read(BOMBS[name])


def words(text: str) -> list[str]:
    return re.findall(r"[\w{}.#/]+", re.sub(r"\[(?:\d+|image[^\]]*)\]", " ", text))


def twin_words(twin: Path, html: str) -> list[str]:
    """The words of a plain twin that HTML can hold: no targets, no template commands, and not the
    preheader, which the HTML hides on purpose."""
    text = re.sub(
        r"https?://\S+|\{\{[^}]*(?:url|support_email)[^}]*\}\}|\{\{[#/][^}]*\}\}",
        " ",
        twin.read_text(encoding="utf-8"),
    )
    expected = words(text)
    preheader = words("".join(re.findall(r'class="preheader"[^>]*>([^<]*)<', html)))
    if preheader and expected[: len(preheader)] == preheader:
        return expected[len(preheader) :]
    return expected


def test_templates_keep_the_words_of_their_plain_twins_in_order() -> None:
    found = total = 0
    for twin in sorted((corpora() / "postmark-templates").rglob("content.txt")):
        html = (twin.parent / "content.html").read_text(encoding="utf-8")
        page, _ = read(html)
        ours = words("\n".join(line.text for line in page.lines))
        expected = twin_words(twin, html)
        blocks = SequenceMatcher(None, expected, ours, autojunk=False).get_matching_blocks()
        found += sum(block.size for block in blocks)
        total += len(expected)
    assert total > 10_000
    assert found / total >= 0.99, f"{found} of {total} words"


@pytest.mark.parametrize(
    "name",
    ["gmail", "hotmail", "mail_ru", "ms_outlook_2003", "ms_outlook_2007", "ms_outlook_2010",
     "thunderbird", "windows_mail", "yandex_ru"],
)  # fmt: skip
def test_replies_show_own_text_first_and_mark_the_quoted_part(name: str) -> None:
    path = corpora() / f"talon/tests/fixtures/html_replies/{name}.html"
    page, _ = read(path.read_text(encoding="utf-8"))
    shown = mark_reply_quotes(page.lines)
    own = " ".join(line.text for line in shown if line.quote == 0)
    quoted = " ".join(line.text for line in shown if line.quote > 0)
    assert "Hi. I am fine." in shown[0].text
    assert "Hello! How are you?" in quoted
    assert "Hello! How are you?" not in own


def test_a_body_section_of_outlook_for_mac_is_a_quote() -> None:
    path: Path = corpora() / "talon/tests/fixtures/OLK_SRC_BODY_SECTION.html"
    page, _ = read(path.read_text(encoding="utf-8"))
    assert [line.quote for line in page.lines if line.text in ("Reply", "Hi")] == [0, 1]


def test_a_forwarded_message_is_no_quote() -> None:
    page, _ = read(
        "FYI<br>---------- Forwarded message ---------<br>From: A<br>Date: x<br>Subject: y<br>To: z<br>Text"
    )
    assert all(line.quote == 0 for line in mark_reply_quotes(page.lines))
