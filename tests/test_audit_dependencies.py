"""The audit of what is locked: silence of the advisory database is no answer, and what is vulnerable fails."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
RECORDED = ROOT / "tests" / "corpus" / "pip_audit"
WANTED = frozenset({"attrs", "h11", "idna"})


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    found = importlib.util.spec_from_file_location("audit_dependencies", ROOT / ".ci" / "audit_dependencies.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    return module


def recorded(name: str) -> str:
    return (RECORDED / name).read_text()


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("clear.json", 0, ["Audited: 3 packages, no known vulnerability."]),
        ("vulnerable.json", 1, ["VULNERABLE: idna 3.6: PYSEC-2024-60 (fixed in 3.7)"]),
        ("skipped.json", 3, ["NOT AUDITED: none of 3 packages: attrs, h11, idna (Dependency not found"]),
        ("partly.json", 3, ["NOT AUDITED: 1 of 3 packages: h11 (Dependency not found"]),
        ("partly_vulnerable.json", 1, ["VULNERABLE: idna 3.6", "NOT AUDITED: 1 of 3 packages: h11"]),
    ],
)
def test_what_pip_audit_answers_is_read(audit: ModuleType, name: str, code: int, said: list[str]) -> None:
    found = audit.outcome(recorded(name), "", WANTED)
    assert found.code == code
    assert len(found.lines) == len(said)
    for line, begin in zip(found.lines, said, strict=True):
        assert line.startswith(begin)


def test_a_database_that_cannot_be_reached_leaves_all_unaudited(audit: ModuleType) -> None:
    found = audit.outcome("", recorded("unreachable.txt"), WANTED)
    assert found.code == 3
    assert found.lines[0].startswith("NOT AUDITED: none of 3 packages. requests.exceptions.ProxyError")
    assert len(found.lines) == 1


@pytest.mark.parametrize("printed", ["", "{}", "[]", "null", '{"dependencies": [1]}', '{"dependencies": []}'])
def test_an_answer_that_names_no_package_is_none(audit: ModuleType, printed: str) -> None:
    assert audit.outcome(printed, "", WANTED).code == 3


def test_a_package_that_the_answer_leaves_out_is_not_audited(audit: ModuleType) -> None:
    found = audit.outcome(recorded("clear.json"), "", WANTED | {"typing-extensions"})
    assert (found.code, found.lines) == (3, ("NOT AUDITED: 1 of 4 packages: typing-extensions",))


def test_every_package_that_is_installed_here_is_wanted(audit: ModuleType) -> None:
    wanted = audit.locked((ROOT / "requirements.lock").read_text())
    assert {"slack-bolt", "sqlalchemy", "psycopg-binary"} <= wanted
    assert ("pywin32" in wanted) == (sys.platform == "win32")
    assert audit.locked("A_b.c==1.0 \\\n    --hash=sha256:00\nd==2 ; sys_platform == 'none'\n") == {"a-b-c"}


@pytest.mark.parametrize(("code", "ends", "said"), [(0, 0, ""), (1, 1, ""), (3, 0, "NOT AUDITED: 2 of 3"), (2, 2, "")])
def test_ci_fails_for_what_is_vulnerable_and_records_what_was_not_audited(
    tmp_path: Path, code: int, ends: int, said: str
) -> None:
    script = (ROOT / ".ci" / "run").read_text()
    part = script[script.index("audited=0") : script.index("# end of the audit")]
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\necho '{'NOT AUDITED: 2 of 3' if code == 3 else 'x'}'\nexit {code}\n")
    python.chmod(0o755)
    (tmp_path / "part").write_text(f"set -euo pipefail\n{part}\nreport_audit")
    path = {"PATH": os.environ["PATH"]}
    ended = subprocess.run(["bash", "part"], cwd=tmp_path, capture_output=True, text=True, env=path, check=False)
    assert ended.returncode == ends, ended.stderr
    if said:
        assert ended.stdout.count(said) == 2
    assert ended.stdout.count("NOT AUDITED") == (2 if said else 0)


def test_make_audit_ends_with_an_error_where_nothing_was_audited() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\naudit:")[2].partition("\n\n")[0]
    assert ".ci/audit_dependencies.py" in recipe
    assert "||" not in recipe
    assert "\n\t-" not in recipe
