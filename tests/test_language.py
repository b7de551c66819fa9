"""Naming and docstring rules, read from the source of every module."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Words that name nothing: a past participle for a value, or a word of one house only.
BANNED = frozenset(
    ("told", "untold", "said", "heard", "kept", "well", "mend", "want", "thing", "ours", "heed", "spell", "sure")
)

#: Names with a banned word that must stay, each with the reason.
FROZEN = {
    ("bot/domain/audit/trail.py", "said"): "a column of the audit trail, whose name is inside each row's hash",
}

#: Openings of a module's docstring that make a clause of its subject.
CLAUSES = frozenset(("What", "Whether", "How", "Where", "When", "Why", "Who", "Which", "Until"))

#: Openings of a function's docstring that name no action.
VAGUE = frozenset(("Say", "Tell", "Let", "Have", "Whether", "What"))

#: Parts of a constant's name that make a number of it a duration or a size.
MEASURES = frozenset(
    (
        *("AGE", "BUDGET", "DELAY", "DURATION", "GRACE", "INTERVAL", "LARGEST", "LENGTH", "LIFETIME", "LONGEST"),
        *("PATIENCE", "PAUSE", "PERIOD", "RETENTION", "SHORTEST", "SIZE", "TIMEOUT", "TTL", "WAIT", "WIDTH", "WINDOW"),
    )
)

#: Units in which a number may be measured or counted, as the end of a constant's name.
UNITS = frozenset(
    ("S", "MS", "NS", "MINUTES", "HOURS", "DAYS", "BYTES", "CHARS", "CHARACTERS", "LINES", "TOKENS", "WEIGHT")
)


@cache
def modules() -> dict[str, ast.Module]:
    """Return each module of the product and of the playground, by its path."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "bot").rglob("*.py"))
    }


def words(name: str) -> set[str]:
    """Return the words of a name, of whichever case."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_"))


def defined(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield each name that a module defines, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.ClassDef(name=name) | ast.alias(asname=str(name)):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield node.lineno, name
            case _:
                pass


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield each function and method of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def docstrings(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, str]]:
    """Yield each function that has a docstring, with the docstring."""
    for function in functions(tree):
        if text := ast.get_docstring(function):
            yield function, text


def returns_bool(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return True if a function is annotated with bool."""
    return isinstance(function.returns, ast.Name) and function.returns.id == "bool"


def banned_names() -> list[str]:
    return [
        f"{path}:{line} {name}"
        for path, tree in modules().items()
        for line, name in defined(tree)
        if words(name) & BANNED and (path, name) not in FROZEN
    ]


def long_summaries() -> list[str]:
    found = []
    for path, tree in modules().items():
        text = ast.get_docstring(tree) or ""
        summary = text.partition("\n\n")[0].split()
        if summary and (len(summary) > 12 or summary[0] in CLAUSES):
            found.append(f"{path} {' '.join(summary)}")
    return found


def vague_openings() -> list[str]:
    return [
        f"{path}:{function.lineno} {function.name}: {text.splitlines()[0]}"
        for path, tree in modules().items()
        for function, text in docstrings(tree)
        if text.split()[0].rstrip(",:") in VAGUE
    ]


def unclear_predicates() -> list[str]:
    return [
        f"{path}:{function.lineno} {function.name}: {text.splitlines()[0]}"
        for path, tree in modules().items()
        for function, text in docstrings(tree)
        if returns_bool(function)
        and text.startswith("Return ")
        and not re.match(r"Return True (if|unless|for|when|as|once|while)\b", text)
    ]


def shared_class_names() -> list[str]:
    places = defaultdict(list)
    for path, tree in modules().items():
        namespace = "playground" if path.startswith("bot/playground/") else "product"
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[namespace, node.name].append(path)
    return [f"{name}: {', '.join(at)}" for (_, name), at in places.items() if len(at) > 1]


def is_number(value: ast.expr | None) -> bool:
    """Return True if an expression is a number, or a product of numbers."""
    match value:
        case ast.Constant(value=int() | float() as number):
            return not isinstance(number, bool)
        case ast.BinOp(left=left, right=right):
            return is_number(left) and is_number(right)
        case _:
            return False


def constants(tree: ast.Module) -> Iterator[tuple[int, str, ast.expr | None]]:
    """Yield each constant of a module, with its line and value."""
    pairs: list[tuple[ast.expr, ast.expr | None]]
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                pairs = list(zip(names, values, strict=True))
            case ast.Assign(targets=[name], value=value) | ast.AnnAssign(target=name, value=value):
                pairs = [(name, value)]
            case _:
                continue
        for name, value in pairs:
            if isinstance(name, ast.Name) and name.id.isupper():
                yield node.lineno, name.id, value


def constants_without_unit() -> list[str]:
    found = []
    for path, tree in modules().items():
        for line, name, value in constants(tree):
            parts = name.strip("_").split("_")
            if is_number(value) and MEASURES & set(parts) and parts[-1] not in UNITS:
                found.append(f"{path}:{line} {name}")
    return found


RULES = {
    "no banned word in a name": banned_names,
    "a module's summary has at most 12 words and no clause for a subject": long_summaries,
    "a function's docstring opens with its action": vague_openings,
    "a predicate's docstring opens with Return True if": unclear_predicates,
    "no two public classes of one name": shared_class_names,
    "a duration or a size ends with its unit": constants_without_unit,
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_source_follows_the_rules_of_language(rule) -> None:
    assert rule() == []


def test_frozen_names_still_exist() -> None:
    assert all(name in {other for _, other in defined(modules()[path])} for path, name in FROZEN)
