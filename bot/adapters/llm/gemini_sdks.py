"""Hides the two Gemini SDKs behind one blocking call.

The call takes a prompt and the seconds left. It returns a ModelAnswer or raises CallFailed.

Importing an SDK costs 0.3 s and 70 MB, so it happens when ``connect`` is called, not when Aegis starts.
"""

from __future__ import annotations

import copy
import logging
import math
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bot.domain.llm.prompt import Prompt
from bot.errors import ModelUnavailable

MAX_OUTPUT_TOKENS = 8192
"""Thoughts come out of the same allowance as the answer of about 500 tokens, and cannot be switched off everywhere."""

_PASSING = frozenset({429, 500, 502, 503, 504})
_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)
"""What the SDKs' parsers raise for a body that is not Gemini's: HTML, a list, a string where an object belongs."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What came back, unread: the joined text parts, why the model stopped, why the prompt was blocked, all tokens.

    ``finish`` is Gemini's finish reason, ``""`` where there is no candidate; ``blocked`` its block reason or ``""``.
    """

    text: str
    finish: str
    blocked: str
    tokens: int


Call: TypeAlias = Callable[[Prompt, float], ModelAnswer]


class CallFailed(ModelUnavailable):
    """One call failed; ``passing`` where it may work next time, ``wait`` the seconds that Gemini asks to wait."""

    def __init__(
        self, what: str, *, hint: str = "", detail: str = "", passing: bool, wait: float | None = None
    ) -> None:
        super().__init__(what, hint=hint, detail=detail)
        self.passing = passing
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Sdk:
    """An SDK: its package, what to install for it, and how to connect (key, model, endpoint or ``""``)."""

    package: str
    install: str
    connect: Callable[[str, str, str], Call]


def _mute_own_warnings() -> None:
    """Mute what the SDKs say about themselves to developers; the filters fit nobody else's warnings."""
    warnings.filterwarnings("ignore", r"\s*All support for the `google\.generativeai`", FutureWarning)
    warnings.filterwarnings("ignore", "", FutureWarning, r"google\.")
    warnings.filterwarnings("ignore", "Unrecognized .* enum value", UserWarning, r"proto\.")
    warnings.filterwarnings("ignore", ".* is not a valid ", UserWarning, r"google\.genai\.")


def google_generativeai(key: str, model: str, endpoint: str) -> Call:
    """Connect by ``google-generativeai`` over REST; it keeps its configuration for the whole process."""
    _mute_own_warnings()
    from google.api_core.exceptions import GoogleAPICallError, GoogleAPIError  # noqa: PLC0415 0.3 s and 70 MB
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 part of the SDK
    from google.generativeai.client import configure  # noqa: PLC0415
    from google.generativeai.generative_models import GenerativeModel  # noqa: PLC0415
    from google.generativeai.types import GenerationConfig, RequestOptions  # noqa: PLC0415
    from google.protobuf.json_format import Error as JsonError  # type: ignore[import-untyped]  # noqa: PLC0415

    configure(api_key=key, transport="rest", client_options={"api_endpoint": endpoint} if endpoint else None)

    def call(prompt: Prompt, seconds: float) -> ModelAnswer:
        config = GenerationConfig(
            response_mime_type="application/json",
            response_schema=copy.deepcopy(dict(prompt.schema)),
            max_output_tokens=MAX_OUTPUT_TOKENS,
        )
        speaker = GenerativeModel(model, system_instruction=prompt.system, generation_config=config)
        try:
            reply = speaker.generate_content(prompt.data, request_options=RequestOptions(timeout=seconds, retry=None))
            candidate = next(iter(reply.candidates), None)
            block = reply.prompt_feedback.block_reason
            return ModelAnswer(
                text="".join(part.text for part in candidate.content.parts) if candidate else "",
                finish=_name(candidate.finish_reason) if candidate else "",
                blocked=_name(block) if block else "",
                tokens=reply.usage_metadata.total_token_count,
            )
        except GoogleAPICallError as error:
            raise _refused(int(error.code or 0), str(error.message), error.details, key) from _safe(error, key)
        except (GoogleAPIError, GoogleAuthError, OSError) as error:  # every error of requests is an OSError
            raise _unreachable(error, key) from _safe(error, key)
        except (JsonError, *_MALFORMED) as error:
            raise _malformed(error, key) from _safe(error, key)

    return call


