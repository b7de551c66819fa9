"""The one definition of invisible characters.

It covers terminal sequences, control characters, category Cf, and the like.

The joiners U+200C and U+200D stay between two characters that are not ASCII (emoji, Persian, Indic scripts need them
there, and no token is made of those); variation selectors stay behind one. Line ends and tabs stay where they are.
"""

from __future__ import annotations

import re

_TERMINAL = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,32}[ -/]{0,4}[@-~]"  # colours and cursor moves
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]{0,512}+(?:\x07|\x1b\\|\x9c)"  # window titles and terminal links
)
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f]")
"""Control characters that end no line."""
LINE_END = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
"""The line ends that are not the usual one."""
UNSEEN = (
    "\\u00ad\\u034f\\u061c\\u0890\\u0891\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u206f"
    "\\u2800\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\U00013430-\\U0001343f\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a"
    "\\U000e0000-\\U000e0fff"
)
"""What shows nothing wherever it stands, for a set in a pattern; the joiners and selectors are not among it."""
_UNSEEN = re.compile(f"[{UNSEEN}]+")
_JOINING = re.compile("[\u200c\u200d\ufe00-\ufe0f]+")
_SELECTORS = tuple(map(chr, range(0xFE00, 0xFE10)))
_KEYCAP = "\u20e3"


def without_unseen(text: str) -> str:
    """Return ``text`` without all that shows nothing; the same again when it is given back."""
    if CONTROL.search(text):
        text = CONTROL.sub("", _TERMINAL.sub("", text))
    return text if text.isascii() else _JOINING.sub(_joined, _UNSEEN.sub("", text))


def _joined(run: re.Match[str]) -> str:
    before, after = run.string[max(0, run.start() - 1) : run.start()], run.string[run.end() : run.end() + 1]
    if after == _KEYCAP:
        return run[0]
    if before.isascii():
        return ""
    return run[0] if not after.isascii() else "".join(char for char in run[0] if char in _SELECTORS)
