"""Logs made for tests: a trouble of a known class, told once or a few times among a busy program's ordinary lines.

A case is a trouble in a style (how a program formats lines) and a layout (where the trouble stands, what follows it).
Everything is drawn from a seed, so that a case is the same in every run.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

LAYOUTS = ("flood", "buried", "drip", "early", "tail", "crashloop")
_TROUBLES = Path(__file__).parent.parent / "corpus" / "logs" / "troubles.yaml"
Line = tuple[str, str]


@dataclass(frozen=True)
class Trouble:
    """What a program logs when this happens: the decisive lines, and what follows from them again and again."""

    name: str
    kind: str
    restart_helps: bool | None
    lines: tuple[Line, ...]
    keep: tuple[str, ...]
    flood: tuple[Line, ...]


@dataclass(frozen=True)
class Case:
    """A log, and the texts that its digest must hold."""

    name: str
    log: bytes
    keep: tuple[str, ...]
    trouble: Trouble


def troubles() -> tuple[Trouble, ...]:
    """Read the troubles from their file."""
    return tuple(
        Trouble(
            name,
            entry["class"],
            entry["restart_helps"],
            tuple(_line(text) for text in entry["lines"]),
            tuple(entry["keep"]),
            tuple(_line(text) for text in entry.get("flood", [])),
        )
        for name, entry in yaml.safe_load(_TROUBLES.read_text(encoding="utf-8")).items()
    )


def _line(text: str) -> Line:
    # "E text" is an ERROR line in the style's own format; "| text" stands as it is, without a head.
    return (text[0], text[2:])


_NAMES = {"D": "debug", "I": "info", "W": "warn", "E": "error", "F": "fatal"}
_PINO = {"D": 20, "I": 30, "W": 40, "E": 50, "F": 60}
_SEVERITY = {"D": 7, "I": 6, "W": 4, "E": 3, "F": 2}
_POSTGRES = {"D": "DEBUG", "I": "LOG", "W": "WARNING", "E": "ERROR", "F": "FATAL"}
_DOTNET = {"D": "dbug", "I": "info", "W": "warn", "E": "fail", "F": "crit"}
_SERILOG = {"D": "Debug", "I": "Information", "W": "Warning", "E": "Error", "F": "Critical"}
_REDIS = {"D": ".", "I": "*", "W": "#", "E": "#", "F": "#"}
_VERBS = (
    "packed",
    "routed",
    "sealed",
    "ranked",
    "tallied",
    "matched",
    "scanned",
    "mirrored",
    "graded",
    "split",
    "folded",
)
_HALVES = [first + vowel + last for first in "bdgkmr" for vowel in "eo" for last in ("l", "r")]
_NOUNS = [first + second + last for last in ("", "el", "um") for first in _HALVES for second in _HALVES]
_PARTS = ("intake", "ledgerd", "courier", "web")

# How programs write a line: {m} is the message, {j} the same inside a JSON string, and the others are time and level.
STYLES: dict[str, str] = {
    "plain": "{m}",
    "iso_bracket": "{iso} [{up}] {m}",
    "python": "{day} {clock},{ms} {long} shop.{part}: {m}",
    "uvicorn": "{long}:     {m}",
    "json_upper": '{{"timestamp": "{iso}", "severity": "{up}", "message": "{j}", "trace": "{id}"}}',
    "ecs": '{{"@timestamp": "{iso}", "log.level": "{low}", "message": "{j}", "service.name": "shop"}}',
    "bunyan": '{{"name": "shop", "hostname": "c1", "pid": 7, "level": {pino}, "msg": "{j}", "time": "{iso}", "v": 0}}',
    "zerolog": '{{"level": "{low}", "time": {epoch}, "message": "{j}"}}',
    "serilog": '{{"@t": "{iso}", "@mt": "{j}", "@l": "{serilog}"}}',
    "mongo": '{{"t": {{"$date": "{iso}"}}, "s": "{lv}", "c": "NETWORK", "id": {n}, "ctx": "conn{n}", "msg": "{j}"}}',
    "logfmt_ts": 'ts={iso} caller={part}.go:{n} level={low} msg="{j}"',
    "logrus": 'time="{iso}" level={warning} msg="{j}" job={id}',
    "klog": "{lv}{t:%m%d} {clock}.{us}       1 {part}.go:{n}] {m}",
    "logback": "{clock}.{ms} [pool-{d}-thread-{d}] {up:5} com.shop.{part}.Worker - {m}",
    "log4j": "[{day} {clock},{ms}] {up} [{part}-{d}] {m} (shop.server.Main)",
    "nginx": "{t:%Y/%m/%d} {clock} [{emerg}] {d}#{d}: *{n} {m}",
    "apache": "[{t:%a %b %d} {clock}.{us} {t:%Y}] [core:{crit}] [pid {n}] {m}",
    "syslog": "{t:%b %d} {clock} host1 {part}[{n}]: {low}: {m}",
    "rfc5424": "<{pri}>1 {iso} host1 shop {n} - - {m}",
    "redis": "1:M {t:%d %b %Y} {clock}.{ms} {redis} {m}",
    "postgres": "{day} {clock}.{ms} UTC [{n}] {postgres}:  {m}",
    "kafka": "[{day} {clock},{ms}] {up} [Broker id={d}] {m} (kafka.server.Shop)",
    "rust": "{iso} {up:>5} shop::{part}: {m}",
    "dotnet": "{dotnet}: Shop.{part}[{d}] {m}",
    "elixir": "{clock}.{ms} request_id={id} [{low}] {m}",
    "ansi": "\x1b[90m{clock}\x1b[0m \x1b[3{d}m{up}\x1b[39m {m}",
    "caddy": "{t:%Y/%m/%d} {clock}.{ms}\t{up}\t{part}\t{m}",
    "pipe": "{day} {clock} | {up:8} | shop.{part}:run:{n} - {m}",
    "glog_py": "[{lv} {t:%y%m%d} {clock} {part}:{n}] {m}",
    "haproxy": "<{pri}>{t:%b %d} {clock} proxy[{n}]: {m}",
}


def _noun(rng: random.Random) -> str:
    # Words of a language come as Zipf says: a few all the time, and most of them hardly ever.
    return _NOUNS[int(len(_NOUNS) ** rng.random()) - 1]


def _id(rng: random.Random) -> str:
    kind = rng.randrange(4)
    if kind == 0:
        return str(uuid.UUID(int=rng.getrandbits(128)))
    if kind == 1:
        return f"{rng.getrandbits(64):016x}"
    if kind == 2:
        return "".join(rng.choice("ABCDEFGHJKMNPQRSTVWXYZ0123456789") for _ in range(26))
    return str(rng.randrange(10**6))


def chatter(rng: random.Random) -> Line:
    """Return one ordinary line: what a healthy, busy program writes, warnings and its users' errors among it."""
    noun, other, verb = _noun(rng), _noun(rng), rng.choice(_VERBS)
    number = rng.randrange(90_000)
    method, status = rng.choice(["GET", "POST", "PUT"]), rng.choice([200, 200, 201, 304])
    return rng.choice(
        [
            ("I", f"{verb} {noun} {_id(rng)} into {other} took={number % 900}ms"),
            ("I", f"{verb} {number} {noun} rows for {other}"),
            ("I", f"{method} /v2/{noun}/{number} {status} {number % 700}ms"),
            ("I", f"job {noun}-{other} done in {number % 99}s"),
            ("D", f"{other} cache {rng.choice(['hit', 'miss'])} for {noun}:{number}"),
            ("D", f"heartbeat ok, {noun}={number % 50} {other}={number % 70}"),
            ("I", f"{noun} of {other} {verb}, next run at {number % 24:02d}:{number % 60:02d}"),
            ("W" if rng.random() < 0.5 else "I", f"{noun} {other} took {number % 3000} ms, slower than usual"),
            ("W" if rng.random() < 0.3 else "I", f"{verb} {noun} twice, second one skipped"),
            ("E" if rng.random() < 0.2 else "I", f"form field {noun} of visitor {number} was empty, asked again"),
            ("E" if rng.random() < 0.1 else "D", f"GET /{noun}.png 404 0ms"),
        ]
    )


