"""Missing or invalid settings, and settings files that cannot be read."""

from __future__ import annotations

import re

from bot.domain.concepts.names import (
    environment_names,
    first_path,
    first_setting,
    is_config_path,
    quoted,
)
from bot.domain.concepts.reading import Reading
from bot.domain.diagnosis import FailureClass

_KIND = (
    r"(?:env(?:ironment)?(?:al)?[ _-]?(?:variable|var)?|variable|setting|option|parameter|param|argument|property"
    r"|config(?:uration)?(?: (?:key|value|option|item|entry|field))?"
    r"|secret|credential|password|passphrase|key|value|field|url|uri|dsn|host(?:name)?|address|endpoint|listener"
    r"|driver|certificate|licen[cs]e|user(?:name)?|domain|realm|issuer|database|bucket|token|id|name|path"
    r"|director(?:y|ies)|folder|file)s?"
)
_GIVEN = (
    r"(?:set(?: up)?|given|specified|provided|configured|defined|supplied|declared|passed|exported|assigned"
    r"|mounted|initiali[sz]ed)"
)
_NAME = r"[\w.$\[\]'\"`-]{2,80}"

_DEMANDS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:is|are|was|were|be|been|has|have|variable|option|setting|parameter|property|{_NAME}) (?:not|never"
        rf"|n't) (?:been )?{_GIVEN}\b(?! (?:yet|to run|as|in (?:use|time))\b)",
        rf"\bn't (?:been )?{_GIVEN}\b",
        rf"\b(?:missing|undefined|unset|empty|mandatory|required) (?:\w+ ){{0,2}}{_KIND}\b",
        rf"\b{_KIND} (?:{_NAME} )?(?:is|are|was|were) (?:missing|required|mandatory|undefined|unset|empty|blank"
        rf"|null|needed)\b",
        r"(?-i:\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b)['\"`]? (?:is |was |must be |needs to be |has to be "
        r"|should be )?(?:missing|required|mandatory|undefined|unset|empty|blank|not set|set to)\b",
        rf"\bno (?:valid |default |such )?(?:[\w-]+ ){{0,4}}(?:is |was |were |are |has been |have been )?{_GIVEN}\b",
        r"\b(?:must|needs? to|have to|has to|should|please|required to|be sure to|make sure to) (?:also |either "
        r"|first |explicitly |always )?(?:be )?"
        r"(?:set|specify|specified|provide|provided|configure|configured|define|defined|supply|supplied|pass|passed"
        r"|give|given|mount|mounted|declare|export|accept)\b",
        r"\b(?:asks?|requires?|needs?|expects?|wants?|demands?|lacks?)\b.{0,80}\b(?:be |are |is |to )?set\b",
        r"\b(?:requires?|needs?|expects?|lacks?) (?:an? |the |valid |at least )*(?:\w+ ){0,3}(?:env\w*|variable"
        r"|option|setting|parameter|password|passphrase|secret|licen[cs]e|encryption key|configuration)\b",
        r"\bcould not resolve placeholder|\b(?:keyerror|missingenv\w*|improperlyconfigured)\b",
        r"\bset (?:the )?(?:env\w* variable|(?-i:[A-Z][A-Z0-9]+_[A-Z0-9_]+))",
    )
)
_DEFAULT = re.compile(
    r"(?i)\b(?:(?:us(?:e|es|ing)|fall(?:s|ing)? back|go(?:es|ing) on|continu(?:e|es|ing)|assum(?:e|es|ing)|with"
    r"|to) (?:\w+ ){0,3}defaults?|default(?:s|ing) to"
    r"|will be (?:disabled|skipped|ignored|generated)|generat(?:ed|ing) (?:a |one|new|random)|is disabled|skipping"
    r"|optional|deprecated|recommended)\b"
)
_NOT_ACCEPTED = re.compile(
    r"(?i)\b(?:unknown|unrecogni[sz]ed|unexpected|unsupported|invalid|illegal|bad|wrong|ambiguous|conflicting"
    r"|no such|not an? valid|not a known|incorrect|malformed)"
    r" (?:\w+ ){0,2}?(?P<kind>directive|option|flag|setting|parameter|argument|keyword|word|field"
    r"|key(?! file for table)|property|section|configuration|config|command.line|env\w* variable|log level"
    r"|level|mode"
    r"|driver|scheme|url|uri|dsn|connection string|duration|host ?name|port|(?<!memory )address|cron|value"
    r"|interpolation|attribute|statement|module|plugin|provider|block|stanza|identifier|label|regex\w*"
    r"|pattern)s?\b"
)
_FIELD_REFUSED = re.compile(
    r"(?i)\b(?:option|setting|parameter|field|key|property|value|argument|flag"
    r"|directive)\b.{0,80}\b(?:is (?:invalid|not (?:valid|allowed|supported|recogni[sz]ed|known|permitted))"
    r"|must be (?:an? |one of |greater|less|between|at (?:least|most)|positive|of type|set to)|cannot be (?:empty"
    r"|used|combined|null|negative|zero)|no longer (?:exists|supported|allowed)|has been removed|was removed)"
    r"|\b(?:may|can|must) not be (?:used|set|combined) (?:together |along )?(?:with|when)\b|\bmutually exclusive\b"
    r"|\bvalidation errors? for\b|\bflag provided but not defined\b"
)
_CONFIG = re.compile(
    r"(?i)\bconfig(?:uration)?s?\b(?! ?map)|\bsettings?\b(?! of)|\.(?:ya?ml|toml|ini|conf|cfg|cnf|properties|env"
    r"|hcl)\b|\byaml\b|\btoml\b|\b[A-Z]\w*file\b(?=:\d)"
)
_CONFIG_FAILS = re.compile(
    r"(?i)\b(?:error|fail(?:ed|s|ure)?|cannot|can't|could not|unable|invalid|fatal|bad|broken|malformed|wrong"
    r"|not valid|syntax|pars(?:e|ing)|unexpected|unmarshal\w*|decod(?:e|ing)|not loaded"
    r"|mapping values|did not find|expected|unknown)\b"
)
_SYNTAX = re.compile(
    r"(?i)\bsyntax error|\bparse error|\bpars(?:e|ing)\b.{0,60}\b(?:error|fail)|\bmapping values are not allowed"
    r"|\bdid not find expected|\bfound (?:a tab )?character|\bcould not find expected"
    r"|\bunexpected (?:token|end|character|eof|\")|\bexpected .{1,40}\b(?:but )?(?:found|got)\b|\bduplicate (?:key"
    r"|listen|section|entry)|\bunclosed\b|\bunterminated\b"
)
_LINE = re.compile(r"(?i)\b(?:at |on |in )?line:? (\d{1,6})\b|(?<=[a-z]):(\d{1,6})(?::\d{1,4})?\b")
_NOT_SETTINGS = re.compile(
    r"(?i)\b(?:request|client|user|session|query|payload|message|record|row|packet|body|header|http|sql|select"
    r"|insert|update)\b"
)


