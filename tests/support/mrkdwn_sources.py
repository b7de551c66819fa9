"""Reads the sources of bot/slack and says where a text that may come from outside becomes mrkdwn without being escaped.

What is safe is followed through names, f-strings, joins, conditions and calls of functions of the same package: a
constant, a number in a number's format, and what the escaping functions of ``mrkdwn`` return. All else is from outside.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ESCAPING = frozenset(
    {"escape", "prose", "line", "code", "mention", "channel", "link", "date", "utc", "clip", "clip_bytes"}
)
"""What ``mrkdwn`` has for sentences; ``clip`` cuts what was escaped before, so its argument must be safe itself."""

CUTTING = frozenset({"clip", "clip_bytes"})

SINKS = frozenset({"section", "small", "text", "offer"})
"""What ``blocks`` takes mrkdwn by; of ``offer`` it is the first argument."""

BLOCKS = "bot.slack.views.blocks"

_NUMBERS = frozenset("defg%,.0123456789+")
_MOMENTS = frozenset("%YmdHMS: -")
_KEEPING = frozenset({"strip", "rstrip", "lstrip", "capitalize", "lower", "removesuffix", "removeprefix"})


@dataclass
class Module:
    """One source file: its functions and its constants."""

    name: str
    tree: ast.Module
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    constants: dict[str, ast.expr] = field(default_factory=dict)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, source: str) -> Module:
        module = cls(name, ast.parse(source))
        for node in module.tree.body:
            if isinstance(node, ast.FunctionDef):
                module.functions[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                module.constants[node.targets[0].id] = node.value
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                module.constants[node.target.id] = node.value
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bot."):
                for alias in node.names:
                    module.imported[alias.asname or alias.name] = (node.module or "", alias.name)
        return module


@dataclass(frozen=True)
class Leak:
    """Where outside text becomes mrkdwn as it is."""

    module: str
    line: int
    code: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.code}"


def modules(bot: Path) -> list[Module]:
    """Read the sources of ``bot/slack`` and ``bot/domain``."""
    files = [file for folder in ("slack", "domain") for file in sorted((bot / folder).rglob("*.py"))]
    return [Module.read(_dotted(file.relative_to(bot.parent)), file.read_text()) for file in files]


def _dotted(file: Path) -> str:
    return ".".join(file.with_suffix("").parts)


class Door:
    """Looks through modules, given by their whole names."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        self._modules = modules
        self._asked: set[tuple[str, str, frozenset[str], int | None]] = set()

    @classmethod
    def of(cls, bot: Path) -> Door:
        """Read what makes messages, and the domain, whose functions it may call."""
        return cls({module.name: module for module in modules(bot)})

    def leaks(self, only: str = "") -> list[Leak]:
        """Return the leaks of all modules, or of one."""
        return [leak for name, module in self._modules.items() if only in ("", name) for leak in self._in(module)]

    def _in(self, module: Module) -> Iterator[Leak]:
        if module.name == "bot.slack.views.mrkdwn":
            return
        for function in _functions(module.tree):
            if module.name == BLOCKS and function.name in SINKS | {"message"}:
                continue
            view = _View(self, module, function)
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and self._sink(module, node):
                    given = node.args[:1] if _called(node) == "offer" else node.args
                    for argument in given:
                        if not view.safe(argument):
                            yield Leak(module.name, node.lineno, ast.unparse(argument))

    def _sink(self, module: Module, call: ast.Call) -> bool:
        name = _called(call)
        if name == "MarkdownTextObject":
            return True
        if name not in SINKS or (isinstance(call.func, ast.Attribute) and _base(call.func) != "blocks"):
            return False
        origin = module.imported.get(name, ("", ""))[0]
        return isinstance(call.func, ast.Attribute) or BLOCKS in (origin, module.name)

    def returns_safe(self, module: Module, name: str, call: ast.Call, view: _View, index: int | None = None) -> bool:
        """Say whether what a call returns is safe, or the part of it at ``index`` where it returns several."""
        origin = module.imported.get(name)
        if origin is not None:
            found = self._modules.get(origin[0])
            if found is None:
                return False
            module, name = found, origin[1]
        function = module.functions.get(name)
        if function is None:
            return False
        trusted = _trusted(function, call, view)
        key = (module.name, name, trusted, index)
        if key in self._asked:
            return True  # it calls itself; what it returns otherwise decides
        self._asked.add(key)
        try:
            inside = _View(self, module, function, trusted)
            returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value]
            return bool(returned) and all(inside.safe(_part(value, index)) for value in returned)
        finally:
            self._asked.discard(key)

    def constant_safe(self, module: Module, name: str) -> bool:
        origin = module.imported.get(name)
        if origin is not None:
            found = self._modules.get(origin[0])
            if found is None:
                return False
            module, name = found, origin[1]
        value = module.constants.get(name)
        if value is None:
            return False
        parts = value.values if isinstance(value, ast.Dict) else [value]
        return all(isinstance(part, ast.Constant) for part in parts)

    def module(self, module: Module, name: str) -> Module | None:
        """Return the module that a name means."""
        origin = module.imported.get(name)
        return self._modules.get(".".join(origin)) if origin else None


