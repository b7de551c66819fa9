"""Log texts with and without secrets, for tests and measurement. The files hold forms; values are drawn by a seed.

No token stands in a file, so that scanners of repositories find nothing there, and a seed more is a set more.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
import uuid
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "corpus" / "redaction"
_FORM = re.compile("‹([^›]+)›")
_LETTERS = {
    "a": string.ascii_letters + string.digits,
    "A": string.ascii_uppercase + string.digits,
    "l": string.ascii_lowercase + string.digits,
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "b": string.ascii_letters + string.digits + "+/",
    "u": string.ascii_letters + string.digits + "-_",
    "d": string.digits,
    "T": string.ascii_uppercase + "234567",
}
_STARTS = ("Winter", "Kestrel", "granite", "Monday", "tulip", "Sommer", "orange", "Volvo", "needle", "Harbour")


@dataclass(frozen=True, slots=True)
class Case:
    """A text, the secrets in it, and what stands around them."""

    text: str
    secrets: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def secrets(name: str, seed: int = 0) -> list[Case]:
    """Return the cases of a file whose secrets are marked."""
    cases = []
    for line in _lines(name, seed):
        parts = line.split("§")
        kept = tuple(part.strip() for part in parts[::2] if len(part.strip()) > 1)
        cases.append(Case("".join(parts), tuple(parts[1::2]), kept))
    return cases


def harmless(name: str, seed: int = 0) -> list[Case]:
    """Return the cases of a file in which nothing is secret."""
    return [Case(line) for line in _lines(name, seed)]


def remains(case: Case, cleaned: str) -> list[str]:
    """Return the secrets of which more than a third still stands in one piece."""
    pieces = ((one, [line for line in one.split("\n") if line]) for one in case.secrets)
    return [one for one, lines in pieces if any(_left(line, cleaned) for line in lines)]


def _left(secret: str, cleaned: str) -> bool:
    size = max(5, len(secret) // 3) if len(secret) > 5 else len(secret)
    return any(secret[at : at + size] in cleaned for at in range(len(secret) - size + 1))


def _lines(name: str, seed: int) -> list[str]:
    lines = [line for line in (FOLDER / name).read_text(encoding="utf-8").splitlines() if not line.startswith("# ")]
    rng = random.Random(f"{name} {seed}")
    return [_FORM.sub(lambda form: _drawn(form[1], rng), line).replace("¶", "\n") for line in lines]


def _drawn(form: str, rng: random.Random) -> str:
    def some(kind: str, length: int) -> str:
        return "".join(rng.choice(_LETTERS[kind]) for _ in range(length))

    if form == "uuid":
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))
    if form in ("p", "q"):  # what people choose: a word, digits, for p a sign that may stand in an address
        sign = rng.choice("!#%$*^~.-_+" if form == "p" else "-._!")
        return f"{rng.choice(_STARTS)}{rng.randrange(10, 9999)}{sign}{some('a', rng.randrange(3, 8))}"
    if form == "basic":
        return base64.b64encode(f"ops:{_drawn('p', rng)}".encode()).decode()
    if form == "jwt":
        parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": some("d", 8), "exp": 1_763_805_600, "scope": "write"})
        coded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        return ".".join((*coded, some("u", 43)))
    if form in ("card", "cards"):
        number = f"4{some('d', 14)}"
        number += next(last for last in string.digits if _luhn(number + last))
        return number if form == "card" else " ".join(number[at : at + 4] for at in range(0, 16, 4))
    if form in ("iban", "ibans"):
        account = some("d", 18)
        check = 98 - int(f"{account}131400") % 97
        number = f"DE{check:02}{account}"
        return number if form == "iban" else " ".join(number[at : at + 4] for at in range(0, 22, 4))
    if form == "a99":
        return some("a", 99)
    return some(form[0], int(form[1:]))


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0
