"""Files in three steps: files.getUploadURLExternal, the upload itself, files.completeUploadExternal."""

from __future__ import annotations

from bot.playground.slack.checks import Method, joined_channel, require_open
from bot.playground.slack.methods.chat import thread_of
from bot.playground.slack.state.arguments import Arguments, MethodError, invalid_arguments
from bot.playground.slack.state.people import Json
from bot.playground.slack.state.workspace_state import File, WorkspaceState


def upload_url(state: WorkspaceState, args: Arguments) -> Json:
    """files.getUploadURLExternal."""
    length = args.number("length", 0)
    if length <= 0:
        raise invalid_arguments("must be greater than 0 [json-pointer:/length]")
    name = f"F{len(state.files) + 1:08}"
    snippet = args.text("snippet_type")
    state.files[name] = File(name, args.required("filename"), length, snippet_type=snippet)
    return {"upload_url": f"{state.url}/upload/{name}", "file_id": name}


def complete(state: WorkspaceState, args: Arguments) -> Json:
    """files.completeUploadExternal: shares the files as one message."""
    entries = args.structure("files", "invalid_arguments")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise invalid_arguments("missing required field: files")
    files = []
    for entry in entries:
        file = state.files.get(str(entry.get("id")))
        if file is None or file.content is None:
            raise MethodError("file_not_found")
        file.title = str(entry.get("title") or file.name)
        files.append(file)
    target = args.text("channel_id") or args.text("channels")
    if target:
        _share(state, files, args, target)
    return {"files": [file.as_slack(state.url) for file in files]}


def _share(state: WorkspaceState, files: list[File], args: Arguments, target: str) -> None:
    channel = joined_channel(state, target)
    require_open(channel)
    thread = thread_of(state, channel, args)
    for file in files:
        file.channel = channel.id
        file.thread_ts = str(thread.get("thread_ts", ""))
        file.comment = args.text("initial_comment")
    body: Json = {"text": args.text("initial_comment"), "files": [file.as_slack(state.url) for file in files]}
    state.post(channel.id, {**body, "upload": False, **thread, **state.seed.bot.as_author(state.seed.team)})
    for file in files:
        state.notify("file", file)


METHODS = {
    "files.getUploadURLExternal": Method(upload_url, "files:write"),
    "files.completeUploadExternal": Method(complete, "files:write"),
}
