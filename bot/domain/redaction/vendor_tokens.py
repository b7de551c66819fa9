"""Vendor tokens and webhook addresses, known by their form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of secret. ``hints`` are literals of which one stands in the first line of every such secret.

    A pattern is tried only on lines that hold a hint and ``LOOKAHEAD_LINES`` lines more, so that most text costs
    nothing. If it has a group, only the group is the secret. ``judge`` decides last about a match.
    """

    name: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    judge: Callable[[re.Match[str]], bool] | None = None


_EVERYWHERE = frozenset(":$-{M_")

LOOKAHEAD_LINES = 2
"""Lines after the one with the hint that a pattern may reach."""

MARKED = re.compile(r"\[redacted:[a-z-]{1,24}\]")


def mark(what: str) -> str:
    """Return the marker that replaces a secret of the kind ``what``."""
    return f"[redacted:{what}]"


def fold(text: str) -> str:
    """Return ``text`` in lower case and of the same length, so that places in it stay comparable."""
    folded = text.lower()
    if len(folded) == len(text):
        return folded
    return "".join(char.lower() if char.isascii() else char for char in text)


class Absent:
    """The hints that a text is known not to hold, so that nobody looks for them again.

    What is redacted brings nothing new but its marker: ``brought`` are the hints that may come so, never remembered.
    """

    def __init__(self, brought: frozenset[str]) -> None:
        self.brought = brought
        self._hints: dict[bool, set[str]] = {False: set(), True: set()}

    def of(self, folded: bool) -> set[str]:
        """Return the hints that are absent from the text as it is, or from the text in lower case; add to them."""
        return self._hints[folded]

    def copy(self) -> Absent:
        """Return the same, to be gone on with for a piece of the text."""
        other = Absent(self.brought)
        other._hints = {folded: set(hints) for folded, hints in self._hints.items()}
        return other


def brought_by(marks: str, shapes: Sequence[Rule]) -> frozenset[str]:
    """Return those hints of ``shapes`` that ``marks`` hold, or that a marker and what stands beside it can make."""
    hints = {hint for shape in shapes for hint in shape.hints}
    return frozenset(hint for hint in hints if hint in marks or "[" in hint or "]" in hint)


def replace_all(shapes: Sequence[Rule], text: str, absent: Absent, *, folded: bool = False) -> str:
    """Return ``text`` with the secrets of ``shapes`` marked; ``folded`` looks for the hints in lower case."""
    searched = fold(text) if folded else text
    known = absent.of(folded)
    for shape in shapes:
        for hint in shape.hints:
            if hint in known:
                continue
            if hint in searched:
                cleaned = _replace(shape, text, searched)
                if cleaned is not text:
                    text = cleaned
                    searched = fold(text) if folded else text
                break
            if hint not in absent.brought:
                known.add(hint)
    return text


def _replace(shape: Rule, text: str, searched: str) -> str:
    put = partial(_marked, shape)
    if _EVERYWHERE.intersection(shape.hints):  # looking for the lines would cost more than it saves
        return shape.pattern.sub(put, text)
    done: list[str] = []
    at = 0
    for start, end in _near_hints(searched, shape.hints):
        part, changes = shape.pattern.subn(put, text[start:end])
        if changes and part != text[start:end]:
            done += (text[at:start], part)
            at = end
    return "".join((*done, text[at:])) if done else text


_LONG = 8192
_REACH = 1500
"""Characters between a hint and the blank behind which nothing of its secret can stand; more than any pattern spans."""
_BLANK = re.compile(r"\s")


