"""Support for proofs of linear time: patterns, their literals, and CPU time at two sizes."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import pkgutil
import re
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from types import FrameType, ModuleType
from typing import Any

import bot

PROBE, SMALL, LARGE, TIMES = 1_500, 6_000, 24_000, 4
MOST = 6.0
"""How many times the time of the small text the large one may take: four is linear, sixteen is quadratic."""
FLOOR_S = 0.01
"""A large text that takes less than this is fast, whatever the small one took."""
HOPELESS_S = 1.5
STEADY_S = 0.0004
"""From here on a time is measured well enough to foretell the next one."""
FORETELLS_LINEAR = 4.4
"""Where four times the text takes at most so many times as long, what is not linear in it is at most an eighth of the
time at 6,000 characters: four times the text again takes less than six times as long."""
STEPS = 1_000
"""A pattern with at most so many ways at each place of a text is linear as it is, and not measured."""
MANY = 60
"""Of more alternatives than this, each text is tried on all of them at once."""
SEPARATORS = ("", "-", " ", "_", ".", "/", "=", ":")
_SAMPLES = "aA1-_ ./=:\"',;@\n\t([{<|\\#*~+%!?ä$&^`)]}>\x1b\x00\u200b\u3042\u201c\xab\ud800\udc80"

Found = tuple[str, str, "re.Pattern[Any]", bool]
"""A module, where in it, the pattern, and whether it is used at a text's start only."""


@cache
def modules() -> tuple[str, ...]:
    """Return the names of all modules of the bot but the playground's."""
    walked = pkgutil.walk_packages(bot.__path__, "bot.")
    names = [item.name for item in walked if ".playground" not in item.name and not item.name.endswith("__main__")]
    return tuple(
        sorted(names, key=lambda name: (name == "bot.domain.redaction.redact", name))
    )  # it gathers those of others


@cache
def _tree(name: str) -> ast.Module:
    path = importlib.import_module(name).__file__
    assert path is not None
    return ast.parse(Path(path).read_text(encoding="utf-8"))


@cache
def patterns() -> tuple[Found, ...]:
    """Return every compiled pattern of the bot once, and every literal one that a function uses."""
    found: dict[tuple[Any, int], Found] = {}
    for name in modules():
        module = importlib.import_module(name)
        everything = [*_of_globals(name, module), *_of_calls(name)]
        for where, pattern, at_start in everything:
            key = (pattern.pattern, pattern.flags)
            before = found.get(key)
            if before is None or (before[3] and not at_start):
                found[key] = (name, where, pattern, at_start)
    # What ignores case matches all that the same pattern matches otherwise.
    return tuple(
        item
        for (text, flags), item in found.items()
        if flags & re.IGNORECASE or (text, flags | re.IGNORECASE) not in found
    )


