"""Secrets out of outside text, before it reaches the model, Slack, the runbook, a bundle or Aegis's own log.

The secret goes and the line stays: hosts, ports, user names, ids, digests and error words are what a diagnosis needs.
A secret is known by its own shape (``vendor_tokens``), by the key it stands under (``key_values``), or by its place
in an address, a header, a command line (``urls_and_headers``).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from urllib.parse import quote, quote_plus

from bot.domain.redaction.below import redact_below
from bot.domain.redaction.canonical import canonical
from bot.domain.redaction.command_lines import COMMANDS, PROSE
from bot.domain.redaction.credentials import SHAPES as CREDENTIALS
from bot.domain.redaction.credentials import in_credentials
from bot.domain.redaction.encoded import in_encoded
from bot.domain.redaction.headings import HEADINGS
from bot.domain.redaction.key_values import redact_pairs
from bot.domain.redaction.markup import in_markup
from bot.domain.redaction.more_tokens import MORE_TOKENS
from bot.domain.redaction.prose import NAMED, SESSIONS, in_prose
from bot.domain.redaction.sentences import SENTENCES
from bot.domain.redaction.urls_and_headers import ADDRESSES, HEADERS, in_headers
from bot.domain.redaction.vendor_tokens import SHAPES as TOKENS
from bot.domain.redaction.vendor_tokens import Absent, Rule, brought_by, mark, replace_all
from bot.domain.redaction.wrapped import in_wrapped
from bot.domain.redaction.written_bytes import in_written_bytes

SHAPES = (*TOKENS, *MORE_TOKENS)
SHORTEST_KNOWN = 6
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
    before, text = text, _pass(text, absent)
    for _ in range(_PASSES - 1):
        if text == before:
            break
        before, text = text, _pass_where_changed(before, text, absent)
    return text


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
    text = replace_all(SHAPES, _private_keys(text), absent)
    # Whole things before their parts: an address before the keys in its query, a header before the pairs in it.
    text = replace_all(ADDRESSES, text, absent)
    text = in_headers(text, absent)
    text = redact_below(redact_pairs(in_markup(text)))
    text = replace_all(COMMANDS, text, absent, folded=True)
    text = in_credentials(text, absent)
    text = in_prose(replace_all(_IN_SENTENCES, text, absent, folded=True))
    text = _people(text, absent)
    return in_written_bytes(in_encoded(text, look), look) if depth < _DEEPEST else text


def _known(text: str, known: Sequence[str]) -> str:
    forms: set[str] = set()
    for secret in known:
        if len(secret) >= SHORTEST_KNOWN:
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
        if len(body) >= SHORTEST_KNOWN:
            forms |= {body, body.replace("+", "-").replace("/", "_")}
    return forms


_ARMOUR = r"-----{} (?:[A-Z0-9]{{1,12}} ){{0,3}}PRIVATE KEY(?: BLOCK)?-----"
_BEGIN, _END = re.compile(_ARMOUR.format("BEGIN")), re.compile(_ARMOUR.format("END"))
_RUN = r"(?:(?<=\\n)|(?<=\\r)|(?<![A-Za-z0-9+/=\\-]))"
_BODY = re.compile(_RUN + r"[A-Za-z0-9+/]{16,}+={0,2}")
_LONG_BODY = re.compile(_RUN + r"(?=[A-Za-z0-9+/]{0,60}[A-Z])(?=[A-Za-z0-9+/]{0,60}[a-z])[A-Za-z0-9+/]{32,}+={0,2}")
_LAST = re.compile(_RUN + r"[A-Za-z0-9+/]{2,15}={0,2}(?=(?:\s|\\[nr])*\Z)")
_KEY = "private-key"
# A line of a key whose head is not in this text: 64 (PEM), 70 (OpenSSH) or 76 (MIME) characters and nothing else.
_LONE = re.compile(
    r"(?<![^\s|])(?=[a-z0-9+/]*[A-Z])(?=[A-Z0-9+/]*[a-z])(?=[A-Za-z+/]*\d)"
    r"(?:[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{70}|[A-Za-z0-9+/]{76})$",
    re.MULTILINE,
)


_PUTTY = re.compile(r"(?<=Private-Lines: )(\d{1,3}\r?\n)((?:[A-Za-z0-9+/=]{1,64}\r?\n){1,200})")


def _private_keys(text: str) -> str:
    if "Private-Lines: " in text:
        text = _PUTTY.sub(rf"\1{mark(_KEY)}\n", text)
    if "PRIVATE KEY" not in text:
        return _lone(text)
    done: list[str] = []
    at = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() < at:
            continue
        end = _END.search(text, begin.end())
        done.append(text[at : begin.end()])
        at = end.start() if end else len(text)
        body = text[begin.end() : at]
        cut = _LAST.search(body, max(0, len(body) - 40)) if end else None
        if cut:
            body = body[: cut.start()] + mark(_KEY) + body[cut.end() :]
        done.append((_BODY if end else _LONG_BODY).sub(mark(_KEY), body))
    done.append(text[at:])
    text = "".join(done)
    return _lone(text)


def _lone(text: str) -> str:
    if "-----BEGIN CERTIFICATE-----" in text or not any(_ends_in_key(line) for line in text.split("\n")):
        return text
    return _LONE.sub(mark(_KEY), text)


def _ends_in_key(line: str) -> bool:
    end = line[-64:]
    return len(end) == 64 and end.replace("+", "").replace("/", "").isalnum()


_CARD = re.compile(
    r"\d(?<![\w.:/#-].)(?:\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}|(?<=3)[47]\d{2}([ -]?)\d{6}\2\d{5})(?![\w-]|\.\d)"
)
_IBAN = re.compile(r"[A-Z](?<![A-Za-z0-9].)[A-Z]\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_EMAIL = re.compile(
    r"(?<![\w.+@/:$}-])(?<!ssh )(?<!scp )(?<!sftp )(?<!rsync )(?!(?:git|rabbit|celery|hg|svn|emqx|"
    r"ejabberd)\d*@)[A-Za-z0-9_.+-]{1,64}+@"
    r"(?:[A-Za-z0-9-]{1,63}\.){1,6}(?!(?:local|internal|lan|svc|localdomain|home|intra|service|"
    r"slice|socket|timer|mount|target|py|js|ts|go|rb|json|ya?ml|so|jar|tgz|"
    r"gz)\b)[A-Za-z]{2,24}(?![\w@-]|:[/~\w]|\.\w)"
)
_STARTED_MAIL = re.compile(
    r"(?i)(?<=mailto:)[A-Za-z0-9_.+-]{1,64}+@[A-Za-z0-9.-]{3,120}|"
    r"(?<=[<:=/])[A-Za-z0-9_.+-]{1,64}+@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}(?=>)"
)


_MESSAGE = re.compile("mess?age[-_ ]?id|msg[-_ ]?id|in-reply-to|references")
_INNER = (".internal", ".local", ".lan", ".localdomain")


def _mail(match: re.Match[str]) -> bool:
    # What a message is called has the form of an address, and is nobody's.
    before = match.string[max(0, match.start() - 16) : match.start()].lower()
    return not (_MESSAGE.search(before) or match[0].endswith(_INNER))


_MAILS = (Rule("email", ("mailto:", "@"), _STARTED_MAIL, _mail), Rule("email", ("@",), _EMAIL, _mail))


_EVERY = (*SHAPES, *ADDRESSES, *HEADERS, *COMMANDS, *CREDENTIALS, *_IN_SENTENCES, *_MAILS)
_NAMES = {"setting", "private-key", "session", "cookie", "card", "iban", *(shape.name for shape in _EVERY)}
_MARKS = "".join(map(mark, sorted(_NAMES)))
_BROUGHT = brought_by(_MARKS, _EVERY)


def _people(text: str, absent: Absent) -> str:
    text = _CARD.sub(lambda m: mark("card") if _luhn(m[0]) else m[0], text)
    text = _IBAN.sub(lambda m: mark("iban") if _mod97(m[0]) else m[0], text)
    return replace_all(_MAILS, text, absent)


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in number if digit.isdigit()]
    if digits[0] not in (2, 3, 4, 5, 6) or len(set(digits)) < 2:
        return False
    doubled = (digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _mod97(iban: str) -> bool:
    flat = iban.replace(" ", "")
    return 15 <= len(flat) <= 34 and int("".join(str(int(c, 36)) for c in flat[4:] + flat[:4])) % 97 == 1
