"""Redacts secrets in outside text.

It runs before the text reaches the model, Slack, the runbook, a bundle or Aegis's own log.

The secret goes and the line stays: hosts, ports, user names, ids, digests and error words are what a diagnosis needs.
A secret is known by its own shape (``vendor_tokens``), by the key it stands under (``key_values``), or by its place
in an address, a header, a command line (``urls_and_headers``).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from urllib.parse import quote, quote_plus

from bot.domain.redaction.below import redact_below
from bot.domain.redaction.canonical import canonical
from bot.domain.redaction.codes import in_codes
from bot.domain.redaction.command_lines import COMMANDS, PROSE
from bot.domain.redaction.credentials import SHAPES as CREDENTIALS
from bot.domain.redaction.credentials import in_credentials
from bot.domain.redaction.debug_forms import in_debug_forms
from bot.domain.redaction.encoded import in_encoded
from bot.domain.redaction.headings import HEADINGS
from bot.domain.redaction.key_values import redact_pairs
from bot.domain.redaction.lists import in_lists
from bot.domain.redaction.markup import in_markup
from bot.domain.redaction.more_tokens import MORE_TOKENS
from bot.domain.redaction.people import MAILS, in_people
from bot.domain.redaction.private_keys import in_private_keys
from bot.domain.redaction.prose import NAMED, SESSIONS, in_prose
from bot.domain.redaction.repeated import repeated
from bot.domain.redaction.sentences import SENTENCES
from bot.domain.redaction.separators import behind_odd_signs
from bot.domain.redaction.service_tokens import SERVICE_TOKENS
from bot.domain.redaction.urls_and_headers import ADDRESSES, HEADERS, in_headers
from bot.domain.redaction.vendor_tokens import SHAPES as TOKENS
from bot.domain.redaction.vendor_tokens import Absent, brought_by, mark, replace_all
from bot.domain.redaction.words import in_words
from bot.domain.redaction.wrapped import in_wrapped
from bot.domain.redaction.written_bytes import in_written_bytes

SHAPES = (*TOKENS, *MORE_TOKENS, *SERVICE_TOKENS)
SHORTEST_KNOWN_CHARS = 6
# A marker can free what stood behind a longer secret; nothing real needs more than two looks.
_PASSES = 5
_IN_SENTENCES = (*NAMED, *PROSE, *SESSIONS, *SENTENCES, *HEADINGS)
_DEEPEST = 2
"""How often what was decoded is decoded again."""
_AROUND = 20
"""Lines before and behind a line that decide with it what is secret."""


def redact(text: str, known: Sequence[str] = ()) -> str:
    """Return the canonical form of ``text`` with every secret replaced by ``[redacted:what]``.

    ``known`` are literal secrets (from the settings), replaced wherever they stand, also URL-encoded and in base64;
    those shorter than six characters are ignored, since they would hit ordinary words. Takes linear time; what is
    redacted already stays as it is.
    """
    text = _known(canonical(_known(text, known)), [canonical(secret) for secret in known])
    absent = Absent(_BROUGHT)
    first = before = text
    text = _pass(text, absent)
    for _ in range(_PASSES - 1):
        if text == before:
            break
        before, text = text, _pass_where_changed(before, text, absent)
    return repeated(first, text)


def _pass_where_changed(before: str, text: str, absent: Absent) -> str:
    """Look again at what the last look changed, with the lines around that any pattern can reach."""
    old, new = before.split("\n"), text.split("\n")
    if len(old) != len(new) or "-----BEGIN" in text:  # the lines of a key or a certificate belong together
        return _pass(text, absent)
    windows: list[tuple[int, int]] = []
    for number, (was, line) in enumerate(zip(old, new, strict=True)):
        if was != line:
            start, end = max(0, number - _AROUND), number + _AROUND + 1
            if windows and start <= windows[-1][1]:
                windows[-1] = (windows[-1][0], end)
            else:
                windows.append((start, end))
    done: list[str] = []
    at = 0
    for start, end in windows:
        done += (*new[at:start], _pass("\n".join(new[start:end]), absent.copy()))
        at = end
    return "\n".join((*done, *new[at:]))


def _pass(text: str, absent: Absent, depth: int = 0) -> str:
    def look(plain: str) -> str:
        return _pass(plain, Absent(_BROUGHT), depth + 1)

    if depth == 0:
        text = in_wrapped(text, look)
    text = replace_all(SHAPES, in_private_keys(text), absent)
    # Whole things before their parts: an address before the keys in its query, a header before the pairs in it.
    text = replace_all(ADDRESSES, text, absent)
    text = in_headers(text, absent)
    text = redact_pairs(in_debug_forms(in_markup(text)))
    text = in_lists(redact_below(behind_odd_signs(text)))
    text = replace_all(COMMANDS, text, absent, folded=True)
    text = in_credentials(text, absent)
    text = in_prose(in_words(in_codes(replace_all(_IN_SENTENCES, text, absent, folded=True))))
    text = in_people(text, absent)
    return in_written_bytes(in_encoded(text, look), look) if depth < _DEEPEST else text


def _known(text: str, known: Sequence[str]) -> str:
    forms: set[str] = set()
    for secret in known:
        if len(secret) >= SHORTEST_KNOWN_CHARS:
            forms |= {secret, quote(secret, safe=""), quote_plus(secret), *_base64_forms(secret)}
            forms.add(secret.replace("\\", "\\\\").replace('"', '\\"'))
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, mark("setting"))
    return text


def _base64_forms(secret: str) -> set[str]:
    """Return what base64 makes of ``secret`` wherever it starts in a longer text, without the edges it shares."""
    raw = secret.encode("utf-8", "surrogatepass")
    forms = set()
    for before in range(3):
        after = -(before + len(raw)) % 3
        coded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        body = coded[(0, 2, 3)[before] : len(coded) - (1 if after else 0)]
        if len(body) >= SHORTEST_KNOWN_CHARS:
            forms |= {body, body.replace("+", "-").replace("/", "_")}
    return forms


_EVERY = (*SHAPES, *ADDRESSES, *HEADERS, *COMMANDS, *CREDENTIALS, *_IN_SENTENCES, *MAILS)
_NAMES = {
    "setting",
    "private-key",
    "session",
    "cookie",
    "card",
    "iban",
    "phone",
    "social-security",
    *(shape.name for shape in _EVERY),
}
_MARKS = "".join(map(mark, sorted(_NAMES)))
_BROUGHT = brought_by(_MARKS, _EVERY)
