"""Workspace and lab as one person sees them, as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.playground.slack.state.messages import Ephemeral, Message
from bot.playground.slack.state.people import Channel, Json
from bot.playground.slack.workspace import Workspace


class LabView(Protocol):
    """The services of the demo: how they are, and what can be done to them."""

    def state(self) -> Json:
        """Return services, actions, bot, diagnoser, engine, runbook and notes; cheap."""

    async def do(self, action: str) -> str:
        """Do one of the actions and return a sentence for the person; raises ``AegisError``."""

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` at every change until the returned function is called."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the one at the page can be; ``part`` says in a few words what they are in the demo."""

    id: str
    part: str


PEOPLE = (
    Person("U0ONCALL", "on call"),
    Person("U0SECOND", "on call"),
    Person("U0STRANGER", "not on call"),
)


def everything(workspace: Workspace, people: Sequence[Person], user: str) -> Json:
    """Return all that ``user`` sees of the workspace; the lab apart."""
    state = workspace.state
    direct = workspace.direct(user)
    names = {item.id: item.as_slack(state.seed.team)["real_name"] for item in state.users.values()}
    return {
        "me": user,
        "people": [{"id": person.id, "part": person.part} for person in people],
        "users": {item.id: {"name": names[item.id], "handle": item.name} for item in state.users.values()},
        "bot_user": workspace.bot_user,
        "groups": {group.id: group.handle for group in state.groups.values()},
        "direct": direct,
        "channels": [_channel(channel) for channel in seen_channels(workspace, user)],
        "messages": [
            message(item) for channel in seen_channels(workspace, user) for item in _standing(workspace, channel)
        ],
        "ephemerals": [ephemeral(note) for note in workspace.ephemerals(user)],
        "modals": modals(workspace, user),
        "home": home(workspace, user),
    }


def seen_channels(workspace: Workspace, user: str) -> list[Channel]:
    """Return the conversations that a person is in."""
    return [channel for channel in workspace.state.channels.values() if user in channel.members]


def message(shown: Message) -> Json:
    """Return a message; ``version`` counts its edits, so that a press can say what was on the screen."""
    place = {"channel": shown.channel, "ts": shown.ts}
    if shown.deleted:
        return place | {"gone": True}
    return shown.shown() | place | {"version": len(shown.versions)}


def ephemeral(note: Ephemeral) -> Json:
    """Return what one person alone sees."""
    place = {"channel": note.channel, "ts": note.ts, "ephemeral": True}
    return place | {"gone": True} if note.gone else note.body | place


def modals(workspace: Workspace, user: str) -> list[Json]:
    """Return the open modals of a person, the top one last."""
    return [view.body for view in workspace.modals(user)]


def home(workspace: Workspace, user: str) -> Json | None:
    """Return a person's home tab, if the bot published one."""
    view = workspace.state.views.homes.get(user)
    return view.body if view else None


def _channel(channel: Channel) -> Json:
    return {"id": channel.id, "name": channel.name, "kind": channel.kind, "topic": channel.topic}


def _standing(workspace: Workspace, channel: Channel) -> Iterable[Message]:
    return workspace.state.standing(channel.id)