def google_genai(key: str, model: str, endpoint: str) -> Call:
    """Connect by ``google-genai``, over httpx."""
    _mute_own_warnings()
    # It warns of GOOGLE_API_KEY beside GEMINI_API_KEY, of which neither is read: the key is given.
    logging.getLogger("google_genai").setLevel(logging.ERROR)
    import httpx  # noqa: PLC0415 goes with the SDK
    from google import genai  # noqa: PLC0415 0.3 s and 50 MB
    from google.genai import errors, types  # noqa: PLC0415 part of the SDK

    http = types.HttpOptions(base_url=endpoint or None, api_version="v1beta", httpx_client=httpx.Client())
    client = genai.Client(api_key=key, vertexai=False, http_options=http)

    def call(prompt: Prompt, seconds: float) -> ModelAnswer:
        config = types.GenerateContentConfig(
            system_instruction=prompt.system,
            response_mime_type="application/json",
            response_schema=copy.deepcopy(dict(prompt.schema)),
            max_output_tokens=MAX_OUTPUT_TOKENS,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            http_options=types.HttpOptions(
                timeout=max(1, math.ceil(seconds * 1000)),
                retry_options=types.HttpRetryOptions(attempts=1),
                # The server refuses a deadline below 10 s, which the SDK would otherwise set from its own time-out.
                headers={"X-Server-Timeout": str(max(10, math.ceil(seconds)))},
            ),
        )
        try:
            reply = client.models.generate_content(model=model, contents=prompt.data, config=config)
            candidate = next(iter(reply.candidates or ()), None)
            parts = (candidate.content.parts or ()) if candidate and candidate.content else ()
            feedback, usage = reply.prompt_feedback, reply.usage_metadata
            finish = (candidate.finish_reason or types.FinishReason.FINISH_REASON_UNSPECIFIED) if candidate else None
            return ModelAnswer(
                text="".join(part.text or "" for part in parts if not part.thought),
                finish=str(finish.value) if finish else "",
                blocked=str(feedback.block_reason.value) if feedback and feedback.block_reason else "",
                tokens=(usage.total_token_count or 0) if usage else 0,
            )
        except errors.APIError as error:
            raise _refused(error.code, str(error.message or ""), error.details, key) from _safe(error, key)
        except (httpx.HTTPError, OSError) as error:
            raise _unreachable(error, key) from _safe(error, key)
        except _MALFORMED as error:
            raise _malformed(error, key) from _safe(error, key)

    return call


SDKS: Mapping[str, Sdk] = {
    "google-generativeai": Sdk("google.generativeai", "google-generativeai", google_generativeai),
    "google-genai": Sdk("google.genai", "aegis-oncall[genai]", google_genai),
}


def _refused(code: int, message: str, details: object, key: str) -> CallFailed:
    """Turn an HTTP status of Gemini into our words, naming the setting that mends it."""
    description = f"{message} {_find(details, 'reason')}"
    what, hint = f"Gemini is overloaded or down (HTTP {code}).", "This passes by itself."
    if code == 429:
        what, hint = "Gemini's rate limit or quota is used up.", "Wait, or raise the quota of GEMINI_API_KEY."
    elif code in (401, 403) or (code == 400 and re.search(r"(?i)api.?key", description)):
        what, hint = "Gemini refuses the key.", "Check GEMINI_API_KEY."
    elif code == 404:
        what, hint = "Gemini does not know this model.", "Check AEGIS_GEMINI_MODEL."
    elif code == 400 and re.search(r"(?i)location", description):
        what, hint = (
            "Google does not offer Gemini at this place.",
            "Check AEGIS_GEMINI_ENDPOINT, or do without a model.",
        )
    elif code not in _PASSING:
        what, hint = f"Gemini does not accept the question (HTTP {code}).", "Check AEGIS_GEMINI_MODEL."
    return CallFailed(
        what,
        hint=hint,
        detail=_without(message, key),
        passing=code in _PASSING,
        wait=_seconds(_find(details, "retryDelay")),
    )


def _name(reason: object) -> str:
    """Return a reason's name; one that this SDK does not know yet is a bare number."""
    return str(getattr(reason, "name", f"REASON_{reason}"))


def _unreachable(error: Exception, key: str) -> CallFailed:
    return CallFailed(
        "Gemini cannot be reached.",
        hint="Check the network, the proxy, and AEGIS_GEMINI_ENDPOINT.",
        detail=_without(str(error), key),
        passing=True,
    )


def _malformed(error: Exception, key: str) -> CallFailed:
    return CallFailed(
        "What came back is not an answer of Gemini.",
        hint="Check AEGIS_GEMINI_ENDPOINT and the proxy.",
        detail=_without(str(error), key),
        passing=False,
    )


def _find(details: object, name: str) -> str:
    """Return the first string called ``name`` in an error's details, however deep; they come from outside."""
    waiting: list[object] = [details]
    for _ in range(100):
        if not waiting:
            break
        here = waiting.pop(0)
        if isinstance(here, Mapping):
            if isinstance(here.get(name), str):
                return str(here[name])
            waiting.extend(here.values())
        elif isinstance(here, list | tuple):
            waiting.extend(here)
    return ""


def _seconds(delay: str) -> float | None:
    """Read a protobuf duration such as ``3.5s``."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,9})?)s", delay)
    return float(match[1]) if match else None


def _without(text: str, key: str) -> str:
    return text.replace(key, "[key]")[:500]


def _safe(error: Exception, key: str) -> Exception | None:
    """Keep the cause, unless a traceback of it would print the key."""
    return None if key in str(error) or key in repr(error) else error
