"""Converts outside text to Slack text, escaped once and never empty.

No other module does.

Slack's mrkdwn gives meaning to ``&``, ``<`` and ``>``; see docs.slack.dev/messaging/formatting-message-text. What
notifies somebody (``mention``) is built here from ids alone, never from text.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bot.domain.unseen import LINE_END, without_unseen

DASH = "–"
"""What stands for something that is not known, or for a text in which nothing can be seen."""

MOST_TEXT_CHARS = 3000
"""Slack's limit for one text object, in characters."""

_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours and cursor moves
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]{0,512}(?:\x07|\x1b\\|\x9c)"  # window titles and terminal links
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]{0,512}(?:\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
_BYTES = re.compile("(?<![\ud800-\udbff])[\udc80-\udcff]+")
_MARKER = re.compile(
    r"(?<!\w)[*_~](?=\S)|(?<=\S)[*_~](?!\w)"  # what would open or close bold, italic, strike
    r"|:(?=[\d_+'-]{0,100}[a-z][\w+'-]{0,100}:)"  # what would open an emoji's name
    r"|`"
)
_LOOKS_LIKE = {"*": "∗", "_": "ˍ", "~": "∼", ":": "∶", "`": "'"}
_TORN = re.compile(r"(?:&[a-z]{0,3}|<[^<>]*)$")
_ID = re.compile(r"[UWS][A-Z0-9]+")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]+")

_WEB = re.compile(r"https?://[^\s<>|]{1,2000}")


def strip_invisible(text: str) -> str:
    """Return ``text`` without what cannot be sent or seen: half characters, control and direction signs, colours.

    Bytes that Python carried along as lone surrogates become the characters that they spell; other lone surrogates
    become U+FFFD. All line ends become one.
    """
    text = _BYTES.sub(_spelled, text)
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return without_unseen(LINE_END.sub("\n", _ANSI.sub("", text)))


def _spelled(residue: re.Match[str]) -> str:
    return residue[0].encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _or_dash(text: str) -> str:
    return text if any(not sign.isspace() for sign in text) else DASH


def escape(text: str) -> str:
    """Return ``text`` cleaned and with ``& < >`` escaped, once; never empty."""
    return _or_dash(strip_invisible(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def prose(text: str, limit: int = MOST_TEXT_CHARS) -> str:
    """Return ``text`` for a sentence in mrkdwn: escaped, and shown as it is, with no bold, code or emoji of its own."""
    return clip(_or_dash(escape(_MARKER.sub(_look_alike, strip_invisible(text))).strip()), limit)


def _look_alike(marker: re.Match[str]) -> str:
    return _LOOKS_LIKE[marker[0]]


def line(text: str, limit: int = MOST_TEXT_CHARS) -> str:
    """Return ``text`` as ``prose`` on a single line."""
    return prose(" ".join(strip_invisible(text).split()), limit)


def code(text: str, limit: int = MOST_TEXT_CHARS) -> str:
    """Return ``text`` as inline code on a single line; backticks are taken out, since they would end it."""
    return f"`{clip(escape(' '.join(strip_invisible(text).replace('`', '').split())), limit - 2)}`"


def plain(text: str, limit: int) -> str:
    """Return ``text`` for a ``plain_text`` object (header, button, option, title) on a single line.

    Slack reads no markup there, so nothing is escaped.
    """
    return _cut(_or_dash(" ".join(strip_invisible(text).split())), limit)


def raw(text: str, limit: int = MOST_TEXT_CHARS) -> str:
    """Return ``text`` for ``rich_text_preformatted``: cleaned only, since nothing in there is read as markup."""
    return _cut(_or_dash(strip_invisible(text)), limit)


def raw_line(text: str, limit: int = MOST_TEXT_CHARS) -> str:
    """Return ``text`` as ``raw`` on a single line that keeps its indentation."""
    return raw(strip_invisible(text).strip("\n").rstrip().replace("\n", " ⏎ ").replace("\t", "  "), limit)


def identifier(text: str, limit: int = 255) -> str:
    """Return ``text`` for an ``action_id``, ``block_id`` or ``callback_id``, which Slack limits to 255 characters."""
    return plain(text, limit)


def clip(text: str, limit: int) -> str:
    """Cut escaped mrkdwn to ``limit`` characters with an ellipsis, never inside an entity or a mention."""
    return text if length(text) <= limit else _TORN.sub("", _head(text, limit)).rstrip() + "…"


def clip_bytes(text: str, limit: int) -> str:
    """Cut escaped mrkdwn to ``limit`` bytes of UTF-8, in the same way."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return text
    return _TORN.sub("", data[: limit - 3].decode("utf-8", "ignore")).rstrip() + "…"


def _cut(text: str, limit: int) -> str:
    return text if length(text) <= limit else _head(text, limit).rstrip() + "…"


def length(text: str) -> int:
    """Count in UTF-16 units, the stricter way: never fewer than Python's characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _head(text: str, limit: int) -> str:
    head = text.encode("utf-16-le", "surrogatepass")[: 2 * max(0, limit - 1)].decode("utf-16-le", "ignore")
    return head.rstrip("\u200d\ufe0f")


def mention(id_: str) -> str:
    """Return what notifies the user (``U…``, ``W…``) or user group (``S…``) of this id.

    An id of any other shape is shown as code and notifies nobody.
    """
    if not _ID.fullmatch(id_):
        return code(id_, 80)
    return f"<!subteam^{id_}>" if id_.startswith("S") else f"<@{id_}>"


def channel(id_: str) -> str:
    """Return a link to the channel of this id (``C…``, ``G…``, ``D…``), which Slack shows with its name.

    An id of any other shape is shown as code.
    """
    return f"<#{id_}>" if _CHANNEL.fullmatch(id_) else code(id_, 80)


def link(address: str, label: str) -> str:
    """Return a link; ``""`` for what is no web address or could break out of the markup."""
    return f"<{escape(address)}|{escape(label)}>" if _WEB.fullmatch(address) else ""


def date(moment: datetime) -> str:
    """Return ``moment`` (aware) as a date that Slack shows in the reader's own time zone."""
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{utc(moment)}>"


def utc(moment: datetime) -> str:
    """Return ``moment`` (aware) where Slack reads no markup, such as in a confirmation."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
