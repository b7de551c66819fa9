"""Turns a Slack message into sections of plain text.

Links and entities are undone once.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bot.domain.unseen import LINE_END, without_unseen

# A message may hold 100 attachments of 50 blocks, its text 40,000 characters; what comes after these is not read.
MAX_PARTS = 400
MAX_CHARS = 40_000
_MAX_DEPTH = 8


def word_set(text: str) -> frozenset[str]:
    """Return the words of ``text``, as a set."""
    return frozenset(text.split())


_LINK = re.compile(r"<(?P<target>[^<>|]{1,3000}+)(?:\|(?P<label>[^<>]{0,3000}+))?>")
_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_STYLE = re.compile(
    r"(?<![\w*])\*(?=\S)([^*\n]{1,300}?)(?<=\S)\*(?![\w*])|`([^`\n]{1,300})`|"
    r"(?<![\w_])_(?=\S)([^_\n]{1,300}?)(?<=\S)_(?!\w)"
)
_EMOJI_NAME = re.compile(r"(?<![\w:]):[a-z0-9_+'-]{1,40}:(?:(?::skin-tone-\d:)|(?![\w:]))")
_PICTURE = re.compile(
    "[\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\ufe0f\u200d\U0001f000-\U0001faff]"
)


class SectionKind(StrEnum):
    """Where in the message a part stood."""

    TEXT = "text"
    TITLE = "title"
    PRETEXT = "pretext"
    HEADER = "header"
    BODY = "body"
    FIELD = "field"
    CONTEXT = "context"
    FOOTER = "footer"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of the message in Slack's markup, links undone. ``name`` is a field's title; ``group`` its attachment."""

    place: SectionKind
    text: str
    name: str = ""
    group: int = 0

    @property
    def prose_free(self) -> str:
        """Return the text without its code blocks: what stands in those is quoted, not said."""
        return _CODE_BLOCK.sub(" ", self.text)


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """All parts in reading order, the colours of the attachments, who sent it, and whether that is a program."""

    parts: tuple[Section, ...]
    colours: tuple[str, ...]
    sender: str
    automatic: bool
    subtype: str

    def at(self, *places: SectionKind) -> Iterator[Section]:
        """Yield the parts that stood at one of ``places``."""
        return (part for part in self.parts if part.place in places)


def _read(parts: Sequence[Section]) -> Iterator[Section]:
    left = MAX_CHARS
    for part in parts[:MAX_PARTS]:
        text = undo_links(part.text[:left])
        left -= len(text)
        yield replace(part, text=text)
        if left <= 0:
            return


def undo_links(text: str) -> str:
    """Return ``text`` with ``<url|label>`` as its label, mentions as ``@id``, no broadcasts, entities undone once."""
    undone = _LINK.sub(_link, text)
    return without_unseen(LINE_END.sub("\n", html.unescape(undone) if "&" in undone else undone))


def _link(match: re.Match[str]) -> str:
    target, label = match["target"], match["label"]
    if target.startswith("!"):
        return label or ""
    if target.startswith(("@", "#")):
        return f"{target[0]}{label or target[1:]}"
    return label if label else target


def without_markup(text: str) -> str:
    """Return one readable line or lines: no bold, code or emoji marks, no runs of spaces."""
    text = _EMOJI_NAME.sub(" ", text)
    for _ in range(2):
        text = _STYLE.sub(lambda m: m[1] or m[2] or m[3] or "", text)
    text = _PICTURE.sub(" ", text.replace("```", " "))
    return "\n".join(" ".join(line.split()) for line in text.splitlines()).strip()


def flatten(event: Mapping[str, Any]) -> SlackMessage:
    """Return the message of ``event``; of an edit the message as it is now. Odd shapes are left out, nothing raises."""
    subtype = _string(event.get("subtype"))
    inner = event.get("message")
    message = inner if isinstance(inner, Mapping) else event
    parts: list[Section] = []
    colours: list[str] = []
    _add(parts, SectionKind.TEXT, message.get("text"))
    parts.extend(_blocks(message.get("blocks"), 0))
    for number, attachment in enumerate(_list(message.get("attachments")), 1):
        if not isinstance(attachment, Mapping) or len(parts) > MAX_PARTS:
            continue
        if attachment.get("is_share") or attachment.get("is_msg_unfurl") or attachment.get("from_url"):
            continue
        _attachment(parts, attachment, number)
        colours.append(_string(attachment.get("color")))
    parts.extend(_files(message))
    profile = message.get("bot_profile")
    name = _string(message.get("username")) or _string(profile.get("name") if isinstance(profile, Mapping) else "")
    own = _string(message.get("subtype"))
    mailed = any(isinstance(file, Mapping) and file.get("mode") == "email" for file in _list(message.get("files")))
    automatic = bool(message.get("bot_id")) or own == "bot_message" or subtype == "bot_message" or mailed
    kind = subtype if subtype not in ("", "message_changed") else own
    return SlackMessage(tuple(_read(parts)), tuple(colours), name or ("email" if mailed else ""), automatic, kind)