def _dressed(style: str, rng: random.Random, now: datetime, level: str, text: str) -> str:
    name = _NAMES[level]
    return STYLES[style].format(
        m=text, j=json.dumps(text)[1:-1], t=now, lv=level, low=name, up=name.upper(), id=_id(rng),
        n=rng.randrange(9_999), d=rng.randrange(1, 8), part=rng.choice(_PARTS), day=f"{now:%Y-%m-%d}",
        clock=f"{now:%H:%M:%S}", ms=f"{now.microsecond // 1000:03d}", us=f"{now.microsecond:06d}",
        iso=now.isoformat(timespec="milliseconds").replace("+00:00", "Z"), epoch=int(now.timestamp()),
        long=name.upper().replace("WARN", "WARNING").replace("FATAL", "CRITICAL"),
        warning=name.replace("warn", "warning"),
        emerg=name.replace("fatal", "emerg"), crit=name.replace("fatal", "crit"), pino=_PINO[level],
        pri=128 + _SEVERITY[level], postgres=_POSTGRES[level], dotnet=_DOTNET[level], serilog=_SERILOG[level],
        redis=_REDIS[level],
    )  # fmt: skip


class _Writer:
    def __init__(self, style: str, rng: random.Random) -> None:
        self.rng = rng
        self.style = style
        self.now = datetime(2026, 3, rng.randrange(1, 28), rng.randrange(24), tzinfo=UTC)
        self.lines: list[str] = []

    def write(self, lines: tuple[Line, ...] | list[Line]) -> None:
        for level, text in lines:
            self.now += timedelta(milliseconds=self.rng.randrange(20, 900))
            said = text.replace("<id>", _id(self.rng)).replace("<n>", str(self.rng.randrange(10, 99_999)))
            dressed = said if level == "|" else _dressed(self.style, self.rng, self.now, level, said)
            self.lines.append(dressed)

    def noise(self, count: int) -> None:
        for _ in range(count):
            self.write([chatter(self.rng)])

    def flood(self, trouble: Trouble, count: int, share: float) -> None:
        for _ in range(count):
            if trouble.flood and self.rng.random() < share:
                self.write([self.rng.choice(trouble.flood)])
            else:
                self.noise(1)


