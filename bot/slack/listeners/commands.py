"""Answers to what people ask in words: /aegis, @aegis and the home tab."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.domain.incident import Place
from bot.errors import AegisError
from bot.incidents.api import Answers, Questions
from bot.ports import Asker
from bot.slack.commands import Ask, Verb
from bot.slack.delivery.messenger import SlackMessenger
from bot.slack.members import Members
from bot.slack.views import card
from bot.slack.views.card import Message

Reply = Callable[[Message], Awaitable[None]]
"""Says a message to whoever asked: to them alone for a command, in the thread for a mention."""


async def answer(
    ask: Ask,
    place: Place,
    user: str,
    answers: Answers,
    questions: Questions,
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


async def home(user: str, questions: Questions, messenger: SlackMessenger, members: Members) -> None:
    """Show a member how things stand, in Aegis's home tab; anybody else that it is not for them."""
    refusal = await members.refusal(user)
    if refusal is not None:
        await messenger.publish(user, card.closed_home(refusal.reason))
        return
    await messenger.publish(user, card.home(await questions.overview(), await questions.history("")))


async def _diagnose(name: str, asker: Asker, answers: Answers, questions: Questions, messenger: SlackMessenger) -> None:
    if name:
        await answers.diagnose(name, asker.place, asker.user, asker.url)
    else:
        names = await questions.watched_names()
        sentence = "Which container shall be looked at?"
        await messenger.choose(asker.place, sentence, names, user=asker.user, url=asker.url)


async def _look_up(ask: Ask, questions: Questions) -> Message:
    match ask.verb:
        case Verb.STATUS:
            return card.overview(await questions.overview())
        case Verb.HISTORY:
            return card.history(await questions.history(ask.words))
        case Verb.RUNBOOK:
            return card.recall(ask.words, await questions.recall(ask.words))
        case _:
            return card.help_text()