def _near_hints(searched: str, hints: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the lines that may hold such a secret; of long ones only what stands near a hint."""
    for start, end in _windows(searched, hints):
        if end - start <= _LONG:
            yield start, end
        else:
            yield from _parts(searched, hints, start, end)


def _parts(searched: str, hints: Sequence[str], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of a long window that lie around hints, cut at blanks; none overlaps another."""
    places = {hint: searched.find(hint, start, end) for hint in hints}
    while places := {hint: place for hint, place in places.items() if place >= 0}:
        last = first = min(places.values())
        stop = end
        while blank := _BLANK.search(searched, min(last + _REACH, end), end):
            stop = blank.start()
            further = max(searched.rfind(hint, last, min(stop + _REACH, end)) for hint in places)
            if further <= last:
                break
            last, stop = further, end
        head = max(searched.rfind(sign, start, max(start, first - _REACH)) for sign in " \n")
        yield max(start, head), stop
        start = stop
        places = {hint: searched.find(hint, stop, end) if place < stop else place for hint, place in places.items()}


def _windows(searched: str, hints: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield where the lines with a hint start, and where the lines that belong to them end; none overlaps another."""
    length = len(searched)
    places = {hint: searched.find(hint) for hint in hints}
    start = end = -1
    while True:
        places = {hint: place for hint, place in places.items() if place >= 0}
        if not places:
            break
        first = min(places.values())
        line = searched.rfind("\n", 0, first) + 1
        if line > end:
            if end >= 0:
                yield start, end
            start = line
        end = first
        for _ in range(LOOKAHEAD_LINES + 1):
            end = searched.find("\n", end + 1) if end < length else length
            end = length if end < 0 else end
        # What stands in the first of these lines is dealt with; a hint in a later one makes the window longer.
        over = searched.find("\n", first)
        over = length if over < 0 else over
        places = {hint: searched.find(hint, over) if place < over else place for hint, place in places.items()}
    if end >= 0:
        yield start, end


def _is_masked(value: str) -> bool:
    """Return True if the letters of a token are hidden: ghp_xxxxxxxxxxxxxxxxxxxx."""
    return len(value) > _SHORTEST_MASKED_CHARS and len(set(value[-12:])) == 1


_SHORTEST_MASKED_CHARS = 20


def _marked(shape: Rule, match: re.Match[str]) -> str:
    group = match.lastindex or 0
    if MARKED.search(match[group]) or _is_masked(match[group]) or (shape.judge and not shape.judge(match)):
        return match[0]
    start, end = match.span(group)
    return match.string[match.start() : start] + mark(shape.name) + match.string[end : match.end()]


def vendor_shape(name: str, hints: str, pattern: str, judge: Callable[[re.Match[str]], bool] | None = None) -> Rule:
    """Make a shape whose hints are parted by blanks."""
    # A token starts a word. The escapes \n, \r, \t and a percent escape before it are not part of its word.
    start = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))"
    return Rule(name, tuple(hints.split()), re.compile(start + pattern), judge)


SHAPES: tuple[Rule, ...] = (
    # Taken whole also where it has no point, so that no other start within the same word is tried.
    vendor_shape("jwt", "eyJ", r"eyJ[A-Za-z0-9_-]{10,}+(?:\.[A-Za-z0-9_-]*+){0,4}", lambda match: "." in match[0]),
    vendor_shape("aws-key-id", "AKIA ASIA ABIA ACCA", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])"),
    vendor_shape(
        "aws-session-token", "IQoJb3JpZ2lu FwoGZXIvYXdz", r"(?:IQoJb3JpZ2lu|FwoGZXIvYXdz)[A-Za-z0-9+/=%]{20,}+"
    ),
    vendor_shape("aws-key", "ABSK bedrock-api-key-", r"(?:ABSK|bedrock-api-key-)[A-Za-z0-9+/=]{40,}+"),
    vendor_shape(
        "google-key",
        "AIza ya29. GOCSPX- 1//0",
        r"(?:AIza[\w-]{30,}+|ya29\.[\w.-]{20,}+|GOCSPX-[\w-]{20,}+|1//0[\w-]{30,}+)",
    ),
    vendor_shape("azure-secret", "Q~", r"[\w~.]{3}\dQ~[\w~.-]{30,40}"),
    vendor_shape("github-token", "gh github_pat_", r"(?:gh[pousr]_[A-Za-z0-9]{20,}+|github_pat_\w{22,}+)"),
    vendor_shape(
        "gitlab-token",
        "gl GR1348941",
        r"(?:gl(?:pat|dt|rtr?|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-[\w.-]{18,}+|GR1348941[\w-]{18,}+)",
    ),
    vendor_shape("slack-token", "xox xapp-", r"(?:xox[a-z](?:\.xox[a-z])?-[\w-]{10,}+|xapp-\d[\w-]{10,}+)"),
    vendor_shape(
        "webhook", "hooks.slack.com/ hooks.slack-gov.com/", r"hooks\.slack(?:-gov)?\.com/[a-z]{2,24}/([\w/%-]{10,}+)"
    ),
    vendor_shape(
        "ticket",
        "wss://",
        r"wss://[\w.-]{1,200}+/[\w./-]{0,200}+\?(?:[\w.-]{1,40}=[^\s&\"']{0,300}&){0,4}?ticket=([\w%.~+/=-]{6,}+)",
    ),
    vendor_shape("webhook", "/webhooks/", r"discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/([\w-]{20,}+)"),
    vendor_shape("webhook", "webhook.office.com", r"webhook\.office\.com/webhookb2/([^\s\"'<>]{20,})"),
    vendor_shape("webhook", "hooks.zapier.com", r"hooks\.zapier\.com/hooks/catch/([\w/-]{8,}+)"),
    vendor_shape("webhook", "chat.googleapis.com", r"chat\.googleapis\.com/v1/spaces/([^\s\"'<>]{20,})"),
    vendor_shape("telegram-token", ":AA", r"(?:bot)?\d{8,10}:AA[\w-]{30,}+"),
    Rule(
        "discord-token",
        ("M", "N", "O"),
        re.compile(r"[MNO](?<![A-Za-z0-9].)[A-Za-z\d_-]{23,25}\.[\w-]{6}\.[\w-]{27,}+"),
    ),
    vendor_shape(
        "package-token",
        "npm_ pypi- rubygems_ dckr_ cio oy2",
        r"(?:npm_[A-Za-z0-9]{30,}+|pypi-[\w-]{30,}+|rubygems_[a-f0-9]{40,}+|dckr_[a-z]{3}_[\w-]{20,}+|"
        r"cio[A-Za-z0-9]{32}\b|oy2[a-z0-9]{43})",
    ),
    vendor_shape(
        "payment-key",
        "_live_ _test_ _prod_ _sandbox_ whsec_ sq0 EAAA access-",
        r"(?:[a-z]{2,12}_(?:live|test|prod|sandbox)_(?=[A-Za-z]*\d)[A-Za-z0-9]{14,}+|"
        r"whsec_[\w+/=-]{16,}+|sq0[a-z]{3}-[\w-]{20,}+|EAAA[\w-]{50,}+"
        r"|access-(?:sandbox|development|production)-[0-9a-f-]{36})",
    ),
    vendor_shape("payment-key", "live_ test_", r"(?:live|test)_(?=[A-Za-z]*\d)[A-Za-z0-9]{28,}+"),
    vendor_shape("twilio-key", "SK", r"SK[0-9a-f]{32}(?![0-9a-f])"),
    vendor_shape(
        "mail-key",
        "SG. key- xkeysib- re_",
        r"(?:SG\.[\w-]{16,}+\.[\w-]{16,}+|key-[0-9a-f]{32}\b|xkeysib-[0-9a-zA-Z-]{30,}+|"
        r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}+)",
    ),
    Rule(
        "mail-key",
        ("key", "Key", "KEY", "mailgun"),
        re.compile(
            r"[0-9a-f](?:(?<![A-Za-z0-9].)|(?<=\\[nrt].)|(?<=%[0-9A-Fa-f][0-9A-Fa-f].))"
            r"[0-9a-f]{31}-[0-9a-f]{8}-[0-9a-f]{8}(?![\w-])"
        ),
    ),
    vendor_shape("private-key", "LS0tLS1CRUdJTi", r"LS0tLS1CRUdJTi(?!BDRVJU)[A-Za-z0-9+/]{20,}+={0,2}"),
    vendor_shape("mailchimp-key", "-us", r"[0-9a-f]{32}-us\d{1,2}\b"),
    vendor_shape("shop-token", "shp", r"shp[a-z]{2}_[0-9a-fA-F]{20,}+"),
    vendor_shape(
        "ai-key",
        "sk- sk_ gsk_ r8_ pplx- xai- hf_ tvly- pcsk_ lsv2_ tgp_v1_ fw_ nvapi- AKCp jina_ co_",
        r"(?:sk-(?=[A-Za-z_-]{0,200}+\d)[A-Za-z0-9][\w-]{18,}+|sk_[0-9a-f]{40,}+|gsk_[A-Za-z0-9]{20,}+|"
        r"r8_\w{20,}+|pplx-\w{30,}+|xai-\w{30,}+|hf_[A-Za-z0-9]{20,}+"
        r"|tvly-[\w-]{16,}+|pcsk_\w{30,}+|lsv2_\w{30,}+|tgp_v1_[\w-]{20,}+|fw_[A-Za-z0-9]{20,}+|"
        r"nvapi-[\w-]{30,}+|AKCp[A-Za-z0-9]{60,}+|jina_\w{40,}+|co_[A-Za-z0-9]{40})",
    ),
    vendor_shape("newrelic-key", "NR", r"NR(?:AK|II|AL|JS|BR|RA|SP)-[\w-]{18,}+"),
    vendor_shape("newrelic-key", "NRAL", r"[0-9a-f]{36}(?:FFFF)?NRAL"),
    vendor_shape("grafana-token", "glsa_ glc_ eyJrIjoi", r"(?:glsa_\w{20,}+|glc_[\w+/=]{30,}+|eyJrIjoi[\w+/=]{30,}+)"),
    vendor_shape("sentry-token", "sntry", r"sntry[a-z]_[\w+/=-]{20,}+"),
    vendor_shape("dynatrace-token", "dt0", r"dt0[a-z]\d{2}\.[A-Z0-9]{8,}\.[A-Z0-9]{30,}+"),
    vendor_shape("age-key", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{20,}+"),
    vendor_shape(
        "vault-token",
        "hv s.",
        r"(?:hv[sbr]\.[\w-]{20,}+|[sb]\.(?=[A-Za-z0-9]*\d)(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9]{24}(?![\w.]))",
    ),
    vendor_shape("plex-claim", "claim-", r"claim-(?=[A-Za-z_]*\d)(?=[a-z0-9_]*[A-Z])\w{20}(?![\w-])"),
    vendor_shape("swarm-token", "SWMTKN-", r"SWMTKN-1-[\w-]{20,}+"),
    vendor_shape("tailscale-key", "tskey-", r"tskey-[\w-]{10,}+"),
    vendor_shape("terraform-token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{30,}+"),
    vendor_shape(
        "cloud-token",
        "_v1_ dapi dp. HRKU- nfp_ fm1_ fm2_ fo1_ FlyV1 pscale_ sbp_ sb_secret_ pul- ops_ey v1.0- "
        "T3BlbkFJ rnd_ railway_ vcp_ exo",
        r"(?:do[a-z]_v1_[a-f0-9]{40,}+|dapi[0-9a-f]{32}(?:-\d)?|"
        r"dp\.[a-z]{2,5}\.(?:[\w-]+\.)?[A-Za-z0-9]{30,}+|HRKU-[\w-]{30,}+|nfp_\w{30,}+"
        r"|f[mo][12]_[\w+/=-]{30,}+|pscale_[a-z]+_[\w.-]{30,}+|sbp_[a-f0-9]{40}|sb_secret_[\w-]{20,}+|"
        r"pul-[a-f0-9]{40}|ops_ey[\w-]{50,}+"
        r"|v1\.0-[0-9a-f]{24}-[0-9a-f]{100,}+|rnd_[A-Za-z0-9]{20,}+|vcp_[A-Za-z0-9]{20,}+)",
    ),
    vendor_shape(
        "tool-token",
        "ATATT ATCTT ATBB lin_ secret_ ntn_ pat figd_ PMAK- CFPAT- tfp_ rdme_ bkua_ CCIPAT_ sqp_ squ_ "
        "sqa_ EZAK phx_ phc_ glrt NRIQ ccpat_ ABTT",
        r"(?:AT(?:ATT|CTT|BB)[\w+/=-]{20,}+|lin_(?:api|oauth)_\w{30,}+|secret_[A-Za-z0-9]{40,}+|"
        r"ntn_[A-Za-z0-9]{30,}+|pat[A-Za-z0-9]{14}\.[a-f0-9]{60,}+"
        r"|figd_[\w-]{30,}+|PMAK-[a-f0-9-]{40,}+|CFPAT-[\w-]{30,}+|tfp_[\w-]{30,}+|rdme_\w{40,}+|"
        r"bkua_[a-f0-9]{30,}+|CCIPAT_\w{20,}+"
        r"|sq[pua]_[a-f0-9]{40}|EZ[AT]K[A-Za-z0-9]{40,}+|ph[cx]_[A-Za-z0-9]{30,}+)",
    ),
    vendor_shape("facebook-token", "EAA", r"EAA[A-Za-z0-9]{60,}+"),
    vendor_shape("firebase-key", "AAAA", r"AAAA[\w-]{7}:[\w-]{100,}+"),
    vendor_shape("mapbox-token", "sk.eyJ", r"sk\.eyJ[\w-]{20,}+\.[\w-]{10,}+"),
)
