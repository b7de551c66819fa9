from hypothesis import given
from hypothesis import strategies as st

from bot.domain.alerts.message import SectionKind, flatten, undo_links, without_markup


def test_links_show_their_label_and_mentions_do_not_ping() -> None:
    assert undo_links("<https://x.example/a?b=1|web> <@U1> <!channel> &lt;ok&gt;") == "web @U1  <ok>"


def test_bold_code_and_emoji_marks_go_and_names_stay() -> None:
    assert (
        without_markup(":fire: *web_1* `db-2` 🔴 _soon_ a*b snake_case_name") == "web_1 db-2 soon a*b snake_case_name"
    )


def test_parts_come_in_reading_order_with_their_place() -> None:
    message = flatten(
        {
            "bot_id": "B1",
            "text": "first",
            "blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "*Monitor:*\nweb"}]}],
            "attachments": [{"title": "second", "color": "good", "fields": [{"title": "Host", "value": "h"}]}],
        }
    )
    assert [(part.place, part.name, part.text) for part in message.parts] == [
        (SectionKind.TEXT, "", "first"),
        (SectionKind.FIELD, "Monitor", "web"),
        (SectionKind.TITLE, "", "second"),
        (SectionKind.FIELD, "Host", "h"),
    ]
    assert message.colours == ("good",)


def test_rich_text_is_read_and_its_code_blocks_are_quoted() -> None:
    rich = {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "web", "style": {"bold": True}}]},
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "container: db"}]},
        ],
    }
    part = flatten({"bot_id": "B1", "blocks": [rich]}).parts[0]
    assert "*web*" in part.prose_free
    assert "container" not in part.prose_free


@given(st.text(max_size=200))
def test_markup_is_taken_off_any_text(text: str) -> None:
    assert len(without_markup(undo_links(text))) <= 2 * len(text) + 1
