"""Slack's mrkdwn as the page draws it: styles, mentions, links, moments, and nothing unescaped twice."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import expect

from bot.slack.views import mrkdwn as ours
from tests.playground import gallery_tab
from tests.playground.gallery_tab import Gallery
from tests.slack.hostile import NASTY

pytestmark = pytest.mark.live

# Where pytest looks for fixtures.
browser, still = gallery_tab.browser, gallery_tab.still


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("*bold* _italic_ ~gone~", "<b>bold</b> <i>italic</i> <s>gone</s>"),
        ("*_both_*, _*both*_", "<b><i>both</i></b>, <i><b>both</b></i>"),
        ("(*bold*), *a b* c*", "(<b>bold</b>), <b>a b</b> c*"),
        ("snake_case_name 2*3*4 a * b * c", "snake_case_name 2*3*4 a * b * c"),
        ("*not\nbold* __init__ **x**", "*not\nbold* __init__ **x**"),
        ("*open _and `code*` here", "*open _and <code>code*</code> here"),
        ("*a `x*` b* `*raw*`", "<b>a <code>x*</code> b</b> <code>*raw*</code>"),
        ("`a &lt; b &amp;amp; c`", "<code>a &lt; b &amp;amp; c</code>"),
        ("&amp;lt; &lt;b&gt; &amp;", "&amp;lt; &lt;b&gt; &amp;"),
        ("x ```\na *b*\n&lt;c&gt;\n``` y", "x <pre>a *b*\n&lt;c&gt;</pre> y"),
        ("&gt; one\n&gt; *two*\nthree", "<blockquote>one\n<b>two</b></blockquote>three"),
        ("a\n&gt;&gt;&gt; b\nc", "a<blockquote>b\nc</blockquote>"),
        ("a &gt; b", "a &gt; b"),
        ("• one\n- two\n1. three", "<div>• one</div><div>- two</div><div>1. three</div>"),
        ("<@U0SECOND> <@U0SECOND|liar> <@U0GHOST>", "<span>@sasha.second</span>" * 2 + "<span>@U0GHOST</span>"),
        ("<!subteam^S0ONCALL> <!subteam^S9|@liar>", "<span>@oncall</span><span>@S9</span>"),
        ("<#C0OPS> <#C0OPS|other>", "<span>#ops</span><span>#ops</span>"),
        ("<!here> <!channel|x>", "<span>@here</span><span>@channel</span>"),
        ("`<@U0SECOND>`", "<code><span>@sasha.second</span></code>"),
        ("@here @channel", "<span>@here</span><span>@channel</span>"),
        ("mail@here.example", "mail@here.example"),
        (
            "<https://a.example/?x=1&amp;y=2>",
            '<a href="https://a.example/?x=1&amp;y=2">https://a.example/?x=1&amp;y=2</a>',
        ),
        (
            "*<https://a.example/|the *x* :fire:>*",
            '<b><a href="https://a.example/">the <b>x</b> <span>🔥</span></a></b>',
        ),
        ("see https://a.example/b_c_d.", 'see <a href="https://a.example/b_c_d">https://a.example/b_c_d</a>.'),
        ("*https://a.example/x*", '<b><a href="https://a.example/x">https://a.example/x</a></b>'),
        ("<javascript:alert(1)|press>", "<span>press (javascript:alert(1))</span>"),
        ("<mailto:ops@a.example|ops>", "<span>ops (mailto:ops@a.example)</span>"),
        ("<no-scheme> <> < >", "&lt;no-scheme&gt; &lt;&gt; &lt; &gt;"),
        (":fire::white_check_mark: :nothing_such: 10:41:05 :+1::skin-tone-3:", None),
    ],
)
def test_mrkdwn_reads_as_in_slack(still: Gallery, text: str, drawn: str | None) -> None:
    if drawn is None:
        drawn = "<span>🔥</span><span>✅</span> :nothing_such: 10:41:05 <span>👍🏼</span>"
    else:
        drawn = drawn.replace("</span><span>", "</span> <span>") if "</span><span>" in drawn else drawn
    assert still.mrkdwn(text) == drawn


def test_verbatim_text_has_no_links_and_names_of_its_own(still: Gallery) -> None:
    assert still.mrkdwn("https://a.example @here *b* <!here>", verbatim=True) == (
        "https://a.example @here <b>b</b> <span>@here</span>"
    )


def test_a_link_that_reads_like_another_host_shows_the_real_one(still: Gallery) -> None:
    text = (
        "<https://evil.example/x|https://good.example/login> <https://evil.example|good.example> <https://a.example|a>"
    )
    links = still.one(text=text).locator("a")
    assert [link.get_attribute("title") for link in links.all()] == [
        "https://evil.example/x",
        "https://evil.example/",
        "https://a.example/",
    ]
    assert still.page.locator(".bk-host").all_inner_texts() == [" (evil.example)"] * 2
    assert {link.get_attribute("rel") for link in links.all()} == {"noopener noreferrer"}
    assert {link.get_attribute("target") for link in links.all()} == {"_blank"}


def test_an_address_with_a_name_before_its_host_shows_the_host(still: Gallery) -> None:
    expect(still.one(text="<https://good.example@evil.example/>")).to_contain_text("(evil.example)")


def test_a_moment_is_told_in_the_readers_zone(still: Gallery) -> None:
    body = still.one(text="<!date^1392734382^{date} {date_num} {date_short} {date_long} {time_secs}|fallback>")
    assert body.inner_text().replace("\xa0", " ") == (
        "February 18th, 2014 2014-02-18 Feb 18, 2014 Tuesday, February 18th, 2014 15:39:42"
    )
    assert body.locator("time").get_attribute("title") == "fallback"


def test_today_yesterday_and_tomorrow_are_called_so(still: Gallery) -> None:
    still.page.clock.set_fixed_time("2026-11-22T22:30:00Z")  # 23:30 in Berlin
    days = [1795303800 + hours * 3600 for hours in (-24, 12, 36, 240)]
    text = "|".join(f"<!date^{day}^{{date_short_pretty}}^|x>".replace("^|", "|") for day in days)
    assert still.one(text=text).inner_text() == "yesterday|today|tomorrow|Dec 2, 2026"


def test_a_moment_that_is_none_shows_what_stands_for_it(still: Gallery) -> None:
    assert still.one(text="<!date^99999999999999999^{date}|long ago>").inner_text() == "long ago"


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=80))
def test_what_was_escaped_once_is_read_back_once(still: Gallery, text: str) -> None:
    assert read_back(still, html.escape(text, quote=False), text, styles=False, verbatim=True)


@settings(max_examples=120, deadline=None)
@given(
    st.one_of(st.sampled_from([text for text in NASTY if len(text) < 200]), st.text("*_~`<>&@#!|:/ ab1\n", max_size=60))
)
def test_outside_text_that_aegis_prints_is_read_as_it_was_printed(still: Gallery, text: str) -> None:
    printed = ours.line(text)
    drawn = still.mrkdwn(f"Why: {printed}", verbatim=True)
    assert not re.search(r"<\w", drawn)
    assert html.unescape(drawn) == f"Why: {html.unescape(printed)}"


def read_back(still: Gallery, text: str, expected: str, **options: bool) -> bool:
    script = """([text, options, expected]) => {
        const frame = document.createElement("div");
        frame.append(gallery.page.renderMrkdwn(text, gallery.ctx, options));
        const named = /:[a-z0-9_+'-]+:/.test(text);
        return named || frame.textContent === expected;
    }"""
    return bool(still.page.evaluate(script, [text, options, expected]))