def _attachment(parts: list[Section], attachment: Mapping[str, Any], number: int) -> None:
    before = len(parts)
    _add(parts, SectionKind.PRETEXT, attachment.get("pretext"), group=number)
    _add(parts, SectionKind.TITLE, attachment.get("title"), group=number)
    _add(parts, SectionKind.BODY, attachment.get("text"), group=number)
    for field in _list(attachment.get("fields"))[:MAX_PARTS]:
        if isinstance(field, Mapping):
            title = without_markup(undo_links(_string(field.get("title"))[:300]))
            _add(parts, SectionKind.FIELD, field.get("value"), name=title or "-", group=number)
    parts.extend(_blocks(attachment.get("blocks"), number))
    _add(parts, SectionKind.FOOTER, attachment.get("footer"), group=number)
    if len(parts) == before or not any(
        part.place in (SectionKind.TITLE, SectionKind.BODY, SectionKind.HEADER) for part in parts[before:]
    ):
        _add(parts, SectionKind.FALLBACK, attachment.get("fallback"), group=number)


def _blocks(blocks: object, group: int) -> Iterator[Section]:
    for block in _list(blocks)[:MAX_PARTS]:
        if not isinstance(block, Mapping):
            continue
        kind = block.get("type")
        if kind == "header":
            yield from _text_part(SectionKind.HEADER, block.get("text"), group)
        elif kind == "section":
            yield from _text_part(SectionKind.BODY, block.get("text"), group)
            for field in _list(block.get("fields"))[:50]:
                yield from _field(field, group)
        elif kind == "context":
            for element in _list(block.get("elements"))[:50]:
                yield from _text_part(SectionKind.CONTEXT, element, group)
        elif kind in ("rich_text", "markdown"):
            text = _string(block.get("text")) or "".join(_rich(block.get("elements"), 0))
            if text.strip():
                yield Section(SectionKind.BODY, text, group=group)


def _text_part(place: SectionKind, holder: object, group: int) -> Iterator[Section]:
    text = holder if isinstance(holder, str) else _string(holder.get("text")) if isinstance(holder, Mapping) else ""
    if text.strip():
        yield Section(place, text, group=group)


def _field(field: object, group: int) -> Iterator[Section]:
    """Yield a section's field; its usual form is a bold title, a line break, the value."""
    for part in _text_part(SectionKind.FIELD, field, group):
        title, newline, value = part.text.partition("\n")
        if newline:
            yield Section(
                SectionKind.FIELD,
                value.strip(),
                name=without_markup(undo_links(title[:300])).rstrip(":").strip(),
                group=group,
            )
        else:
            yield Section(SectionKind.BODY, part.text, group=group)


def _rich(elements: object, depth: int) -> Iterator[str]:
    for element in _list(elements)[:MAX_PARTS]:
        if not isinstance(element, Mapping) or depth > _MAX_DEPTH:
            continue
        kind, text = element.get("type"), _string(element.get("text"))
        style = element.get("style")
        if kind == "rich_text_preformatted":
            yield "```" + "".join(_rich(element.get("elements"), depth + 1)) + "```\n"
        elif kind in ("rich_text_section", "rich_text_quote", "rich_text_list"):
            yield "".join(_rich(element.get("elements"), depth + 1)) + "\n"
        elif kind == "emoji":
            yield f":{_string(element.get('name'))}:"
        elif kind == "link":
            yield text or _string(element.get("url"))
        elif isinstance(style, Mapping) and style.get("bold") and text.strip():
            yield _marked(text, "*")
        elif isinstance(style, Mapping) and style.get("code") and text.strip():
            yield _marked(text, "`")
        else:
            yield text


def _marked(text: str, mark: str) -> str:
    """Put a mark around ``text``, blanks outside: so Slack's markup wants it."""
    inner = text.strip()
    return text.replace(inner, f"{mark}{inner}{mark}", 1)


def _files(message: Mapping[str, Any]) -> Iterator[Section]:
    """Yield subject and body of the e-mails that Slack's mail address turns into files."""
    for file in _list(message.get("files"))[:10]:
        if isinstance(file, Mapping) and (file.get("mode") == "email" or file.get("filetype") == "email"):
            for place, keys in (
                (SectionKind.TITLE, ("subject", "title")),
                (SectionKind.BODY, ("plain_text", "preview_plain_text", "preview")),
            ):
                text = next((text for key in keys if (text := _string(file.get(key))).strip()), "")
                if text:
                    yield Section(place, text, group=1)


def _add(parts: list[Section], place: SectionKind, text: object, name: str = "", group: int = 0) -> None:
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        text = str(text)
    if isinstance(text, str) and text.strip():
        parts.append(Section(place, text, name, group))


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
