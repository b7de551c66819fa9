"""Probes services over HTTP and posts alerts as Alertmanager does.

The words come from Alertmanager's ``template/default.tmpl`` (``__subject``, ``slack.default.*``): grouped by alertname
and name, the other common labels in brackets, no text, no footer. A group is posted when it begins to fire and when it
is over, each time as a message of its own, which is the default of the Slack integration.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

Json = dict[str, Any]
Post = Callable[[Sequence[Json]], Awaitable[object]]

ALERTNAME, JOB, SEVERITY = "ServiceDown", "blackbox", "critical"
_TITLE = re.compile(rf"\[(?P<status>[A-Z]+)(?::\d+)?\] {ALERTNAME} (?P<name>\S+) \(")


def attachments(name: str, instance: str, link: str, *, firing: bool) -> list[Json]:
    """Return the message's attachments. ``link``: where Alertmanager itself is, without a slash at the end."""
    status = "FIRING:1" if firing else "RESOLVED"
    title = f"[{status}] {ALERTNAME} {name} ({instance} {JOB} {SEVERITY})"
    title_link = f"{link}/#/alerts?receiver=slack"
    return [
        {
            # Slack's own colours for Alertmanager's "danger" and "good".
            "color": "a30200" if firing else "2eb886",
            "fallback": f"{title} | {title_link}",
            "title": title,
            "title_link": title_link,
            "mrkdwn_in": ["pretext", "text"],
        }
    ]


def still_out(posted: Iterable[Sequence[Json]]) -> set[str]:
    """Return the services whose newest alert among the ``posted`` attachments, oldest first, has not ended."""
    out: dict[str, bool] = {}
    for message in posted:
        for attachment in message:
            if title := _TITLE.match(str(attachment.get("title", ""))):
                out[title["name"]] = title["status"].startswith("FIRING")
    return {name for name, still in out.items() if still}


@dataclass(slots=True)
class ProbeHistory:
    """The probes of one service: how many in a row had the last result, and whether an alert is out."""

    good: bool = True
    in_row: int = 0
    firing: bool = False

    def see(self, *, good: bool, fires_after: int, resolves_after: int) -> bool:
        """Take one more probe; say whether the alert begins or ends with it."""
        self.in_row = self.in_row + 1 if good == self.good else 1
        self.good = good
        if good == (not self.firing) or self.in_row < (resolves_after if good else fires_after):
            return False
        self.firing = not good
        return True


class Monitor:
    """Probes the ``urls`` by service and hands what is to be posted to ``post``.

    ``interval`` and ``timeout`` in seconds; ``fires_after`` and ``resolves_after`` are probes in a row; ``firing`` are
    the services whose alert is out from an earlier run.
    """

    def __init__(
        self,
        urls: Mapping[str, str],
        post: Post,
        *,
        link: str,
        interval: float = 2.0,
        timeout: float = 1.5,
        fires_after: int = 2,
        resolves_after: int = 2,
        firing: Collection[str] = (),
    ) -> None:
        self._urls = dict(urls)
        self._post = post
        self._link = link
        self._interval = interval
        self._timeout = timeout
        self._fires_after = fires_after
        self._resolves_after = resolves_after
        self._watched = {name: ProbeHistory(firing=name in firing) for name in self._urls}

    @property
    def firing(self) -> tuple[str, ...]:
        """The services whose alert is out."""
        return tuple(name for name, watched in self._watched.items() if watched.firing)

    @property
    def troubled(self) -> bool:
        """Return True if the last probe of any service failed."""
        return not all(watched.good for watched in self._watched.values())

    async def run(self) -> None:
        """Probe until cancelled."""
        clock = asyncio.get_running_loop().time
        async with httpx.AsyncClient(trust_env=False) as client:
            while True:
                begun = clock()
                await asyncio.gather(*(self._watch(client, name) for name in self._urls))
                await asyncio.sleep(max(0.0, begun + self._interval - clock()))

    async def _watch(self, client: httpx.AsyncClient, name: str) -> None:
        good = await self._probe(client, self._urls[name])
        watched = self._watched[name]
        if watched.see(good=good, fires_after=self._fires_after, resolves_after=self._resolves_after):
            instance = urlsplit(self._urls[name]).netloc
            await self._post(attachments(name, instance, self._link, firing=watched.firing))

    async def _probe(self, client: httpx.AsyncClient, url: str) -> bool:
        try:
            async with asyncio.timeout(self._timeout):
                return (await client.get(url, timeout=self._timeout)).is_success
        except (httpx.HTTPError, TimeoutError):
            return False
