"""The result of one check, and the function that runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ParamSpec

from bot.errors import AegisError, SlackError

Arguments = ParamSpec("Arguments")

SKIPPED = "skipped (depends on a failed check)"


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check; ``ok`` is ``None`` if the check was skipped or does not apply."""

    name: str
    ok: bool | None
    detail: str
    hint: str = ""


async def run_check(
    name: str,
    question: Callable[Arguments, Awaitable[str]],
    *arguments: Arguments.args,
    **options: Arguments.kwargs,
) -> Check:
    """Return a passed check with the answer of ``question``, or a failed check with the error that it raised."""
    try:
        return Check(name, True, await question(*arguments, **options))
    except SlackError as error:
        # Without a hint, the reader needs Slack's own code to look it up in Slack's documentation.
        return Check(name, False, error.message if error.hint else f"{error.message} ({error.code})", error.hint)
    except AegisError as error:
        return Check(name, False, error.message, error.hint)
