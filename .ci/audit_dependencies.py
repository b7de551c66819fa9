"""Ask pip-audit about every package of requirements.lock, and say what the advisory database did not answer.

Exit codes: 0 all were looked up and none has a known vulnerability, 1 one has, 3 not all could be looked up.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

LOCK = Path("requirements.lock")
COMMAND = ("pip-audit", "--progress-spinner", "off", "--disable-pip", "--require-hashes", "--format", "json", "-r")

CLEAR, VULNERABLE, NOT_AUDITED = 0, 1, 3
"""Exit codes; 2 is left to make and to wrong usage."""

SECONDS = 600
"""For all of pip-audit: a database that accepts connections and never answers must not hold up CI."""


@dataclass(frozen=True)
class Outcome:
    """What came of it: the exit code, and what is printed."""

    code: int
    lines: tuple[str, ...]


def locked(text: str) -> frozenset[str]:
    """Return the names of the packages that a lock file pins for this machine; others are not installed here."""
    pinned = (Requirement(line.rstrip(" \\")) for line in text.splitlines() if line[:1].isalnum())
    return frozenset(_name(one.name) for one in pinned if one.marker is None or one.marker.evaluate())


def outcome(printed: str, complaint: str, wanted: frozenset[str]) -> Outcome:
    """Return what pip-audit's answer means for the packages that are ``wanted``; silence about one is no answer."""
    try:
        answers = {_name(one["name"]): one for one in json.loads(printed)["dependencies"]}
    except (ValueError, KeyError, TypeError):
        why = next((line for line in reversed(complaint.splitlines()) if line.strip()), "pip-audit printed nothing")
        return Outcome(NOT_AUDITED, (f"NOT AUDITED: none of {len(wanted)} packages. {why.strip()[:300]}",))
    looked_up = {name for name, one in answers.items() if isinstance(one.get("vulns"), list)}
    bad = [_vulnerable(one) for name, one in sorted(answers.items()) if name in looked_up and one["vulns"]]
    left = sorted(wanted - looked_up)
    lines = [*bad]
    if left:
        reasons = {str(answers[name].get("skip_reason", "")) for name in left if name in answers}
        why = f" ({min(reasons)[:200]})" if reasons else ""
        count = (
            f"{len(left)} of {len(wanted)} packages" if len(left) < len(wanted) else f"none of {len(wanted)} packages"
        )
        lines.append(f"NOT AUDITED: {count}: {', '.join(left)}{why}")
    if bad:
        return Outcome(VULNERABLE, tuple(lines))
    if left:
        return Outcome(NOT_AUDITED, tuple(lines))
    return Outcome(CLEAR, (f"Audited: {len(wanted)} packages, no known vulnerability.",))


def _vulnerable(one: dict[str, object]) -> str:
    vulnerabilities = one["vulns"]
    found = vulnerabilities if isinstance(vulnerabilities, list) else []
    each = (f"{bad['id']} (fixed in {', '.join(bad.get('fix_versions', [])) or 'no version yet'})" for bad in found)
    return f"VULNERABLE: {one['name']} {one.get('version', '')}: {', '.join(each)}"


def _name(written: str) -> str:
    return re.sub(r"[-_.]+", "-", written).lower()


def main() -> int:
    """Run pip-audit beside this interpreter, print the outcome, return the exit code."""
    program = Path(sys.executable).parent / COMMAND[0]
    wanted = locked(LOCK.read_text())
    try:
        ended = subprocess.run(  # noqa: S603 - words of ours only
            [program, *COMMAND[1:], LOCK], capture_output=True, text=True, check=False, timeout=SECONDS
        )
        found = outcome(ended.stdout, ended.stderr, wanted)
    except subprocess.TimeoutExpired:
        found = outcome("", f"pip-audit did not end within {SECONDS} s.", wanted)
    sys.stdout.write("".join(f"{line}\n" for line in found.lines))
    return found.code


if __name__ == "__main__":
    sys.exit(main())
