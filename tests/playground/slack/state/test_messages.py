"""What can be read in a message and whom it notifies."""

from __future__ import annotations

import pytest

from bot.playground.slack.state.messages import Message, pings, words
from bot.playground.slack.state.people import Json


def section(text: str, **parts: object) -> Json:
    return {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text, **parts}}]}


def raw(*elements: Json) -> Json:
    return {
        "blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": list(elements)}]}]
    }


@pytest.mark.parametrize(
    ("body", "notified"),
    [
        ({"text": "nothing"}, set()),
        ({"text": "<!here> <!channel|x> <!everyone>"}, {"here", "channel", "everyone"}),
        ({"text": "<!subteam^S1|@x> <@U1> <@W2|y>"}, {"S1", "U1", "W2"}),
        ({"text": "&lt;!here&gt; @here"}, set()),
        (section("@channel"), {"channel"}),
        (section("@channel", verbatim=True), set()),
        (section("<!channel>", verbatim=True), {"channel"}),
        (section("ops@here.example"), set()),
        ({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "<!here> @here"}}]}, set()),
        ({"attachments": [{"text": "<@U1>", "pretext": "<!here>"}]}, {"U1", "here"}),
        (raw({"type": "text", "text": "<!here> @here <@U1>"}), set()),
        (raw({"type": "broadcast", "range": "here"}, {"type": "user", "user_id": "U1"}), {"here", "U1"}),
    ],
)
def test_only_live_mentions_notify(body: Json, notified: set[str]) -> None:
    assert pings(body) == notified


def test_words_are_the_blocks_or_else_text_and_attachments() -> None:
    body: Json = {"text": "top", "attachments": [{"title": "a", "fields": [{"title": "job", "value": "web"}]}]}
    assert words(body) == "top\na\njob\nweb"
    body["blocks"] = [
        {"type": "header", "text": {"type": "plain_text", "text": "down"}},
        *raw({"type": "text", "text": "a "}, {"type": "text", "text": "b"})["blocks"],
        {
            "type": "actions",
            "elements": [
                {"type": "button", "action_id": "x", "value": "v", "text": {"type": "plain_text", "text": "Go"}}
            ],
        },
    ]
    assert words(body) == "down\na b\nGo"


def test_snapshot_does_not_follow_edits() -> None:
    message = Message("C1", {"ts": "1.1", "text": "before"})
    screen = message.snapshot()
    message.body["text"] = "after"
    assert (screen.text, message.text) == ("before", "after")
