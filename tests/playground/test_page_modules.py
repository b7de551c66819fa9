"""The page's JavaScript modules: what they import exists, and no import comes back to where it began."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "bot" / "playground" / "page"

STATEMENT = re.compile(
    r'^(?:import|export)\b(?:\s*(?P<names>\{[^}]*\}|[^"\'{;]*?)\s*\bfrom)?\s*["\'](?P<path>[^"\']+)["\']', re.M
)
EXPORT = re.compile(r"^export (?:async )?(?:function\*?|class|const|let) (\w+)", re.M)
EXPORT_LIST = re.compile(r"^export \{([^}]*)\}", re.M)
LOAD = re.compile(r'(?:src|href)="/page/([^"]+)"')

ALLOWED = {
    "": {"lib", "blocks", "chat", "lab"},
    "lib": set(),
    "blocks": {"lib"},
    "lab": {"lib"},
    "chat": {"lib", "blocks", "lab"},
}
"""Which folders the modules of a folder may import from, besides their own."""

Modules = dict[str, str]


def read_modules(folder: Path = PAGE) -> Modules:
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.js")}


def imports(modules: Modules, name: str) -> Iterator[tuple[str, list[str]]]:
    """Return the modules that a module imports (or exports again), each with the names that it takes."""
    for found in STATEMENT.finditer(modules[name]):
        names = re.findall(r"(\w+)\s*[,}]", found["names"] or "")
        yield posixpath.normpath(posixpath.join(posixpath.dirname(name), found["path"])), names


def exports(source: str) -> set[str]:
    listed = (part for found in EXPORT_LIST.finditer(source) for part in found[1].split(","))
    return {*EXPORT.findall(source), *(part.split(" as ")[-1].strip() for part in listed)} - {""}


def faults(modules: Modules) -> list[str]:
    """Return what is wrong with the imports: files and names that do not exist, names that nothing uses, cycles."""
    graph: dict[str, set[str]] = {name: set() for name in modules}
    wrong = []
    for name in modules:
        used = re.findall(r"[\w$]+", STATEMENT.sub("", modules[name]))
        for target, names in imports(modules, name):
            if target not in modules:
                wrong.append(f"{name} imports {target}, which does not exist")
                continue
            graph[name].add(target)
            wrong += [
                f"{name} imports {each}, which {target} lacks" for each in names if each not in exports(modules[target])
            ]
            wrong += [f"{name} imports {each} and does not use it" for each in names if each not in used]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        wrong.append("cycle: " + " -> ".join(reversed(cycle.args[1])))
    return wrong


def test_every_import_exists_and_none_goes_in_a_circle():
    assert faults(read_modules()) == []


@pytest.mark.parametrize(
    ("modules", "fault"),
    [
        (
            {"a.js": 'import { b } from "./b.js";', "b.js": 'import { a } from "./a.js";\nexport const b = 1;'},
            "a.js lacks",
        ),
        (
            {
                "a.js": 'import "./b.js";',
                "b.js": 'export { x } from "./lib/c.js";',
                "lib/c.js": 'import "../a.js";\nexport const x = 1;',
            },
            "cycle",
        ),
        ({"a.js": 'import {\n  b,\n  c,\n} from "./lib/b.js";'}, "lib/b.js, which does not exist"),
        (
            {"a.js": 'import { b } from "./b.js";', "b.js": "export function b() {}"},
            "a.js imports b and does not use it",
        ),
        ({"a.js": 'import Whole from "./gone.js";'}, "gone.js, which does not exist"),
    ],
)
def test_a_fault_in_the_imports_is_found(modules: Modules, fault: str):
    assert any(fault in one for one in faults(modules))


def test_folders_import_one_way():
    modules = read_modules()
    crossings = {
        f"{name} imports {target}"
        for name in modules
        for target, _ in imports(modules, name)
        if posixpath.dirname(target) not in {posixpath.dirname(name), *ALLOWED[posixpath.dirname(name)]}
    }
    assert crossings == set()


def test_the_page_loads_every_file_of_its_folder():
    modules = read_modules()
    used = {"index.html", *LOAD.findall((PAGE / "index.html").read_text("utf-8"))}
    waiting = [name for name in used if name in modules]
    while waiting:
        targets = {target for target, _ in imports(modules, waiting.pop())} - used
        used |= targets
        waiting += targets
    assert {path.relative_to(PAGE).as_posix() for path in PAGE.rglob("*") if path.is_file()} == used
