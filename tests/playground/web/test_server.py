"""What the page's server tells whom, what it does for a person, and whom it does not let in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.web.server import FOLDER
from tests.playground.conftest import without_proxies
from tests.playground.stage import Stage, stage

Json = dict[str, Any]


@pytest.fixture
async def one(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    without_proxies(monkeypatch)
    async with stage() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Viewing:
    """A page as the server knows it: what it was told, and how what it asked for was answered."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.snapshot: Json = {}
        self.messages: dict[str, Json] = {}
        self.modals: list[Json] = []
        self.home: Json | None = None
        self.lab: Json = {}
        self.frames: list[Json] = []
        self._number = 0

    async def next(self) -> Json:
        frame: Json = await self.socket.receive_json(timeout=10)
        self.frames.append(frame)
        if frame["type"] == "snapshot":
            self.snapshot, self.messages = frame, {}
        for message in [*frame.get("messages", ()), *frame.get("ephemerals", ())]:
            self.messages[message["ts"]] = message
        self.modals = frame.get("modals", self.modals)
        self.home = frame.get("home", self.home)
        self.lab |= frame.get("lab", {})
        return frame

    async def until(self, found: Any) -> Any:
        while not found():
            await self.next()
        return found()

    async def do(self, what: str, **more: Any) -> Json:
        self._number += 1
        await self.socket.send_json({"do": what, "id": self._number, **more})
        while True:
            frame = await self.next()
            if frame["type"] == "answer" and frame["id"] == self._number:
                return frame

    def containing(self, text: str) -> Json | None:
        return next((one for one in self.messages.values() if text in json.dumps(one, ensure_ascii=False)), None)


async def look(one: Stage, http: aiohttp.ClientSession, user: str = "U0ONCALL") -> Viewing:
    url = one.workspace.url
    socket = await http.ws_connect(f"{url}/live?as={user}", headers={"Origin": url})
    viewing = Viewing(socket)
    await viewing.next()
    return viewing


def press(message: Json, action: str, **more: Any) -> Json:
    where = {"channel": message["channel"], "ts": message["ts"], "version": message.get("version", 0)}
    return {"where": where, "action_id": action, **more}


class TestWhoIsLetIn:
    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "10.0.0.1", "", "[::ffff:10.0.0.1]"])
    async def test_a_name_that_is_not_this_machine_is_turned_away(self, one, http, host):
        for path in ("/", "/page/app.js", "/live", "/files/F1"):
            async with http.get(one.workspace.url + path, headers={"Host": host}) as answer:
                assert answer.status in {400, 403}, path

    @pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1:1", "[::1]:8080", "LOCALHOST"])
    async def test_this_machine_may_be_called_by_any_of_its_names(self, one, http, host):
        async with http.get(one.workspace.url, headers={"Host": host}) as answer:
            assert answer.status == 200

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://localhost:1"])
    async def test_another_page_may_not_connect(self, one, http, origin):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(f"{one.workspace.url}/live", headers={"Origin": origin})
        assert refused.value.status == 403

    async def test_what_is_no_page_at_all_may_not_connect(self, one, http):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(f"{one.workspace.url}/live")
        assert refused.value.status == 403

    async def test_a_tunnel_may_give_the_page_another_port(self, one, http):
        headers = {"Host": "localhost:9000", "Origin": "http://localhost:9000"}
        async with http.ws_connect(f"{one.workspace.url}/live", headers=headers) as socket:
            assert (await socket.receive_json(timeout=10))["type"] == "snapshot"

    async def test_nobody_can_be_somebody_who_is_not_at_the_page(self, one, http):
        headers = {"Origin": one.workspace.url}
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(f"{one.workspace.url}/live?as=U0AEGIS", headers=headers)
        assert refused.value.status == 403


class TestFiles:
    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("/", "text/html"),
            ("/page/app.js", "text/javascript"),
            ("/page/lib/nodes.js", "text/javascript"),
            ("/page/blocks/blocks.css", "text/css"),
            ("/page/tokens.css", "text/css"),
            ("/page/icon.svg", "image/svg+xml"),
        ],
    )
    async def test_files_have_their_type_and_let_nothing_in_from_outside(self, one, http, path, kind):
        async with http.get(one.workspace.url + path) as answer:
            assert answer.status == 200
            assert answer.content_type == kind
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'self'; ")
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize(
        "path",
        [
            "/page/../web.py",
            "/page/%2e%2e/web.py",
            "/page/web.py",
            "/page/none.js",
            "/page/lib",
            "/page/lib/",
            "/page/lib/none.js",
            "/page/lib/../app.js/",
            "/page/lib%2fnodes.js/",
            "/page/lib/%2e%2e/%2e%2e/web/server.py",
            "/page/lib/../../web/server.py",
        ],
    )
    async def test_nothing_else_is_given_out(self, one, http, path):
        async with http.get(one.workspace.url + path) as answer:
            assert answer.status == 404

    def test_the_page_has_no_inline_code_and_names_no_other_host(self):
        for path in filter(Path.is_file, FOLDER.rglob("*")):
            text = path.read_text(encoding="utf-8")
            assert "innerHTML" not in text, path.name
            if path.suffix == ".html":
                assert " style=" not in text
                assert " on" + "click=" not in text
                assert "http://" not in text.replace("http://www.w3.org", "")
                assert "https://" not in text

    async def test_a_shared_file_can_be_read(self, one, http):
        client = AsyncWebClient(token=one.workspace.bot_token, base_url=one.workspace.api_url)
        await client.files_upload_v2(filename="evidence.txt", content="<b>lines</b>", channel="C0ALERTS")
        viewing = await look(one, http)
        shared = viewing.containing("evidence.txt")
        assert shared is not None
        async with http.get(shared["files"][0]["permalink"]) as answer:
            assert await answer.text() == "<b>lines</b>"
            assert answer.content_type == "text/plain"

    async def test_a_file_that_was_not_shared_is_not_given_out(self, one, http):
        async with http.get(f"{one.workspace.url}/files/F00000001") as answer:
            assert answer.status == 404


