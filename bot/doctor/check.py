"""One thing that the doctor looked at, and how a question becomes one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ParamSpec

from bot.errors import AegisError, SlackError

Given = ParamSpec("Given")

SKIPPED = "not looked at, since what it needs is not well"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: ``well`` is ``None`` where there is nothing to judge, or nothing to look at yet."""

    name: str
    well: bool | None
    said: str
    hint: str = ""


async def asked(
    name: str, question: Callable[Given, Awaitable[str]], *given: Given.args, **more: Given.kwargs
) -> Check:
    """Ask, and turn what was raised into a check that is not well."""
    try:
        return Check(name, True, await question(*given, **more))
    except SlackError as error:
        # What has no remedy of ours is at least named as Slack's documents name it.
        return Check(name, False, error.what if error.hint else f"{error.what} ({error.code})", error.hint)
    except AegisError as error:
        return Check(name, False, error.what, error.hint)
