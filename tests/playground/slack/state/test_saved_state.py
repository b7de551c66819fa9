"""What stood in the local workspace stands there again after the next start."""

import json
from pathlib import Path

import pytest

from bot.errors import AegisError
from bot.playground.slack.state import saved_state
from bot.playground.slack.state.clock import ManualClock, Pace
from bot.playground.slack.state.people import Seed
from bot.playground.slack.state.workspace_state import WorkspaceState


def state() -> WorkspaceState:
    return WorkspaceState(Seed(), ManualClock(), Pace())


def test_messages_threads_reactions_and_direct_messages_come_back(tmp_path: Path) -> None:
    before, file = state(), tmp_path / "workspace.json"
    first = before.post("C0ALERTS", {"text": "down", "user": "U0ONCALL"}, metadata={"event_type": "x"})
    reply = before.post("C0ALERTS", {"text": "looking", "user": "U0SECOND", "thread_ts": first.ts})
    before.post(before.direct("U0ONCALL").id, {"text": "hello", "user": "U0AEGIS"})
    gone = before.post("C0OPS", {"text": "never mind", "user": "U0ONCALL"})
    before.delete(gone)
    before.react(first, "U0AEGIS", "eyes")
    saved_state.save(before, file)

    after = state()
    saved_state.load(after, file)
    assert [message.shown(with_metadata=True) for message in after.standing("C0ALERTS")] == [
        message.shown(with_metadata=True) for message in before.standing("C0ALERTS")
    ]
    assert after.message("C0ALERTS", reply.ts).thread_ts == first.ts
    assert [message.text for message in after.standing(after.direct("U0ONCALL").id)] == ["hello"]
    assert after.standing("C0OPS") == []
    assert after.post("C0ALERTS", {"text": "later", "user": "U0ONCALL"}).ts > reply.ts


def test_nothing_is_loaded_where_nothing_was_kept(tmp_path: Path) -> None:
    fresh = state()
    saved_state.load(fresh, tmp_path / "workspace.json")
    assert not fresh.messages


@pytest.mark.parametrize("content", ["", "[]", '{"messages": {}}', json.dumps({"direct": [["U0AEGIS"]]}), "\xff"])
def test_a_broken_file_is_told_with_what_to_do(tmp_path: Path, content: str) -> None:
    file = tmp_path / "workspace.json"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(AegisError, match=r"workspace\.json cannot be understood"):
        saved_state.load(state(), file)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(AegisError, match="cannot be written"):
        saved_state.save(state(), tmp_path / "missing" / "workspace.json")