class TestWhatIsShown:
    async def test_the_first_frame_tells_everything(self, one, http):
        alert = await one.alert()
        await one.answer(alert)
        viewing = await look(one, http)
        snapshot = viewing.snapshot
        assert snapshot["me"] == "U0ONCALL"
        assert [person["part"] for person in snapshot["people"]] == ["on call", "on call", "not on call"]
        assert {channel["name"] for channel in snapshot["channels"]} >= {"alerts", "ops"}
        assert viewing.messages[alert.ts]["reactions"][0]["name"] == "eyes"
        assert viewing.lab["bot"] == {"status": "connected"}

    async def test_changes_come_by_themselves_and_only_as_they_are_last(self, one, http):
        viewing = await look(one, http)
        message = await one.workspace.say("U0SECOND", "C0OPS", "one")
        for text in ("two", "three", "four"):
            await one.workspace.edit(message, text)
        await viewing.until(lambda: viewing.containing("four"))
        told = [each for frame in viewing.frames for each in frame.get("messages", ()) if each["ts"] == message.ts]
        assert [each["text"] for each in told] == ["four"]
        await one.workspace.delete(message)
        await viewing.until(lambda: viewing.messages[message.ts].get("gone"))

    async def test_what_is_for_one_person_is_told_to_no_other(self, one, http):
        ona, sasha = await look(one, http), await look(one, http, "U0SECOND")
        assert (await ona.do("slash", channel="C0OPS", text="/aegis status"))["ok"]
        await ona.until(lambda: ona.containing("Asked: `status`"))
        await one.workspace.say("U0STRANGER", "C0OPS", "the end")
        await sasha.until(lambda: sasha.containing("the end"))
        assert sasha.containing("Asked") is None
        assert (await look(one, http, "U0SECOND")).containing("Asked") is None
        assert (await look(one, http)).containing("Asked") is not None

    async def test_the_lab_is_told_in_the_parts_that_changed(self, one, http):
        viewing = await look(one, http)
        one.lab.notes.append({"at": "2026-11-22T10:02:00Z", "text": "something"})
        one.lab.changed()
        frame = await viewing.next()
        assert frame == {"type": "changes", "lab": {"notes": one.lab.notes}}

    async def test_a_page_that_left_is_not_told_any_more(self, one, http):
        viewing = await look(one, http)
        await viewing.socket.close()
        await one.workspace.say("U0SECOND", "C0OPS", "nobody hears it")
        again = await look(one, http)
        assert again.containing("nobody hears it")
        assert len(one.lab.listeners) == 1

    async def test_a_channel_that_somebody_enters_is_shown_to_them(self, one, http):
        viewing = await look(one, http)
        await one.workspace.leave("U0ONCALL", "C0OPS")
        await viewing.until(lambda: "C0OPS" not in {channel["id"] for channel in viewing.snapshot["channels"]})
        answer = await viewing.do("say", channel="C0OPS", text="still there?")
        assert answer["sentence"] == "You are not in this channel."


