"""People, channels, groups, senders and app of the local workspace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

BOT_SCOPES = frozenset(
    {
        "app_mentions:read",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "reactions:write",
        "usergroups:read",
        "users:read",
    }
)
BOT_EVENTS = frozenset({"app_home_opened", "app_mention", "message.channels", "message.groups", "message.im"})


@dataclass(slots=True)
class User:
    """A person or a bot user. ``is_stranger``: known from a shared channel only; such a one has another ``team_id``.

    ``teams`` are the workspaces of a member of an Enterprise Grid organisation. ``team_shown`` is False if users.info
    leaves ``team_id`` out, which is possible for such a member.
    """

    id: str
    name: str
    real_name: str = ""
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_admin: bool = False
    team_id: str = ""
    teams: tuple[str, ...] = ()
    enterprise: str = "E0ORG"
    team_shown: bool = True
    tz: str = "Europe/Berlin"

    def as_slack(self, team: str) -> Json:
        """Return the user object of users.info."""
        real_name = self.real_name or self.name.replace(".", " ").title()
        shown: Json = {
            "id": self.id,
            "team_id": self.team_id or team,
            "name": self.name,
            "deleted": self.deleted,
            "real_name": real_name,
            "tz": self.tz,
            "profile": {"real_name": real_name, "display_name": self.name, "team": self.team_id or team},
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 1_780_000_000,
        }
        if not self.deleted:
            shown |= {
                "is_admin": self.is_admin,
                "is_owner": False,
                "is_primary_owner": False,
                "is_restricted": self.is_restricted,
                "is_ultra_restricted": self.is_ultra_restricted,
            }
        if self.is_stranger:
            shown["is_stranger"] = True
        if self.teams:
            shown["enterprise_user"] = {"id": self.id, "enterprise_id": self.enterprise, "teams": list(self.teams)}
        if not self.team_shown:
            del shown["team_id"]
        return shown


@dataclass(slots=True)
class Channel:
    """A conversation and who is in it. ``kind`` is ``channel``, ``group`` (private), ``im`` or ``mpim``."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)
    kind: str = "channel"
    archived: bool = False
    topic: str = ""

    def as_slack(self, viewer: str) -> Json:
        """Return the channel object of conversations.info as ``viewer`` sees it."""
        shown: Json = {
            "id": self.id,
            "created": 1_780_000_000,
            "is_archived": self.archived,
            "is_im": self.kind == "im",
            "is_mpim": self.kind == "mpim",
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_private": self.kind != "channel",
        }
        if self.kind == "im":
            return shown | {"user": next(iter(self.members - {viewer}), viewer)}
        return shown | {
            "name": self.name,
            "name_normalized": self.name,
            "is_general": False,
            "is_shared": False,
            "is_member": viewer in self.members,
            "num_members": len(self.members),
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }


@dataclass(slots=True)
class UserGroup:
    """People who are named together, like ``@oncall``."""

    id: str
    handle: str
    users: tuple[str, ...] = ()
    name: str = ""
    disabled: bool = False

    def as_slack(self, team: str, *, with_users: bool) -> Json:
        """Return the object of usergroups.list."""
        shown: Json = {
            "id": self.id,
            "team_id": team,
            "is_usergroup": True,
            "name": self.name or self.handle,
            "handle": self.handle,
            "is_external": False,
            "date_delete": 1_780_000_000 if self.disabled else 0,
            "user_count": len(self.users),
        }
        return shown | {"users": list(self.users)} if with_users else shown


@dataclass(frozen=True, slots=True)
class Sender:
    """A program that posts. With ``user`` it is a modern app (no subtype); without, a webhook (``bot_message``)."""

    name: str
    bot_id: str
    app_id: str = ""
    user: str = ""

    def as_author(self, team: str) -> Json:
        """Return the fields that tell the author in a message."""
        if not self.user:
            webhook: Json = {"subtype": "bot_message", "username": self.name, "bot_id": self.bot_id}
            return webhook | ({"app_id": self.app_id} if self.app_id else {})
        profile = {
            "id": self.bot_id,
            "app_id": self.app_id,
            "name": self.name,
            "icons": {},
            "deleted": False,
            "updated": 1_780_000_000,
            "team_id": team,
        }
        author: Json = {"user": self.user, "bot_id": self.bot_id, "app_id": self.app_id, "team": team}
        return author | {"bot_profile": profile}


WEBHOOK = Sender("Alertmanager", "B0ALERTMAN", "A0ALERTMAN")
MONITOR = Sender("Grafana", "B0GRAFANA", "A0GRAFANA", "U0GRAFANA")


def _people() -> Iterable[User]:
    return (
        User("U0ONCALL", "ona.call", is_admin=True),
        User("U0SECOND", "sasha.second"),
        User("U0STRANGER", "sam.stranger"),
    )


def _channels() -> Iterable[Channel]:
    everybody = {"U0ONCALL", "U0SECOND", "U0STRANGER", "U0AEGIS"}
    return (Channel("C0ALERTS", "alerts", set(everybody)), Channel("C0OPS", "ops", set(everybody)))


@dataclass(slots=True)
class Seed:
    """Everything a workspace starts with. Scopes, events, people and channels may still be changed while it runs."""

    team: str = "T0PLAY"
    domain: str = "playground"
    bot_token: str = "xoxb-playground-bot-token"  # noqa: S105 - no secret: it opens nothing but this workspace
    app_token: str = "xapp-playground-app-token"  # noqa: S105 - no secret: it opens nothing but this workspace
    bot: Sender = field(default_factory=lambda: Sender("aegis", "B0AEGIS", "A0AEGIS", "U0AEGIS"))
    scopes: set[str] = field(default_factory=lambda: set(BOT_SCOPES))
    app_scopes: set[str] = field(default_factory=lambda: {"connections:write"})
    events: set[str] = field(default_factory=lambda: set(BOT_EVENTS))
    users: Iterable[User] = field(default_factory=_people)
    channels: Iterable[Channel] = field(default_factory=_channels)
    groups: Iterable[UserGroup] = field(
        default_factory=lambda: (UserGroup("S0ONCALL", "oncall", ("U0ONCALL", "U0SECOND")),)
    )
