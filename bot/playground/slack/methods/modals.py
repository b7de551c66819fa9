"""The methods views.*: modals and the App Home tab."""

from __future__ import annotations

from bot.playground.slack.checks import Method
from bot.playground.slack.methods.blocks import check_view
from bot.playground.slack.state.arguments import Arguments, MethodError
from bot.playground.slack.state.people import Json
from bot.playground.slack.state.workspace_state import WorkspaceState


def _view(args: Arguments, kind: str) -> Json:
    view = args.structure("view", "invalid_arguments")
    check_view(view, kind)
    parsed: Json = view
    return parsed


def open_view(state: WorkspaceState, args: Arguments) -> Json:
    """views.open and views.push: what differs is only whether another one lies below."""
    view = _view(args, "modal")
    user = state.grants.exchange(args.text("trigger_id"))
    opened = state.views.open(user, view)
    state.notify("view", opened)
    return {"view": opened.body}


def update_view(state: WorkspaceState, args: Arguments) -> Json:
    """views.update."""
    target = state.views.find(args.text("view_id"), args.text("external_id"))
    state.views.update(target, _view(args, str(target.body["type"])), args.text("hash"))
    state.notify("view_edit", target)
    return {"view": target.body}


def publish_view(state: WorkspaceState, args: Arguments) -> Json:
    """views.publish."""
    view = _view(args, "home")
    user = args.required("user_id")
    if user not in state.users:
        raise MethodError("user_not_found")
    home = state.views.publish(user, view, args.text("hash"))
    state.notify("home", home)
    return {"view": home.body}


METHODS = {
    "views.open": Method(open_view),
    "views.push": Method(open_view),
    "views.update": Method(update_view),
    "views.publish": Method(publish_view),
}
