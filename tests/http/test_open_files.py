"""The limit of open files, in a process of its own, since a limit that was lowered stays so."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from bot.http import open_files

ASK = (
    "import resource, logging; logging.basicConfig(); "
    "resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard})); "
    "from bot.http import open_files; "
    "print(open_files.raise_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0], open_files.most_connections())"
)


def asked(soft: int, hard: int) -> list[int]:
    command = [sys.executable, "-c", ASK.format(soft=soft, hard=hard)]
    return [
        int(number) for number in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    ]


@pytest.mark.parametrize(
    ("soft", "hard", "files", "most"),
    [(64, 256, 256, 64), (256, 256, 256, 64), (128, 512, 512, 128), (1024, 4096, 4096, 256)],
)
def test_the_limit_is_raised_and_shared_out(soft: int, hard: int, files: int, most: int) -> None:
    assert asked(soft, hard) == [files, files, most]


@pytest.mark.parametrize("limits", [(1024, resource.RLIM_INFINITY), (1024, 1_000_000_000)])
def test_a_limit_without_end_is_not_taken_whole(limits: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: given.append(wanted))
    assert open_files.raise_limit() == open_files.MOST_FILES
    assert given == [(open_files.MOST_FILES, limits[1])]


def test_a_limit_that_may_not_be_raised_stays_and_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: int, wanted: tuple[int, int]) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1024))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert open_files.raise_limit() == 256
    assert "stays at 256" in caplog.text


def test_without_any_limit_connections_are_bounded_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert open_files.most_connections() == open_files.MOST_CONNECTIONS