class _View:
    """What is safe inside one function; ``trusted`` are the parameters that are given something safe."""

    def __init__(
        self, door: Door, module: Module, function: ast.FunctionDef, trusted: frozenset[str] = frozenset()
    ) -> None:
        self._door = door
        self._module = module
        self._trusted = trusted
        self._parameters = {one.arg for one in _parameters(function)}
        self._given = _bindings(function)
        self._open: set[str] = set()

    def safe(self, node: ast.expr) -> bool:  # noqa: C901 - a table of what Python has for expressions
        match node:
            case ast.Constant() | ast.Compare():
                return True
            case ast.JoinedStr(values=values):
                return all(self.safe(value) for value in values)
            case ast.FormattedValue(value=value, format_spec=spec):
                return _number(spec) or self.safe(value)
            case ast.IfExp(body=body, orelse=orelse):
                return self.safe(body) and self.safe(orelse)
            case ast.BoolOp(op=ast.And(), values=values):
                return self.safe(values[-1])
            case ast.BoolOp(values=values):
                return all(self.safe(value) for value in values)
            case ast.BinOp(left=left, right=right):
                return self.safe(left) and self.safe(right)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                return all(self.safe(element) for element in elements)
            case ast.Starred(value=value):
                return self.safe(value)
            case ast.ListComp(elt=element) | ast.GeneratorExp(elt=element):
                return self.safe(element)
            case ast.Subscript(value=ast.Call() as call, slice=ast.Constant(value=int() as index)):
                return self._called(call, index)
            case ast.Subscript(value=value):
                return self.safe(value)
            case ast.NamedExpr(value=value):
                return self.safe(value)
            case ast.Name(id=name):
                return self._named(name)
            case ast.Attribute(value=ast.Name(id=base), attr=name):
                module = self._door.module(self._module, base)
                return module is not None and self._door.constant_safe(module, name)
            case ast.Call():
                return self._called(node)
        return False

    def _named(self, name: str) -> bool:
        if name in self._open:
            return True
        given = self._given.get(name)
        if given is not None:
            self._open.add(name)
            try:
                return all(self.safe(value) for value in given)
            finally:
                self._open.discard(name)
        if name in self._parameters:
            return name in self._trusted
        return self._door.constant_safe(self._module, name)

    def _called(self, call: ast.Call, index: int | None = None) -> bool:
        arguments = all(self.safe(argument) for argument in call.args) and all(
            self.safe(keyword.value) for keyword in call.keywords
        )
        match call.func:
            case ast.Attribute(value=ast.Name(id="mrkdwn"), attr=name):
                return name in ESCAPING and (name not in CUTTING or self.safe(call.args[0]))
            case ast.Attribute(value=ast.Name(id=base), attr=name) if module := self._door.module(self._module, base):
                return self._door.returns_safe(module, name, call, self, index)
            case ast.Attribute(value=value, attr="join"):
                return self.safe(value) and arguments
            case ast.Attribute(value=value, attr=name) if name in _KEEPING:
                return self.safe(value)
            case ast.Name(id="len" | "round" | "int"):
                return True
            case ast.Name(id="filter"):
                return self.safe(call.args[1])
            case ast.Name(id="sorted" | "list" | "tuple" | "str" | "min" | "max"):
                return arguments
            case ast.Name(id=name):
                return self._door.returns_safe(self._module, name, call, self, index)
        return False


def _bindings(function: ast.FunctionDef) -> dict[str, list[ast.expr]]:  # noqa: C901 - a table of what binds names
    """Return what is bound to each name in a function, loops and comprehensions too."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[target], value=value):
                pass
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                pass
            case ast.AugAssign(target=target, value=value) | ast.NamedExpr(target=target, value=value):
                pass
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                pass
            case ast.Call(func=ast.Attribute(value=ast.Name() as target, attr="append"), args=[value]):
                pass
            case _:
                continue
        if isinstance(target, ast.Name):
            found.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for one, given in zip(target.elts, value.elts, strict=True):
                if isinstance(one, ast.Name):
                    found.setdefault(one.id, []).append(given)
        elif isinstance(target, ast.Tuple):
            for number, one in enumerate(target.elts):
                if isinstance(one, ast.Name):
                    found.setdefault(one.id, []).append(ast.Subscript(value, ast.Constant(number)))
    return found


def _parameters(function: ast.FunctionDef) -> list[ast.arg]:
    given = function.args
    return [one for one in (*given.args, *given.kwonlyargs, given.vararg, given.kwarg) if one is not None]


def _trusted(function: ast.FunctionDef, call: ast.Call, view: _View) -> frozenset[str]:
    """Return the parameters that a call gives something safe."""
    named = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    for place, argument in zip(function.args.args, call.args, strict=False):
        named[place.arg] = argument
    if function.args.vararg is not None:
        rest = call.args[len(function.args.args) :]
        named[function.args.vararg.arg] = ast.Tuple(list(rest))
    # What is not given has its default, which stands in the source.
    left = {one.arg for one in _parameters(function)} - named.keys()
    return frozenset(name for name, value in named.items() if view.safe(value)) | left


def _part(value: ast.expr, index: int | None) -> ast.expr:
    if index is None:
        return value
    return value.elts[index] if isinstance(value, ast.Tuple) else ast.Subscript(value, ast.Constant(index))


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _base(attribute: ast.Attribute) -> str:
    return getattr(attribute.value, "id", "")


def _number(spec: ast.expr | None) -> bool:
    """Say whether a format is one that text refuses: of numbers, or of moments."""
    if not isinstance(spec, ast.JoinedStr):
        return False
    written = "".join(str(part.value) for part in spec.values if isinstance(part, ast.Constant))
    return bool(written) and (set(written) <= _NUMBERS or set(written) <= _MOMENTS)
