"""Answers /aegis, @aegis and the home tab."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.incident import Thread
from bot.errors import AegisError
from bot.incidents.api import SlackRequests
from bot.ports.slack import Asker
from bot.slack.delivery.messenger import SlackMessenger
from bot.slack.listeners.queries import Queries
from bot.slack.members import Members
from bot.slack.views import card
from bot.slack.views.card import Message

Reply = Callable[[Message], Awaitable[None]]
"""Says a message to whoever asked: to them alone for a command, in the thread for a mention."""


async def answer(
    ask: Ask,
    place: Thread,
    user: str,
    answers: SlackRequests,
    questions: Queries,
    messenger: SlackMessenger,
    reply: Reply,
    url: str = "",
) -> None:
    """Do what is asked; whatever goes wrong is said in a sentence. Raises ``SlackError`` where that can't be said.

    ``url`` is the asker's own reply address.
    """
    try:
        if ask.trouble:
            await reply(card.notice(f"{ask.trouble} Try /aegis help."))
        elif ask.verb is Verb.DIAGNOSE:
            await _diagnose(ask.words, Asker(user, place, url), answers, questions, messenger)
        else:
            await reply(await _look_up(ask, questions))
    except AegisError as error:
        await reply(card.notice(error.sentence))


async def home(user: str, questions: Queries, messenger: SlackMessenger, members: Members) -> None:
    """Show a member how things stand, in Aegis's home tab; anybody else that it is not for them."""
    refusal = await members.refusal(user)
    if refusal is not None:
        await messenger.publish(user, card.closed_home(refusal.reason))
        return
    await messenger.publish(user, card.home(await questions.overview(), await questions.history("")))


async def _diagnose(
    name: str, asker: Asker, answers: SlackRequests, questions: Queries, messenger: SlackMessenger
) -> None:
    if name:
        await answers.diagnose(name, asker.place, asker.user, asker.url)
    else:
        names = await questions.watched_names()
        sentence = "Which container shall be looked at?"
        await messenger.choose(asker.place, sentence, names, user=asker.user, url=asker.url)


async def _look_up(ask: Ask, questions: Queries) -> Message:
    match ask.verb:
        case Verb.STATUS:
            return card.overview(await questions.overview())
        case Verb.HISTORY:
            return card.history(await questions.history(ask.words))
        case Verb.RUNBOOK:
            return card.recall(ask.words, await questions.search_runbook(ask.words))
        case _:
            return card.help_text()


class Verb(StrEnum):
    """What can be asked for."""

    DIAGNOSE = "diagnose"
    STATUS = "status"
    HISTORY = "history"
    RUNBOOK = "runbook"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody asks for: the verb and its words; ``trouble`` says what is wrong, and then nothing is done."""

    verb: Verb
    words: str = ""
    trouble: str = ""


MOST_QUESTION_CHARACTERS = 300
"""Characters of a question; a container's name has at most 255."""


# Docker: daemon/names, RestrictedNameChars.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")


_MARKUP = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


_QUOTES = "`'\"“”‘’«»"


def parse_command(raw: str) -> Ask:
    """Understand what Slack hands over as a command's or mention's text. Never raises."""
    text = " ".join(plain(raw).split())
    if len(text) > MOST_QUESTION_CHARACTERS:
        return Ask(
            Verb.HELP, trouble=f"That is too long to be understood: at most {MOST_QUESTION_CHARACTERS} characters."
        )
    first, _, words = text.partition(" ")
    try:
        verb = Verb(first.lower() or Verb.HELP)
    except ValueError:
        return Ask(Verb.HELP, trouble=f"“{_short(first)}” is nothing that Aegis can do.")
    if verb in (Verb.DIAGNOSE, Verb.HISTORY):
        words = words.strip(_QUOTES)
        if words and not _NAME.fullmatch(words):
            return Ask(verb, trouble=f"“{_short(words)}” is not the name of one container.")
    if verb is Verb.RUNBOOK and not words:
        return Ask(verb, trouble="Say what to look for: /aegis runbook WORDS.")
    return Ask(verb, words)


def plain(raw: str) -> str:
    """Take Slack's markup out of a text that people wrote: links keep what they show, and ``&amp;`` is ``&`` again."""
    shown = _MARKUP.sub(_shown, raw)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _shown(markup: re.Match[str]) -> str:
    target, label = markup.group(1), markup.group(2)
    if target[:1] in ("@", "#", "!"):
        sign = "@" if target[:1] == "!" else target[:1]
        return sign + (label or target[1:]).lstrip("@#")
    return label or re.sub(r"^(https?://|mailto:)", "", target)


def _short(words: str) -> str:
    return words if len(words) <= 60 else words[:59] + "…"
