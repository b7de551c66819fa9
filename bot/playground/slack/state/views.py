"""The open modals of each person, and the App Home tabs."""

from __future__ import annotations

import copy
import itertools
import secrets
from collections import defaultdict
from dataclasses import dataclass, field

from bot.playground.slack.state.arguments import MethodError
from bot.playground.slack.state.messages import Readable
from bot.playground.slack.state.people import Json, Seed

MODAL_DEPTH = 3


@dataclass(slots=True)
class View(Readable):
    """A modal or a home tab of one person. ``versions`` holds every body it had, the newest last."""

    user: str
    body: Json
    closed: bool = False
    versions: list[Json] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The view's id."""
        return str(self.body["id"])

    @property
    def title(self) -> str:
        """The title; empty for a home tab."""
        return str((self.body.get("title") or {}).get("text", ""))

    @property
    def callback_id(self) -> str:
        """The app's own name for it."""
        return str(self.body.get("callback_id", ""))


class Views:
    """All views, by person. Checks stacking, ids and hashes; the form was checked before."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed
        self._numbers = itertools.count(1)
        self._stacks: defaultdict[str, list[View]] = defaultdict(list)
        self.homes: dict[str, View] = {}

    def opened(self, user: str) -> list[View]:
        """Return the modals that a person has open, the top one last."""
        return list(self._stacks[user])

    def open(self, user: str, view: Json) -> View:
        """Open a first modal, or one on top of the others."""
        stack = self._stacks[user]
        if len(stack) >= MODAL_DEPTH:
            raise MethodError("push_limit_reached")
        self._refuse_same_external_id(view)
        new = View(user, {})
        previous = stack[-1] if stack else None
        self._fill(new, view, f"V{next(self._numbers):08}")
        new.body["previous_view_id"] = previous.id if previous else None
        new.body["root_view_id"] = stack[0].id if stack else new.id
        stack.append(new)
        return new

    def update(self, target: View, view: Json, expected_hash: str = "") -> None:
        """Put other content into an open view."""
        if expected_hash and expected_hash != target.body["hash"]:
            raise MethodError("hash_conflict")
        self._refuse_same_external_id(view, but=target)
        self._fill(target, view, target.id)

    def publish(self, user: str, view: Json, expected_hash: str = "") -> View:
        """Set a person's home tab."""
        home = self.homes.get(user)
        if home is None:
            home = self.homes[user] = View(user, {})
            self._fill(home, view, f"V{next(self._numbers):08}")
        else:
            self.update(home, view, expected_hash)
        return home

    def close(self, view: View, *, everything: bool = False) -> list[View]:
        """Take a modal off its stack (or all of them) and return the closed ones, the top one first."""
        stack = self._stacks[view.user]
        going = list(reversed(stack)) if everything else [view]
        for closing in going:
            stack.remove(closing)
            closing.closed = True
        return going

    def find(self, view_id: str, external_id: str = "") -> View:
        """Return an open view by either id; ``not_found`` where it is closed or never was."""
        for view in [*itertools.chain.from_iterable(self._stacks.values()), *self.homes.values()]:
            if (view_id and view.id == view_id) or (external_id and view.body["external_id"] == external_id):
                return view
        raise MethodError("not_found")

    def _refuse_same_external_id(self, view: Json, but: View | None = None) -> None:
        name = view.get("external_id")
        open_views = itertools.chain.from_iterable(self._stacks.values())
        if name and any(other.body["external_id"] == name for other in open_views if other is not but):
            raise MethodError("duplicate_external_id")

    def _fill(self, target: View, view: Json, view_id: str) -> None:
        previous = target.body
        modal = view["type"] == "modal"
        target.body = {
            "id": view_id,
            "team_id": self._seed.team,
            "type": view["type"],
            "blocks": with_block_ids(view["blocks"]),
            "private_metadata": view.get("private_metadata", ""),
            "callback_id": view.get("callback_id", ""),
            "state": {"values": {}},
            "hash": f"{next(self._numbers)}.{secrets.token_hex(4)}",
            "title": view.get("title"),
            "submit": view.get("submit"),
            "close": view.get("close"),
            "clear_on_close": bool(view.get("clear_on_close")),
            "notify_on_close": bool(view.get("notify_on_close")),
            "previous_view_id": previous.get("previous_view_id"),
            "root_view_id": previous.get("root_view_id", view_id),
            "app_id": self._seed.bot.app_id,
            "external_id": view.get("external_id", ""),
            "app_installed_team_id": self._seed.team,
            "bot_id": self._seed.bot.bot_id,
        }
        if not modal:
            for name in ("title", "submit", "close"):
                target.body.pop(name)
        target.versions.append(copy.deepcopy(target.body))


def with_block_ids(blocks: list[Json]) -> list[Json]:
    """Return the blocks, each with a ``block_id``; and each control with an ``action_id``, as Slack gives them."""
    filled = copy.deepcopy(blocks)
    for block in filled:
        if not block.get("block_id"):
            block["block_id"] = secrets.token_urlsafe(4)[:5]
        for element in [*block.get("elements", ()), block.get("accessory"), block.get("element")]:
            if isinstance(element, dict) and element.get("type") in _CONTROLS and not element.get("action_id"):
                element["action_id"] = secrets.token_urlsafe(4)[:5]
    return filled


_CONTROLS = frozenset(
    {"button", "overflow", "checkboxes", "radio_buttons", "datepicker", "timepicker", "datetimepicker"}
    | {"plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input", "file_input"}
    | {f"{many}{source}_select" for many in ("", "multi_") for source in ("static", "external", "users")}
    | {f"{many}{source}_select" for many in ("", "multi_") for source in ("conversations", "channels")}
)
