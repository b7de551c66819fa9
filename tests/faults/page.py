"""Write the tests of each fault into docs/faults.md: ``python -m tests.faults.page``."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
_ROW = re.compile(r"^\| (?P<number>\d+) \| (?P<fault>[^|]+) \| (?P<held>.*?) ?\|$", re.MULTILINE)


def marked() -> dict[int, list[str]]:
    """Return links to the tests that bear ``@pytest.mark.fault(number)``, by number; those of tests/faults first."""
    found: dict[int, list[str]] = defaultdict(list)
    paths = sorted(
        (ROOT / "tests").rglob("*.py"), key=lambda path: ("faults" not in path.parts, path.relative_to(ROOT))
    )
    for path in paths:
        text = path.read_text(encoding="utf-8")
        if "mark.fault(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for number in _numbers(node):
                    found[number].append(f"[{node.name}](../{path.relative_to(ROOT).as_posix()})")
    return found


def _numbers(test: ast.FunctionDef | ast.AsyncFunctionDef) -> list[int]:
    return [
        int(ast.literal_eval(argument))
        for call in test.decorator_list
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.fault"
        for argument in call.args
    ]


def page(text: str) -> str:
    """Return the page with the marked tests in each row; what a row says before its tests stays."""
    tests = marked()

    def row(match: re.Match[str]) -> str:
        sentence = match["held"].split("[test_")[0].strip()
        held = ", ".join(tests.get(int(match["number"]), ()))
        return f"| {match['number']} | {match['fault']} | {' '.join(filter(None, (sentence, held)))} |"

    return _ROW.sub(row, text)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
