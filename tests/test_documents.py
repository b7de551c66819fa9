"""The documents tell the truth: links lead somewhere, commands and states exist, nothing names this machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import typer

from bot.cli.main import app
from bot.domain.incident import TRANSITIONS
from tests.faults import page

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = typer.main.get_group(app)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
        assert (document.parent / link).exists(), link


def test_states_are_the_table_in_the_code():
    text = (ROOT / "docs/how-it-works.md").read_text()
    rows = re.findall(r"^\| `([A-Z]+)` \| [^|]+ \| ([^|]*)\|$", text, re.MULTILINE)
    told = {state: set(re.findall(r"`([A-Z]+)`", following)) for state, following in rows}
    assert told == {state.value: {one.value for one in following} for state, following in TRANSITIONS.items()}


def test_every_command_is_documented():
    text = (ROOT / "docs/command-line.md").read_text()
    named = set(re.findall(r"^\| `aegis (\w+)", text, re.MULTILINE))
    assert named == set(COMMANDS.commands)
    memory = re.search(r"`aegis runbook ([^`]+)`", text)
    assert memory is not None
    assert set(memory.group(1).replace("\\", "").split("|")) == set(
        getattr(COMMANDS.commands["runbook"], "commands", ())
    )


def test_documented_options_exist():
    text = (ROOT / "docs/command-line.md").read_text()
    for line in re.findall(r"^\| `aegis (.+?)` \|", text, re.MULTILINE):
        name = line.split()[0]
        options = {option for one in COMMANDS.commands[name].params for option in (*one.opts, *one.secondary_opts)}
        assert set(re.findall(r"--[\w-]+", line)) <= options


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def test_every_document_is_in_the_index():
    index = (ROOT / "README.md").read_text()
    for document in (ROOT / "docs").glob("*.md"):
        assert f"](docs/{document.name})" in index, document.name


def test_make_targets_of_the_documents_exist():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        assert set(re.findall(r"(?:`|^)make (\w+)", document.read_text(), re.MULTILINE)) <= targets


def test_runbook_ships_empty():
    assert (ROOT / "runbook.json").read_text() == "[]\n"


def test_lock_files_name_no_host_and_pin_by_hash():
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)) <= text.count("--hash=sha256:")


def test_nothing_names_a_path_of_a_developers_machine():
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in files.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and path.suffix in {".py", ".md", ".yml", ".yaml", ".toml", ".json", ""}:
            assert not re.search(r"/(?:work|home/\w+|Users)/", path.read_text(errors="replace")), name


FAULTS = ROOT / "docs" / "faults.md"
ROWS = {
    int(number): held
    for number, held in re.findall(r"^\| (\d+) \| [^|]+ \| (.*?) ?\|$", FAULTS.read_text(), re.MULTILINE)
}


def test_every_fault_has_one_row():
    numbers = re.findall(r"^\| (\d+) \|", FAULTS.read_text(), re.MULTILINE)
    assert numbers == [str(number) for number in range(1, 85)]


def test_the_page_of_faults_names_the_tests_that_are_marked():
    assert page.marked().keys() <= ROWS.keys()
    assert FAULTS.read_text() == page.page(FAULTS.read_text()), "run `make faults`"


def test_the_tests_that_noticed_what_was_broken_exist():
    named = re.findall(r"\[(test_\w+)\]\(([^)]+)\)", FAULTS.read_text().split("## Broken on purpose")[1])
    assert named
    for name, path in named:
        assert re.search(rf"def {name}\(", (FAULTS.parent / path).read_text()), f"{name} in {path}"


@pytest.mark.parametrize("number", ROWS)
def test_a_fault_is_held_by_a_test_or_says_why_there_is_none(number):
    assert "[test_" in ROWS[number] or len(ROWS[number].split()) >= 5, ROWS[number]