class TestWhatPeopleDo:
    async def test_typed_text_is_only_text_and_names_are_mentions(self, one, http):
        viewing = await look(one, http)
        assert (await viewing.do("say", channel="C0OPS", text="<!channel> & @sasha.second, @nobody"))["ok"]
        [message] = one.workspace.messages("C0OPS")
        assert message.text == "&lt;!channel&gt; &amp; <@U0SECOND>, @nobody"
        assert message.pings == {"U0SECOND"}
        assert message.user == "U0ONCALL"

    async def test_a_reply_goes_into_its_thread(self, one, http):
        alert = await one.alert()
        viewing = await look(one, http)
        await viewing.do("say", channel="C0ALERTS", text="Looking.", thread_ts=alert.ts)
        assert [reply.text for reply in one.workspace.thread(alert)] == ["Looking."]

    async def test_a_stranger_is_refused_in_private(self, one, http):
        card = await one.answer(await one.alert())
        sam, ona = await look(one, http, "U0STRANGER"), await look(one, http)
        assert (await sam.do("press", **press(sam.messages[card.ts], "restart")))["ok"]
        await sam.until(lambda: sam.containing("You may not restart"))
        assert ona.containing("You may not restart") is None
        assert "restart" in card.buttons

    async def test_a_modal_is_opened_for_its_person_and_closes_when_it_is_submitted(self, one, http):
        card = await one.answer(await one.alert())
        ona, sasha = await look(one, http), await look(one, http, "U0SECOND")
        await ona.do("press", **press(ona.messages[card.ts], "ignore"))
        [view] = await ona.until(lambda: ona.modals)
        refused = await sasha.do("submit", view=view["id"], values={})
        assert refused["sentence"] == "This window is closed already."
        assert (await ona.do("submit", view=view["id"], values={"reason": "load test"}))["ok"]
        await ona.until(lambda: not ona.modals)
        assert (await ona.do("close", view=view["id"]))["ok"] is False

    async def test_the_home_tab_comes_when_somebody_looks_at_it(self, one, http):
        viewing = await look(one, http)
        assert viewing.home is None
        assert (await viewing.do("home"))["ok"]
        home = await viewing.until(lambda: viewing.home)
        assert home["type"] == "home"

    async def test_a_press_stands_for_what_was_on_the_screen(self, one, http):
        card = await one.answer(await one.alert())
        viewing = await look(one, http)
        seen = viewing.messages[card.ts]
        one.workspace.state.edit(card, {**card.body, "blocks": [{"type": "divider"}]})
        assert (await viewing.do("press", **press(seen, "restart")))["ok"]
        told = [delivery.payload for delivery in one.workspace.deliveries if delivery.type == "interactive"]
        assert told[-1]["message"]["blocks"] == seen["blocks"]
        gone = await viewing.do("press", **press(seen | {"version": 2}, "restart"))
        assert gone["sentence"] == "This is not there any more: the message has changed."

    async def test_a_message_can_be_handed_to_the_bot_by_its_shortcut(self, one, http):
        alert = await one.alert()
        viewing = await look(one, http)
        answer = await viewing.do("shortcut", channel="C0ALERTS", ts=alert.ts, callback_id="diagnose_message")
        # The small bot of this test knows no shortcut, so it does not acknowledge one.
        assert "did not answer within three seconds" in answer["sentence"]
        assert one.workspace.deliveries[-1].payload["callback_id"] == "diagnose_message"

    async def test_without_the_bot_a_press_says_so(self, one, http):
        card = await one.answer(await one.alert())
        viewing = await look(one, http)
        one.workspace.socket_mode.enabled = False
        one.workspace.cut()
        await one.workspace.wait_for(lambda: not one.workspace.connections)
        answer = await viewing.do("press", **press(viewing.messages[card.ts], "restart"))
        assert answer["sentence"].startswith("Aegis is not connected")

    @pytest.mark.parametrize(
        ("frame", "sentence"),
        [
            (
                {"do": "slash", "channel": "C0OPS", "text": "/giphy cat"},
                "/giphy is not a command here. Aegis listens to /aegis.",
            ),
            ({"do": "say", "channel": "C0NONE", "text": "x"}, "You are not in this channel."),
            ({"do": "press", "where": {"channel": "C0OPS", "ts": "1.1"}, "action_id": "a"}, "This message is gone."),
            ({"do": "lab", "action": "nothing"}, "The lab does not know this. Reload the page."),
            ({"do": "lab", "action": "behind_back"}, "“Restart it behind Aegis's back” is not possible just now."),
            ({"do": "lab", "action": "database_down"}, "The engine does not answer. Start it again."),
            ({"do": "dance"}, "The page and the demo do not understand each other. Reload it."),
            ({"do": "say", "channel": "C0OPS"}, "The page and the demo do not understand each other. Reload it."),
        ],
    )
    async def test_what_cannot_be_done_is_answered_with_a_sentence(self, one, http, frame, sentence):
        viewing = await look(one, http)
        answer = await viewing.do(**{"what": frame["do"]} | {key: value for key, value in frame.items() if key != "do"})
        assert (answer["ok"], answer["sentence"]) == (False, sentence)

    async def test_an_action_of_the_lab_is_done_and_told(self, one, http):
        viewing = await look(one, http)
        answer = await viewing.do("lab", action="hang")
        assert answer["sentence"] == "It is broken. The monitor notices within seconds."
        assert one.lab.done == ["hang"]
        await viewing.until(lambda: viewing.lab["notes"])

    async def test_a_frame_that_is_not_even_json_is_answered(self, one, http):
        viewing = await look(one, http)
        await viewing.socket.send_str("{")
        answer = await viewing.until(lambda: next((each for each in viewing.frames if each["type"] == "answer"), None))
        assert answer["id"] == 0
