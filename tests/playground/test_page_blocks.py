"""Messages as the page draws them: blocks, attachments, Aegis's own cards; and outside text that stays text."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.playground import gallery, gallery_tab
from tests.playground.gallery_tab import Gallery
from tests.slack.blockkit import interactive
from tests.slack.hostile import NASTY

pytestmark = pytest.mark.live

# Where pytest looks for fixtures.
browser, new, shown, still = gallery_tab.browser, gallery_tab.new, gallery_tab.shown, gallery_tab.still

MARKUP = gallery.markup()

HTML = (
    "<img src=x onerror=\"document.title='caught'\">",
    "<script>document.title='caught'</script>",
    "<a href=\"javascript:document.title='caught'\">x</a>",
    "<svg/onload=document.title='caught'>",
    "&lt;img src=x onerror=document.title='caught'&gt;",
    "<javascript:document.title='caught'|press>",
    "<JaVaScRiPt:document.title='caught'>",
    "<data:text/html,<script>x</script>|press>",
    "<vbscript:x|press> <file:///etc/passwd|press> <//evil.example|press>",
    '"><b onclick="document.title=\'caught\'">',
    "<https://x.example/\" onclick=\"document.title='caught'|press>",
    "__proto__ constructor toString",
)


def everywhere(text: str) -> dict[str, gallery.Json]:
    """One text in every place that a message has for it."""
    any_text, plain = gallery.mrkdwn(text), gallery.plain(text)
    button = {"type": "button", "text": plain, "action_id": text, "value": text, "url": text}
    option = {"text": plain, "value": text, "description": plain, "url": text}
    inlines = [
        {"type": "text", "text": text, "style": {"bold": True, "code": True}},
        {"type": "link", "url": text, "text": text},
        {"type": "link", "url": text},
        {"type": "user", "user_id": text},
        {"type": "usergroup", "usergroup_id": text},
        {"type": "channel", "channel_id": text},
        {"type": "broadcast", "range": text},
        {"type": "emoji", "name": text, "unicode": text},
        {"type": "date", "timestamp": 1, "format": text, "url": text, "fallback": text},
        {"type": "date", "timestamp": text, "format": text, "url": text, "fallback": text},
        {"type": "color", "value": text},
        {"type": text, "text": text},
    ]
    rich = [{"type": f"rich_text_{kind}", "elements": inlines} for kind in ("section", "quote", "preformatted")]
    rich.append({"type": "rich_text_list", "style": "bullet", "elements": rich[:1], "indent": text, "offset": text})
    blocks = [
        {"type": "header", "text": plain},
        {"type": "section", "text": any_text, "fields": [any_text, plain], "accessory": button, "block_id": text},
        {"type": "context", "elements": [any_text, {"type": "image", "alt_text": text, "image_url": text}]},
        {"type": "rich_text", "elements": rich},
        {"type": "image", "alt_text": text, "image_url": text, "title": plain},
        {"type": "markdown", "text": text},
        {"type": text, "text": text},
        {
            "type": "actions",
            "elements": [
                button,
                {"type": "overflow", "action_id": "o", "options": [option]},
                {"type": "static_select", "action_id": "s", "placeholder": plain, "options": [option]},
                {"type": "users_select", "action_id": "u", "initial_user": text},
                {"type": "radio_buttons", "action_id": "r", "options": [option]},
                {"type": text, "action_id": "x"},
            ],
        },
    ]
    attachment = dict.fromkeys(
        (
            "color",
            "pretext",
            "author_name",
            "author_link",
            "title",
            "title_link",
            "text",
            "footer",
            "image_url",
            "thumb_url",
        ),
        text,
    )
    more = {"fields": [{"title": text, "value": text, "short": True}], "ts": text, "blocks": blocks[:2]}
    actions = [{"type": "button", "text": text, "url": text, "name": text}]
    return {
        "blocks": {"blocks": blocks},
        "attachments": {"text": text, "attachments": [{**attachment, **more, "actions": actions}, {"fallback": text}]},
        "file": {"files": [{"name": text, "permalink": text, "size": text}], "edited": {"ts": text}},
    }


HOSTILE = [text[:3000] for text in (*(str(one["text"]) for one in MARKUP), *HTML, *NASTY)]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_outside_text_never_becomes_html(still: Gallery, text: str) -> None:
    still.show(everywhere(text))
    assert still.get("strange()") == []
    still.open({"id": "V9", "title": gallery.plain(text), "submit": gallery.plain(text), **everywhere(text)["blocks"]})
    assert still.get("strange()") == []
    still.get("page.closeModal('V9')")
    assert still.page.title() == "Gallery of blocks"


def test_outside_text_is_shown_as_it_is(still: Gallery) -> None:
    for text in HTML:
        assert still.one(blocks=[{"type": "header", "text": gallery.plain(text, emoji=False)}]).inner_text() == text


@pytest.mark.parametrize("name", gallery.alerts())
def test_every_senders_alert_can_be_read(still: Gallery, name: str) -> None:
    message = gallery.alerts()[name]
    still.show({name: message})
    said = re.sub(r"\s+", " ", str(still.page.locator("article .bk-body").evaluate("node => node.textContent")))
    assert still.get("strange()") == []
    for attachment in message.get("attachments") or ():
        for part in ("title", "footer"):
            assert (
                re.sub(r"\s+", " ", html.unescape(attachment.get(part) or "")).strip() in said
                or ":" in attachment[part]
            )
    assert said.strip()


@pytest.mark.parametrize(
    "message",
    [
        {"blocks": [{"type": "section"}, {"type": "actions"}, {"type": "rich_text"}, {"type": "context"}, {}]},
        {"blocks": [None, 1, "x", {"type": "input"}, {"type": "section", "fields": [None], "accessory": {}}]},
        {"blocks": {"type": "section"}, "attachments": {}, "files": "x", "text": None},
        {"attachments": [{}, None, {"fields": [{}], "color": 5, "ts": "x", "actions": [{}]}]},
        {},
    ],
)
def test_a_broken_message_does_not_break_the_page(still: Gallery, message: gallery.Json) -> None:
    still.page.evaluate("message => gallery.show([{name: 'x', message}])", message)
    expect(still.page.locator("article")).to_have_count(1)


def test_a_message_with_blocks_does_not_repeat_its_text(still: Gallery) -> None:
    assert still.one(text="for notifications", blocks=[gallery.section("shown")]).inner_text() == "shown"


def test_plain_text_knows_no_formatting_but_emoji(still: Gallery) -> None:
    text = "*x* &amp; <@U1> :fire:"
    with_emoji, without = ({"type": "header", "text": gallery.plain(text, emoji=emoji)} for emoji in (True, False))
    assert still.one(blocks=[with_emoji]).inner_text() == "*x* &amp; <@U1> 🔥"
    assert still.one(blocks=[without]).inner_text() == "*x* &amp; <@U1> :fire:"


def test_whoever_is_mentioned_is_named_and_explained(still: Gallery) -> None:
    chips = still.one(text="<@U0ONCALL> <@U0SECOND> <@U0GHOST> <!subteam^S0ONCALL>").locator(".bk-chip")
    assert [chip.get_attribute("title") for chip in chips.all()] == [
        "You · U0ONCALL",
        "Person · on call second · U0SECOND",
        "Person not in this workspace · U0GHOST",
        "User group · S0ONCALL",
    ]


def test_attachments_say_what_is_formatted(still: Gallery) -> None:
    def bold(**attachment: Any) -> list[str]:
        return still.one(attachments=[attachment]).locator("b").all_inner_texts()

    fields = [{"title": "*t*", "value": "*value*"}]
    every = {"pretext": "*pretext*", "text": "*text*", "fields": fields, "title": "*title*"}
    assert bold(**every) == ["pretext", "text", "value"]
    assert bold(**every, mrkdwn_in=["text"]) == ["text"]
    assert bold(**every, mrkdwn_in=["pretext", "fields"]) == ["pretext", "value"]
    assert bold(**every, mrkdwn_in=[]) == []


def test_the_bar_of_an_attachment_has_its_colour(still: Gallery) -> None:
    colours = ["a30200", "#2eb67d", "good", "red;background:url(https://x.example)", ""]
    bars = still.one(attachments=[{"text": "x", "color": colour} for colour in colours]).locator(".bk-attachment")
    drawn = [bar.evaluate("node => getComputedStyle(node).borderLeftColor") for bar in bars.all()]
    assert drawn[:3] == ["rgb(163, 2, 0)", "rgb(46, 182, 125)", "rgb(46, 182, 125)"]
    assert drawn[3] == drawn[4]


def test_a_long_attachment_is_folded_and_opens(shown: Gallery) -> None:
    body = shown.one(attachments=[{"text": "\n".join(f"line {number}" for number in range(30))}])
    text = body.locator(".bk-text")
    folded = text.bounding_box()
    more = body.get_by_role("button", name="Show more")
    expect(more).to_have_attribute("aria-expanded", "false")
    more.click()
    opened = text.bounding_box()
    assert folded is not None
    assert opened is not None
    assert opened["height"] > 2 * folded["height"]
    expect(body.get_by_role("button", name="Show less")).to_have_attribute("aria-expanded", "true")


def test_pictures_are_named_and_not_fetched(shown: Gallery) -> None:
    image = {"type": "image", "alt_text": "memory of web", "image_url": "https://x.example/a.png"}
    body = shown.one(
        blocks=[image, {"type": "context", "elements": [image]}], attachments=[{"image_url": "https://x.example/b"}]
    )
    expect(body).to_contain_text("memory of web (pictures are not loaded here)")
    expect(body.get_by_role("img", name="memory of web")).to_be_visible()
    assert body.locator("img").count() == 0


def test_an_edited_message_says_so(still: Gallery) -> None:
    expect(still.one(text="x", edited={"user": "U1", "ts": "1795341911.000100"})).to_have_text("x (edited)")


def test_lists_and_styles_of_rich_text_are_drawn(still: Gallery) -> None:
    body = still.one(blocks=[gallery.RICH])
    assert body.locator("ul li").all_inner_texts() == ["one", "two"]
    assert body.locator("ol").get_attribute("start") == "3"
    assert (
        body.locator("pre").inner_text().endswith("<!here> & ok\n")
        or "<!here> & ok" in body.locator("pre").inner_text()
    )
    assert body.locator("code.bk-code").inner_text() == "code <b>*x*</b>"
    assert body.locator(".bk-chip").all_inner_texts() == ["@sasha.second", "@oncall", "#ops", "@here"]


@pytest.mark.parametrize("name", gallery.cards())
def test_everything_that_aegis_says_is_drawn_whole(still: Gallery, name: str) -> None:
    message = gallery.cards()[name]
    still.show({name: message})
    body = still.page.locator("article .bk-body")
    drawn = re.sub(r"\s+", " ", body.inner_text())
    for line in str(message["text"]).splitlines():
        if line.startswith(("Buttons: ", "To choose from: ")):
            continue
        for piece in re.split(r"<[^>]*>|[*`]", line):
            # A card's text is cut at Slack's limit for notifications; the blocks are not.
            assert " ".join(html.unescape(piece).split()).removesuffix("…") in drawn
    assert not re.search(r"&(amp|lt|gt);|<[@!#]", drawn)
    assert body.locator("button").count() == len(interactive(message["blocks"]))
