"""Lines that belong together are one message, and its innermost cause comes first, in every language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.evidence import LogLine
from bot.domain.logs.line import Level
from bot.domain.logs.messages import LogMessage, exception_name, group_messages

JAVA = """\
2026-11-03 04:10:02,441 ERROR [main] film.Main - Start failed
film.StartException: Error creating bean with name 'reels'
	at film.Main.start(Main.java:12)
Caused by: film.PoolException: No connection
	at film.Pool.open(Pool.java:40)
	... 12 more
Caused by: java.sql.SQLException: Access denied for user 'film'@'10.0.0.3'
	at film.Driver.login(Driver.java:9)
2026-11-03 04:10:03,000 INFO [main] film.Main - bye"""
DOTNET = """\
fail: Quill.Host[11]
      Start failed
      Quill.StartException: The outer door does not open.
       ---> System.IO.FileNotFoundException: Could not find file '/etc/quill/seal.pfx'.
         at Quill.Door.Open()
         --- End of inner exception stack trace ---
         at Quill.Main()"""
PYTHON = """\
Traceback (most recent call last):
  File "/app/film.py", line 3, in connect
    sock.connect(address)
ConnectionRefusedError: [Errno 111] Connection refused

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/film.py", line 9, in get
    raise FilmError(address)
film.FilmError: the ledger cannot be read"""
RUST = """\
Error: could not start

Caused by:
    0: could not open the store
    1: Permission denied (os error 13)"""
NODE = """\
Error: start failed
    at main (/app/film.js:3:4) {
  [cause]: Error: connect ECONNREFUSED 10.0.0.2:5432
      at connect (node:net:1555:16)
}"""
JSON = '{"level":"error","msg":"cannot start","error":"open /etc/film.yml: permission denied"}'
NESTED = (
    "ERROR film: start failed; nested exception is film.PoolError: pool; nested exception is "
    "java.net.ConnectException: refused"
)
ESCAPED = (
    r'{"level":"error","message":"failed","stack_trace":"film.A: a\n\tat film.A.b(A.java:1)\nCaused by: '
    r'film.B: no space left"}'
)

CAUSES = {
    "java": (JAVA, "java.sql.SQLException: Access denied for user 'film'@'10.0.0.3'"),
    "dotnet": (DOTNET, "System.IO.FileNotFoundException: Could not find file '/etc/quill/seal.pfx'."),
    "python": (PYTHON, "ConnectionRefusedError: [Errno 111] Connection refused"),
    "rust": (RUST, "Permission denied (os error 13)"),
    "node": (NODE, "connect ECONNREFUSED 10.0.0.2:5432"),
    "json": (JSON, "open /etc/film.yml: permission denied"),
    "nested": (NESTED, "java.net.ConnectException: refused"),
    "escaped": (ESCAPED, "film.B: no space left"),
}


def messages(text: str) -> tuple[LogMessage, ...]:
    return group_messages([LogLine(number, line) for number, line in enumerate(text.splitlines(), 1)])


@pytest.mark.parametrize(("text", "cause"), CAUSES.values(), ids=CAUSES)
def test_innermost_cause_comes_first(text: str, cause: str) -> None:
    texts = [statement.text for message in messages(text) for statement in message.statements]
    loud = {Level.ERROR, Level.FATAL, Level.NONE}
    first = next(one for one in messages(text) if one.level in loud and any(cause in s.text for s in one.statements))
    assert cause in first.statements[0].text, texts


def test_trace_belongs_to_the_line_before_it() -> None:
    first, last = messages(JAVA)
    assert [line.number for line in first.lines] == list(range(1, 9))
    assert first.level is Level.ERROR
    assert [line.number for line in last.lines] == [9]


def test_lines_of_other_writers_are_apart() -> None:
    text = (
        "eel_1 | eel: connection refused\npond_1 | pond starting\npond_1 |   with two doors\neel_1 |   at "
        "eel.Main(eel.java:3)"
    )
    eel, pond = messages(text)
    assert (eel.writer, [line.number for line in eel.lines]) == ("eel_1", [1, 4])
    assert (pond.writer, [line.number for line in pond.lines]) == ("pond_1", [2, 3])


def test_lines_of_one_program_are_messages_of_their_own() -> None:
    text = "\n".join(f"04:10:0{n} INFO served {n}" for n in range(5))
    assert [one.number for one in messages(text)] == [1, 2, 3, 4, 5]


def test_a_later_run_begins_a_message() -> None:
    lines = [LogLine(1, "panic: gone"), LogLine(2, "  at film.Main", boundary=True)]
    assert len(group_messages(lines)) == 2


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("java.sql.SQLException: Access denied", "SQLException"),
        ("film::PoolError: none left", "PoolError"),
        ("no exception here", ""),
    ],
)
def test_exception_is_named_without_its_package(text: str, name: str) -> None:
    assert exception_name(text) == name


@given(st.lists(st.text(max_size=80), max_size=30))
def test_each_line_is_in_exactly_one_message(texts: list[str]) -> None:
    lines = [LogLine(number, text) for number, text in enumerate(texts, 1)]
    found = group_messages(lines)
    assert sorted(line.number for one in found for line in one.lines) == [line.number for line in lines]
