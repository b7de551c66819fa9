import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SlackError
from bot.playground.slack.faults import Fault
from bot.playground.slack.workspace import Workspace
from bot.slack.connection.server_clock import SlackClock
from bot.slack.connection.web_api import WebApi, identify, web_client
from tests.support.fakes import START


async def test_aegis_learns_who_it_is_and_what_it_may(ws: Workspace, client: AsyncWebClient) -> None:
    own = await identify(client)
    assert (own.bot_user_id, own.bot_id, own.team_id) == ("U0AEGIS", "B0AEGIS", "T0PLAY")
    assert "chat:write" in own.scopes


@pytest.mark.parametrize(
    ("token", "code"), [("xoxb-wrong", "invalid_auth"), ("xapp-playground-app-token", "not_allowed_token_type")]
)
async def test_a_wrong_token_is_named_with_the_setting_to_mend(ws: Workspace, token: str, code: str) -> None:
    async with web_client(token, ws.api_url) as client:
        with pytest.raises(SlackError) as raised:
            await identify(client)
    assert raised.value.code == code
    assert "SLACK_BOT_TOKEN" in raised.value.sentence
    assert token not in f"{raised.value.sentence} {raised.value.detail}"


async def test_a_read_is_repeated_once_where_the_answer_is_missing(ws: Workspace, client: AsyncWebClient) -> None:
    api = WebApi(client)
    ws.fail("users.info", Fault(reset=True))
    answer = await api.call(api.slack.users_info, again=True, user="U0ONCALL")
    assert answer["user"]["id"] == "U0ONCALL"
    ws.fail("users.info", Fault(reset=True), times=8)
    with pytest.raises(SlackError):
        await api.call(api.slack.users_info, again=True, user="U0ONCALL")


async def test_a_proxy_is_not_asked_for_addresses_that_go_straight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    async with web_client("xoxb-1", "http://127.0.0.1:9/api/") as near, web_client("xoxb-1") as far:
        assert near.proxy is None
        assert far.proxy == "http://proxy.example:3128"


async def test_an_answer_that_is_no_json_is_no_answer(ws: Workspace, client: AsyncWebClient) -> None:
    api = WebApi(client)
    ws.fail("users.info", Fault(status=502))
    with pytest.raises(SlackError) as raised:
        await api.call(api.slack.users_info, user="U0ONCALL")
    assert raised.value.code == "no_answer"


class Dated:
    """An answer with nothing but its headers."""

    def __init__(self, **headers: str) -> None:
        self.headers = headers


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Date": "Sun, 22 Nov 2026 02:54:00 GMT"}, "this machine's clock is 360 s ahead of Slack's"),
        ({"date": "Sun, 22 Nov 2026 03:06:00 GMT"}, "this machine's clock is 360 s behind Slack's"),
        ({"Date": "Sun, 22 Nov 2026 03:00:29 GMT"}, ""),
        ({"Date": "soon"}, ""),
        ({"Date": ""}, ""),
        ({}, ""),
    ],
)
def test_27_a_clock_that_is_off_is_told_with_how_much_and_in_which_direction(
    headers: dict[str, str], said: str
) -> None:
    clock = SlackClock(lambda: START)
    clock.observe(Dated(**headers))  # type: ignore[arg-type]  # of an answer only its headers count
    assert clock.trouble == said