_CODE_ERROR = re.compile(
    r"(?i)\b(?:name|reference|attribute|type|unboundlocal|undefined)error\b"
    r"|\bkeyerror: '?(?!(?-i:[A-Z][A-Z0-9_]+'?$))|\bundefined (?:method|function|local|index|offset|property"
    r"|symbol)|\bcannot (?:read|set) propert"
    r"|\bis not defined\b(?!.{0,30}\b(?:env|setting|config))|\bnull ?pointer"
)
_OF_REQUEST = re.compile(
    r"(?i)\b(?:csrf|cookie|header|referer|origin|form|captcha|resolvable)\b|\bmissing (?:auth\w*|bearer|access) "
)
_ABSENT = re.compile(
    r"(?i)\b(?:can(?:no|')?t|could(?: not|n't)|cannot|unable to|failed to|fails to) (?:be )?(?:find|found|locate"
    r"|located|discover|stat)\b|\b(?:does|do|did)(?: not|n't) exist\b|\b(?:was |is |were |are |be )?not found\b"
    r"|\bno such \w+"
)
_ABSENT_PART = re.compile(
    r"(?i)\b(?:module|package|bindings?|library|librar(?:y|ies)|class|symbol|build|bundle|asset|manifest|provider"
    r"|import|gem|crate|dependenc(?:y|ies)|plugin|binary|executable|script|entry ?point|function|method"
    r"|template|migration)\b"
)
_ABSENT_OBJECT = re.compile(
    r"(?i)\b(database|role|user|schema|bucket|queue|exchange|topic|stream|realm|tenant|organi[sz]ation|vhost"
    r"|keyspace|index|namespace|volume|network|device|display|backend|profile|secret|key|account|project|root"
    r"|workspace|server block|host|service|group|zone|config\w*|director(?:y|ies)|folder|path|file)s?\b"
)