def _of_globals(name: str, module: ModuleType) -> Iterator[tuple[str, re.Pattern[Any], bool]]:
    imported = {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(_tree(name))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    for title, value in list(vars(module).items()):
        if title in imported or title.startswith("__"):
            continue
        for pattern in _within(value, name, set()):
            yield title, pattern, isinstance(value, re.Pattern) and _used_at_start(name, title)


def _within(value: object, module: str, seen: set[int]) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
        return
    if id(value) in seen or isinstance(value, str | bytes | int | float | ModuleType):
        return
    seen.add(id(value))
    parts: Iterable[object] = ()
    if isinstance(value, Mapping):
        parts = (*value.keys(), *value.values())
    elif isinstance(value, list | tuple | set | frozenset):
        parts = value
    elif isinstance(value, type):
        parts = tuple(vars(value).values()) if value.__module__ == module else ()
    elif type(value).__module__.startswith("bot."):
        names = (
            {*getattr(value, "__dict__", {}), *(field.name for field in dataclasses.fields(value))}
            if (dataclasses.is_dataclass(value))
            else set(getattr(value, "__dict__", {}))
        )
        slots = [slot for kind in type(value).__mro__ for slot in getattr(kind, "__slots__", ())]
        parts = [getattr(value, part, None) for part in (*names, *slots)]
    elif callable(value) and getattr(value, "__module__", None) == module:
        cells = getattr(value, "__closure__", None) or ()
        parts = [*(getattr(value, "__defaults__", None) or ()), *(cell.cell_contents for cell in cells)]
    for part in parts:
        yield from _within(part, module, seen)


@cache
def _uses(module: str) -> dict[str, set[str]]:
    """Return what each name is used for in a module: the attribute asked of it, or "" for any other use."""
    uses: dict[str, set[str]] = {}
    asked: set[int] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            uses.setdefault(node.value.id, set()).add(node.attr)
            asked.add(id(node.value))
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in asked:
            uses.setdefault(node.id, set()).add("")
    return uses


@cache
def _imports() -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Return which modules import a name of a module, and as what."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for other in modules():
        for node in ast.walk(_tree(other)):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    found.setdefault((node.module, alias.name), []).append((other, alias.asname or alias.name))
    return found


def _used_at_start(module: str, title: str) -> bool:
    uses = set(_uses(module).get(title, ()))
    for other, alias in _imports().get((module, title), ()):
        uses |= _uses(other).get(alias, set())
    return bool(uses) and uses <= {"match", "fullmatch"}


_CALLS = {"compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Return the calls of ``re`` inside the functions of a module, each with its function's name."""
    for function in ast.walk(_tree(name)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id == "re"
                    and node.func.attr in _CALLS
                ):
                    yield function.name, node


def literal(name: str, node: ast.expr) -> str | bytes | None:
    """Return a pattern's text, if it stands there as a literal or is joined from literals and names of the module."""
    values = vars(importlib.import_module(name))
    allowed = (ast.Constant, ast.BinOp, ast.Add, ast.Name, ast.Load, ast.JoinedStr, ast.FormattedValue)
    if not all(isinstance(part, allowed) for part in ast.walk(node)):
        return None
    if any(isinstance(part, ast.Name) and not isinstance(values.get(part.id), str) for part in ast.walk(node)):
        return None
    value = eval(compile(ast.Expression(node), name, "eval"), dict(values))
    return value if isinstance(value, str | bytes) else None


def _of_calls(name: str) -> Iterator[tuple[str, re.Pattern[Any], bool]]:
    for function, call in calls(name):
        text = literal(name, call.args[0])
        if text is not None:
            assert isinstance(call.func, ast.Attribute)
            flags = re.RegexFlag(0)
            for part in ast.walk(call):
                if isinstance(part, ast.Attribute) and part.attr.isupper():
                    flags |= getattr(re, part.attr)
            yield f"{function}:{call.lineno}", re.compile(text, flags), call.func.attr in {"match", "fullmatch"}


# What a pattern is made of


def parts(pattern: re.Pattern[Any]) -> list[tuple[re.Pattern[Any], Any]]:
    """Return the alternatives of a pattern, compiled and parsed: a pattern is linear where each of them is."""
    parsed = _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    found = _alternatives(list(parsed), parsed.state)
    return [(_compiler.compile(items, pattern.flags) if len(found) > 1 else pattern, items) for items in found]


def _alternatives(items: list[Any], state: Any) -> list[Any]:
    for at, (op, value) in enumerate(items):
        inner = value[3] if op is _constants.SUBPATTERN else [(op, value)]
        if len(inner) == 1 and inner[0][0] is _constants.BRANCH:
            return [
                part
                for branch in inner[0][1][1]
                for part in _alternatives(
                    [
                        *items[:at],
                        *([(op, (*value[:3], branch))] if op is _constants.SUBPATTERN else branch),
                        *items[at + 1 :],
                    ],
                    state,
                )
            ]
        if op is _constants.SUBPATTERN and at == 0 and len(items) == 1 and value[1:3] == (0, 0):
            deeper = _alternatives(list(inner), state)
            if len(deeper) > 1:
                return [_parser.SubPattern(state, [(op, (*value[:3], part))]) for part in deeper]
    return [_parser.SubPattern(state, items)]


_ENDLESS = 1 << 40


def ways(items: Iterable[Any]) -> int:
    """Return how many ways through a parsed pattern there are from one place at most."""
    total = 1
    for op, value in items:
        if op is _constants.BRANCH:
            own = sum(ways(branch) for branch in value[1])
        elif op in (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT):
            low, high, inner = value
            once = ways(inner)
            if high is _constants.MAXREPEAT or high > STEPS:
                return _ENDLESS
            if op is _constants.POSSESSIVE_REPEAT and once == 1:
                continue
            own = high - low + 1 if once == 1 else once ** min(high, 40) * (high - low + 1)
        else:
            own = 1
            for inner in _inner(op, value):
                own *= ways(inner)
        total = min(total * own, _ENDLESS)
    return total


def bounded(items: Any) -> bool:
    """Return True if a pattern takes a small, bounded number of steps at each place: it is linear as it is."""
    return ways(items) <= STEPS


def separators(items: Any) -> list[str]:
    """Return the separators that a pattern can tell apart."""
    kinds: dict[tuple[bool, ...], str] = {}
    tests = list(_tests(items))
    for separator in SEPARATORS:
        kind = (
            not separator,
            separator == "_",
            *(bool(separator) and _takes(op, value, separator) for op, value in tests),
        )
        kinds.setdefault(kind, separator)
    return list(kinds.values())


def _tests(items: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    for op, value in items:
        if op in (_constants.LITERAL, _constants.IN, _constants.ANY, _constants.NOT_LITERAL):
            yield op, value
        for deeper in _inner(op, value):
            yield from _tests(deeper)


def units(items: Any) -> list[str]:
    """Return the literal runs of a parsed pattern, signs of its classes, and beginnings of its shortest match.

    A beginning counts where a repetition starts or ends: only there a pattern has a choice.
    """
    found: dict[str, None] = {}
    _runs(items, found)
    grown = ""
    for item in items:
        more = _shortest([item])
        if len(grown + more) >= 300:
            break
        if ways([item]) > 1:
            found[grown] = None
            found[grown + more] = None
        grown += more
    found[grown] = None
    return [unit for unit in found if unit]


def start(items: Iterable[Any]) -> tuple[str, bool]:
    """Return the literal that a match starts with, in small letters, and whether it is all of the pattern."""
    run = ""
    for op, value in items:
        if op is _constants.LITERAL:
            run += chr(value)
        elif op is _constants.SUBPATTERN:
            more, whole = start(value[3])
            run += more
            if not whole:
                return run.lower(), False
        elif op is not _constants.AT and (
            op not in (_constants.ASSERT, _constants.ASSERT_NOT) or ways([(op, value)]) > 1
        ):
            return run.lower(), False
    return run.lower(), True


def begins_nowhere(first: str, unit: str) -> bool:
    """Return True if a text of ``unit`` lacks what a match starts with: each place is left at once."""
    text = repeated(unit, 2 * len(unit) + len(first))
    return bool(first) and first.isascii() and text.isascii() and first not in text.lower()


def _runs(items: Iterable[Any], found: dict[str, None]) -> None:
    run = ""
    for op, value in items:
        if op is _constants.LITERAL:
            run += chr(value)
            continue
        if run:
            found[run] = None
            run = ""
        for deeper in _inner(op, value):
            _runs(deeper, found)
        if op in (_constants.IN, _constants.ANY, _constants.NOT_LITERAL):
            for sign in _signs(op, value):
                found[sign] = None
    if run:
        found[run] = None


def _inner(op: Any, value: Any) -> list[Any]:
    if op is _constants.BRANCH:
        return list(value[1])
    if op is _constants.SUBPATTERN:
        return [value[3]]
    if op in (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT):
        return [value[2]]
    if op in (_constants.ASSERT, _constants.ASSERT_NOT):
        return [value[1]]
    if op is _constants.ATOMIC_GROUP:
        return [value]
    if op is _constants.GROUPREF_EXISTS:
        return [part for part in value[1:] if part is not None]
    return []


def _signs(op: Any, value: Any) -> list[str]:
    """Return a letter, a digit and a sign that a class takes, as far as it does."""
    kept: dict[str, str] = {}
    for sign in _SAMPLES:
        kind = "letter" if sign.isalpha() else "digit" if sign.isdigit() else "blank" if sign.isspace() else "sign"
        if kind not in kept and _takes(op, value, sign):
            kept[kind] = sign
    if not kept and op is _constants.IN:
        for inner, what in value:
            if inner is _constants.LITERAL:
                return [chr(what)]
            if inner is _constants.RANGE:
                return [chr(what[0])]
    return list(kept.values())


def _takes(op: Any, value: Any, sign: str) -> bool:
    if op is _constants.ANY:
        return sign != "\n"
    if op is _constants.LITERAL:
        return bool(ord(sign) == value)
    if op is _constants.NOT_LITERAL:
        return bool(ord(sign) != value)
    answer = False
    negated = False
    for inner, what in value:
        if inner is _constants.NEGATE:
            negated = True
        elif inner is _constants.LITERAL:
            answer |= ord(sign) == what
        elif inner is _constants.RANGE:
            answer |= what[0] <= ord(sign) <= what[1]
        elif inner is _constants.CATEGORY:
            name = str(what)
            hit = (
                sign.isdigit()
                if "DIGIT" in name
                else sign.isspace()
                if "SPACE" in name
                else sign.isalnum() or sign == "_"
            )
            answer |= hit != ("NOT" in name)
    return answer != negated


def _shortest(items: Iterable[Any]) -> str:
    text = ""
    for op, value in items:
        if op is _constants.LITERAL:
            text += chr(value)
        elif op in (_constants.IN, _constants.ANY, _constants.NOT_LITERAL):
            text += next(iter(_signs(op, value)), "")
        elif op in (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT):
            text += _shortest(value[2]) * min(max(value[0], 1 if value[1] > 20 else value[0]), 40)
        elif op is _constants.BRANCH:
            text += _shortest(value[1][0])
        elif op is _constants.ASSERT and value[0] < 0:
            text += _shortest(value[1])
        elif op not in (_constants.ASSERT, _constants.ASSERT_NOT):
            text += "".join(_shortest(deeper) for deeper in _inner(op, value)[:1])
    return text


# Time


class Overrun(Exception):
    """A call took longer than any linear one can."""


def cpu(call: Callable[[], object], limit_s: float = HOPELESS_S) -> float:
    """Return the CPU time of a call; raise ``Overrun`` after ``limit_s``, also out of the midst of a pattern."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise Overrun

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, limit_s)
    try:
        start = time.thread_time()
        call()
        return time.thread_time() - start
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        # The last signal may still be under way, and would end the process by default.
        signal.signal(signal.SIGPROF, signal.SIG_IGN if before is signal.SIG_DFL else before)


def growth(run: Callable[[int], Callable[[], object]], floor_s: float = FLOOR_S) -> str:
    """Return "" if ``run(24,000)`` takes at most six times the CPU time of ``run(6,000)``, else what it took."""
    probe_call = run(PROBE)
    try:
        probe = cpu(probe_call)
        if probe * (LARGE / PROBE) ** 2 < floor_s:  # even if it were quadratic
            return ""
        small_call = run(SMALL)
        small = cpu(small_call)
        if small * (LARGE / SMALL) ** 2 < floor_s:
            return ""
        if _foretells_linear(probe_call, probe, small):
            return ""
        large_call = run(LARGE)
        large = cpu(large_call, max(HOPELESS_S, small * 20))
        for _ in range(8):
            if large < floor_s or large <= MOST * small:
                return ""
            # As many small ones as take as long as a large one: what else the machine does then falls on both alike.
            small = cpu(lambda: [small_call() for _ in range(TIMES)], HOPELESS_S * 4) / TIMES
            large = min(large, cpu(large_call, max(HOPELESS_S, small * 20)))
            if large > 10 * floor_s and large > 11 * small:
                break
    except Overrun:
        return f"hopeless: longer than {HOPELESS_S} s"
    if large < floor_s or large <= MOST * small:
        return ""
    return f"{small * 1000:.1f} ms, then {large * 1000:.1f} ms: ×{large / max(small, 1e-6):.1f}"


def _foretells_linear(probe_call: Callable[[], object], probe: float, small: float) -> bool:
    if small <= STEADY_S:
        return False
    if probe < STEADY_S * 10:
        probe = min(probe, *(cpu(probe_call) for _ in range(2)))
    return small <= FORETELLS_LINEAR * probe


def repeated(unit: str, size: int) -> str:
    """Return ``unit`` over and over, ``size`` characters long."""
    return (unit * (size // len(unit) + 1))[:size]


def over_pattern(pattern: re.Pattern[Any], unit: str, at_start: bool) -> Callable[[int], Callable[[], object]]:
    """Return a run of a pattern over a text of ``unit``."""

    def run(size: int) -> Callable[[], object]:
        text: Any = repeated(unit, size)
        if isinstance(pattern.pattern, bytes):
            text = text.encode("utf-8", "surrogatepass")
        if at_start:
            return lambda: (pattern.match(text), pattern.fullmatch(text))
        return lambda: sum(1 for _ in pattern.finditer(text))

    return run


def slow(pattern: re.Pattern[Any], at_start: bool, enough: int = 3) -> list[str]:
    """Return the repeated texts over which the time of a pattern is not linear."""
    found: list[str] = []
    for part, text in _tries(pattern):
        answer = growth(over_pattern(part, text, at_start))
        if answer:
            found.append(f"{text!r}: {answer}")
            if len(found) >= enough:
                break
    return found


def _tries(pattern: re.Pattern[Any]) -> list[tuple[re.Pattern[Any], str]]:
    """Return each alternative with the texts to repeat; of very many alternatives, the whole pattern.

    There each literal stands alone and before one separator, which differs from literal to literal.
    """
    alternatives = [(part, items) for part, items in parts(pattern) if not bounded(items)]
    whole = len(alternatives) > MANY
    tries: dict[tuple[re.Pattern[Any], str], None] = {}
    for part, items in alternatives:
        first, _ = start(items)
        all_separators = separators(items)
        for at, unit in enumerate(units(items)):
            chosen = (all_separators[0], all_separators[at % len(all_separators)]) if whole else all_separators
            for separator in chosen:
                if not begins_nowhere(first, unit + separator):
                    tries[pattern if whole else part, unit + separator] = None
    return list(tries)


def slow_patterns(module: str) -> dict[str, list[str]]:
    """Return the patterns of a module that are not linear, each with the texts that show it."""
    return {
        f"{where} {pattern.pattern[:60]!r}": found
        for name, where, pattern, at_start in patterns()
        if name == module and (found := slow(pattern, at_start))
    }


def modules_with_patterns(*packages: str, but: tuple[str, ...] = ()) -> list[str]:
    """Return the modules in or below these packages that have a pattern."""

    def below(name: str, tops: tuple[str, ...]) -> bool:
        return any(name == top or name.startswith(top + ".") for top in tops)

    return sorted({name for name, *_ in patterns() if below(name, packages) and not below(name, but)})
