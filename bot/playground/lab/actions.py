"""The buttons of the lab, with a sentence and a condition each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of actions. ``card``: a card with a Restart button is open."""

    api: bool
    database: bool
    released: bool
    card: bool
    connected: bool
    bot: bool


def _serves(now: Conditions) -> bool:
    return now.api and now.database


@dataclass(frozen=True, slots=True)
class Action:
    """One button of the lab panel. ``group`` is ``break``, ``repair`` or ``promise``."""

    id: str
    label: str
    what: str
    group: str
    possible: Callable[[Conditions], bool]


ACTIONS = {
    action.id: action
    for action in (
        Action(
            "pool_exhausted",
            "Connection pool exhausted",
            "Faulty report requests make buggy-app-v2 lose every connection of its pool. A restart cures it.",
            "break",
            _serves,
        ),
        Action(
            "memory_leak",
            "Memory leak until it is killed",
            "Searches fill a cache that never forgets, until the engine kills buggy-app-v2. A restart cures it for "
            "about two minutes, then it is full again.",
            "break",
            _serves,
        ),
        Action(
            "hang",
            "Hangs without an error",
            "Two requests lock each other out in buggy-app-v2: it takes connections, answers nothing and logs nothing. "
            "A restart cures it.",
            "break",
            _serves,
        ),
        Action(
            "bad_config",
            "Bad configuration after a release",
            "buggy-app-v2 is released as 2.4.0 with a setting that it cannot read. It ends at every start; a restart "
            "does not help.",
            "break",
            lambda now: not now.released,
        ),
        Action(
            "database_down",
            "Database down",
            "orders-db is killed. buggy-app-v2 is only its victim; a restart of it does not help.",
            "break",
            lambda now: now.database,
        ),
        Action(
            "flapping",
            "Flapping",
            "Large exports take every connection for 15 seconds, twice a minute, for five minutes. A restart helps "
            "until the next export: the cause is outside.",
            "break",
            _serves,
        ),
        Action(
            "two_press",
            "Two people press at once",
            "Both on-call engineers press Restart on the newest open card in the same moment.",
            "promise",
            lambda now: now.card and now.connected,
        ),
        Action(
            "behind_back",
            "Restart it behind Aegis's back",
            "buggy-app-v2 is restarted by hand while its card is open, so the card shows what is no longer so.",
            "promise",
            lambda now: now.card and now.api,
        ),
        Action(
            "cut_connection",
            "Cut the bot's connection",
            "The bot's connection to Slack breaks without a goodbye.",
            "promise",
            lambda now: now.connected,
        ),
        Action(
            "kill_bot",
            "Kill the bot and start it again",
            "The bot's process is killed in the middle of whatever it does, then started again.",
            "promise",
            lambda now: now.bot,
        ),
        Action(
            "all_well",
            "All well",
            "Everything that was broken here is put right, with fresh containers where that is needed.",
            "repair",
            lambda _now: True,
        ),
    )
}