def read_absence(text: str) -> Reading | None:
    """Return that a thing the program looks for is not there: a database, a directory, a part of its release."""
    if not _ABSENT.search(text) or re.search(r"(?i)\b(?:404|http/|get /|post /|page|route|record|user agent)\b", text):
        return None
    part, named = _ABSENT_PART.search(text), _ABSENT_OBJECT.search(text)
    name = next(iter(quoted(text)), "") or first_path(text)
    if part and not (named and name and named.start() < part.start()):
        return Reading(
            concept="absent-part",
            trouble=FailureClass.BAD_RELEASE,
            headline=f"{name} is missing"[:60] if name else "the release lacks a part",
            cause=f"The program does not find a part of its release: {name}."
            if name
            else "The program does not find a part of its release.",
            remedy="Rebuild the image with what is missing, or roll back.",
            restart_helps=False,
            weight=0.62 if name else 0.52,
            names=(name,) if name else (),
        )
    if not (named or name):
        return None
    what = f"{named[1].lower()} " if named else ""
    return Reading(
        concept="absent-thing",
        trouble=FailureClass.CONFIG_ERROR,
        headline=f"{what}{name} does not exist"[:60] if name else f"a {what.strip()} is missing",
        cause=f"The program needs the {what}{name}, and it does not exist."
        if name
        else f"The program does not find a {what.strip()} that it needs.",
        remedy="Create it, or correct the name or path in the settings.",
        restart_helps=False,
        weight=0.64 if name and named else 0.5,
        names=(name,) if name else (),
    )


def read_demand(text: str) -> Reading | None:
    """Return that a setting is asked for and missing, or ``None``."""
    if _DEFAULT.search(text) or _CODE_ERROR.search(text) or _OF_REQUEST.search(text):
        return None
    found = next(filter(None, (pattern.search(text) for pattern in _DEMANDS)), None)
    if found is None:
        return None
    names = environment_names(text)
    name = ", ".join(names[:3]) or first_setting(text) or next(iter(quoted(text)), "") or first_path(text)
    weight = 0.82 if names else 0.74 if name else 0.66
    return Reading(
        concept="demand",
        trouble=FailureClass.CONFIG_ERROR,
        headline=f"{name} is not set"[:60] if name else "a required setting is missing",
        cause=f"The program requires {name}, and it is not set."
        if name
        else "The program requires a setting that is not there.",
        remedy="Set it and create the container anew.",
        restart_helps=False,
        weight=weight,
        names=(name,) if name else (),
    )


def read_refused_setting(text: str) -> Reading | None:
    """Return that a setting or a file of settings is not accepted, or ``None``."""
    path = next((one for one in (first_path(text), *quoted(text)) if is_config_path(one)), "")
    refused = _NOT_ACCEPTED.search(text) or _FIELD_REFUSED.search(text)
    about_config = _CONFIG.search(text) is not None
    syntax = _SYNTAX.search(text)
    if not (refused or (syntax and (path or about_config)) or (about_config and _CONFIG_FAILS.search(text))):
        return None
    if refused and not (about_config or path) and _NOT_SETTINGS.search(text):
        return None
    line = _LINE.search(text)
    number = (line[1] or line[2]) if line else ""
    place = f"{path}, line {number}" if path and number else path
    name = next((one for one in quoted(text) if one != path), "") or (first_setting(text) if refused else "")
    specific = bool(refused) + bool(place) + bool(name)
    cause = {
        (True, True): f"{place} holds “{name}”, which the program does not accept.",
        (True, False): f"The program cannot read {place}.",
        (False, True): f"The program does not accept the setting “{name}”.",
        (False, False): "The program does not accept its configuration.",
    }[bool(place), bool(name)]
    return Reading(
        concept="refused-setting",
        trouble=FailureClass.CONFIG_ERROR,
        headline=f"{place or name} is not accepted"[:60] if place or name else "configuration is not accepted",
        cause=cause,
        remedy="Correct the named place, and start again."
        if place or name
        else "Correct the configuration, and start again.",
        restart_helps=False,
        weight=min(0.84, 0.6 + 0.08 * specific),
        names=tuple(filter(None, (place, name))),
    )
