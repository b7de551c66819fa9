"""A PostgreSQL server of the tests' own, and a database in it for each test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
import pytest


def programs() -> Path | None:
    """Return the folder of PostgreSQL's own programs, the newest first."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    on_path = shutil.which("initdb")
    return found[0].parent if found else Path(on_path).resolve().parent if on_path else None


class Cluster:
    """A PostgreSQL server on a free port of this machine, with its data in a folder of its own."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self.folder = folder
        self.bin = bin_folder
        self.user = "postgres" if os.geteuid() == 0 else None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (folder / "password").write_text("hunter2")
        if self.user:
            for path in (folder, folder / "password"):
                shutil.chown(path, self.user)
        self.run("initdb", "-D", folder / "data", "-U", "aegis", "-A", "scram-sha-256", "--pwfile", folder / "password",
                 "-E", "UTF8", "--locale", "C", "--no-sync")  # fmt: skip
        self.start()

    def run(self, program: str, *words: object) -> None:
        command = [str(self.bin / program), *(str(word) for word in words)]
        subprocess.run(command, check=True, user=self.user, cwd=self.folder, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder}"
        self.run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-o", options, "-w", "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")

    def url(self, database: str = "postgres", password: str = "hunter2") -> str:
        return f"postgresql://aegis:{password}@127.0.0.1:{self.port}/{database}"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    found = programs()
    if found is None:
        reason = "PostgreSQL's server is not installed (Debian: apt-get install postgresql)"
        if os.environ.get("AEGIS_TEST_LIVE") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    with TemporaryDirectory(prefix="aegis-pg-") as folder:
        running = Cluster(Path(folder), found)
        yield running
        with suppress(subprocess.CalledProcessError):  # a test may have stopped it already
            running.stop()


async def statement(url: str, sql: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(sql.encode())


@pytest.fixture
async def url(cluster: Cluster) -> str:
    name = f"t{uuid4().hex}"
    await statement(cluster.url(), f"CREATE DATABASE {name}")
    return cluster.url(name)