def _banner(rng: random.Random) -> list[Line]:
    return [
        ("I", f"shop 4.{rng.randrange(20)}.1 starting up"),
        ("I", "reading settings"),
        ("I", "ready for work on :8080"),
    ]


def make(trouble: Trouble, style: str, layout: str, seed: int, length: int = 3_000) -> Case:
    """Write a log of about ``length`` lines."""
    rng = random.Random(f"{trouble.name} {style} {layout} {seed}")
    out = _Writer(style, rng)
    banner = _banner(rng)
    if layout == "crashloop":
        for _ in range(max(8, length // 80)):
            out.write(banner)
            out.noise(rng.randrange(1, 9))
            out.write(trouble.lines)
            out.write([rng.choice(trouble.flood)] if trouble.flood else [])
    else:
        out.write(banner)
        before = {"flood": length // 5, "buried": length // 2, "drip": length // 5, "early": 0, "tail": length}[layout]
        out.noise(before)
        out.write(trouble.lines)
        if layout == "drip":
            for _ in range(3):
                out.flood(trouble, length // 4, 0.01)
                out.write(trouble.lines)
        else:
            out.flood(
                trouble, {"tail": 12}.get(layout, length - before), {"buried": 0.02, "tail": 0.6}.get(layout, 0.5)
            )
    log = "\n".join(out.lines).encode() + b"\n"
    text = log.decode()
    keep = tuple(part for part in trouble.keep if part in text or json.dumps(part)[1:-1] in text)
    keep = tuple(part if part in text else json.dumps(part)[1:-1] for part in keep)
    return Case(f"{trouble.name}-{style}-{layout}-{seed}", log, keep, trouble)


def cases(seed: int = 0, length: int = 3_000) -> Iterator[Case]:
    """Yield each trouble in one style and two layouts."""
    styles = list(STYLES)
    for number, trouble in enumerate(troubles()):
        for turn in range(2):
            yield make(
                trouble,
                styles[(number * 2 + turn + seed * 7) % len(styles)],
                LAYOUTS[(number + turn * 3 + seed) % 6],
                seed,
                length,
            )
