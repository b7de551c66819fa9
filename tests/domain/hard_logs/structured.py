"""JSON, logfmt and their like: formats in which every value has a name.

Each takes the time (seconds since 1970), the level (D I W E F), a source or ``None``, the text, and what draws the rest.
"""

# ruff: noqa: E501, UP031  a format stands on one line, as the program writes it

from __future__ import annotations

import json
from random import Random

from tests.domain.hard_logs.marks import GO, JAVA, LONG_LOWER, LOWER, NAMES, NET, PYTHON, iso


def logstash(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return json.dumps(
        {
            "@timestamp": iso(at) + "Z",
            "@version": "1",
            "message": text,
            "logger_name": "com.contoso." + rng.choice(JAVA),
            "thread_name": source or "exec-%d" % rng.randrange(1, 20),
            "level": NAMES[level] if level != "F" else "ERROR",
            "level_value": 20000,
            "traceId": f"{rng.getrandbits(128):032x}",
        },
        ensure_ascii=False,
    )


def ecs(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return json.dumps(
        {
            "@timestamp": iso(at) + "Z",
            "log.level": NAMES[level] if level != "F" else "ERROR",
            "message": text,
            "ecs.version": "1.2.0",
            "service.name": "quotes",
            "event.dataset": "quotes",
            "process.thread.name": source or "exec-%d" % rng.randrange(1, 20),
            "log.logger": "com.contoso." + rng.choice(JAVA),
        },
        ensure_ascii=False,
    )


def structjson(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return json.dumps(
        {
            "event": text,
            "logger": source or rng.choice(PYTHON),
            "level": LONG_LOWER[level],
            "timestamp": iso(at, 6) + "Z",
            "request_id": f"{rng.getrandbits(64):x}",
        },
        ensure_ascii=False,
    )


def zapjson(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return json.dumps(
        {
            "level": LOWER[level],
            "ts": round(at, 4),
            "logger": "svc",
            "caller": source or rng.choice(GO),
            "msg": text,
            "span_id": f"{rng.getrandbits(64):016x}",
        },
        ensure_ascii=False,
    )


def slogtext(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"time={iso(at)}Z level={(NAMES[level] if level != 'F' else 'ERROR')} msg={json.dumps(text, ensure_ascii=False)} component={source or rng.choice(['api', 'queue', 'store'])} req={rng.getrandbits(40):x}"


def slogjson(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return json.dumps(
        {
            "time": iso(at, 6) + "Z",
            "level": NAMES[level] if level != "F" else "ERROR",
            "msg": text,
            "component": source or rng.choice(["api", "queue", "store"]),
            "req": str(rng.getrandbits(40)),
        },
        ensure_ascii=False,
    )


def logrus(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f'''time="{iso(at, 0)}Z" level={(LONG_LOWER[level] if level != "F" else "fatal")} msg={json.dumps(text, ensure_ascii=False)} module={source or rng.choice(["sync", "http", "lease"])}'''


def pino(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return json.dumps(
        {
            "level": {"D": 20, "I": 30, "W": 40, "E": 50, "F": 60}[level],
            "time": int(at * 1000),
            "pid": 19,
            "hostname": "b41c9de2f0aa",
            "name": source or "storefront",
            "msg": text,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def pinostack(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    text, _, stack = text.partition("|")
    row = {
        "level": {"D": 20, "I": 30, "W": 40, "E": 50, "F": 60}[level],
        "time": int(at * 1000),
        "pid": 19,
        "hostname": "b41c9de2f0aa",
        "req": {
            "id": f"{rng.getrandbits(64):x}",
            "headers": {
                "accept": "*/*",
                "x-forwarded-for": "10.1.1.1",
                "user-agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15",
            },
            "body": "x" * 200,
        },
    }
    if stack:
        row["err"] = {"type": "TypeError", "stack": stack.replace("\\n", "\n")}
    return json.dumps(row | {"msg": text}, separators=(",", ":"))


def winstonjson(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return json.dumps(
        {
            "level": LOWER[level] if level != "F" else "error",
            "message": text,
            "service": source or "notifier",
            "timestamp": iso(at) + "Z",
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def bunyan(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return json.dumps(
        {
            "name": "gallery",
            "hostname": "gallery-7c9f",
            "pid": 1,
            "level": {"D": 20, "I": 30, "W": 40, "E": 50, "F": 60}[level],
            "msg": text,
            "time": iso(at) + "Z",
            "v": 0,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def serijson(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    row = {"@t": iso(at, 7) + "Z", "@mt": text}
    if level != "I":
        row["@l"] = {"D": "Debug", "W": "Warning", "E": "Error", "F": "Fatal"}[level]
    return json.dumps(
        row | {"SourceContext": source or rng.choice(NET), "ConnectionId": f"0HN{rng.getrandbits(36):X}"},
        ensure_ascii=False,
    )


def mongo(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    attr = {}
    if "\t" in text:
        text, extra = text.split("\t", 1)
        attr = json.loads(extra)
    return json.dumps(
        {
            "t": {"$date": iso(at) + "+00:00"},
            "s": level,
            "c": source or rng.choice(["NETWORK", "STORAGE", "COMMAND", "ACCESS"]),
            "id": rng.choice([22943, 22944, 51800, 4615611, 22430]),
            "ctx": "conn%d" % rng.randrange(1, 9000),
            "msg": text,
            "attr": attr,
        },
        separators=(",", ":"),
    )


def elasticjson(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return json.dumps(
        {
            "type": "server",
            "timestamp": iso(at) + "Z",
            "level": NAMES[level],
            "component": source or "o.e.c.r.a.AllocationService",
            "cluster.name": "search-prod",
            "node.name": "es-data-2",
            "message": text,
            "cluster.uuid": "pQ1vbTq8R7-aXhZ0",
            "node.id": "Nn_2k0sTQhC",
        },
        ensure_ascii=False,
    )


def caddy(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return json.dumps(
        {
            "level": LOWER[level],
            "ts": round(at, 7),
            "logger": source
            or rng.choice(["http.log.access.log0", "http.handlers.reverse_proxy", "tls.obtain", "admin.api"]),
            "msg": text,
        },
        separators=(",", ":"),
    )


def gelf(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return json.dumps(
        {
            "version": "1.1",
            "host": "c4f1",
            "short_message": text,
            "timestamp": round(at, 3),
            "level": {"D": 7, "I": 6, "W": 4, "E": 3, "F": 2}[level],
            "_container": "ingest",
            "_facility": source or "core",
        },
        ensure_ascii=False,
    )


def prom(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"ts={iso(at)}Z caller={source or rng.choice(['main.go:1021', 'compact.go:577', 'head.go:842', 'scrape.go:1741'])} level={LOWER[level]} component={rng.choice(['tsdb', 'scrape manager', 'rule manager'])!r} msg={json.dumps(text)}".replace(
        "'", '"'
    )


def grafana(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"logger={source or rng.choice(['context', 'sqlstore', 'ngalert.sender.router', 'tsdb.prometheus'])} t={iso(at, 9)}Z level={LOWER[level]} msg={json.dumps(text)} userId={rng.randrange(1, 40)}"


def traefikold(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f'time="{iso(at, 0)}Z" level={LONG_LOWER[level]} msg={json.dumps(text)}'


def yamlish(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"- {{t: {iso(at)}, lvl: {LOWER[level]}, text: {text}}}"
