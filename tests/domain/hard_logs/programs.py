"""What frameworks of a dozen languages write as plain text.

Each takes the time (seconds since 1970), the level (D I W E F), a source or ``None``, the text, and what draws the rest.
"""

# ruff: noqa: E501, UP031  a format stands on one line, as the program writes it

from __future__ import annotations

import json
from random import Random

from tests.domain.hard_logs.marks import (
    COLOURS,
    DIM,
    GO,
    GREEN,
    JAVA,
    LONG,
    LONG_LOWER,
    LOWER,
    NAMES,
    NET,
    PLAIN,
    PYTHON,
    RUST,
    YELLOW,
    day,
    iso,
    spaced,
)


def logback(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{spaced(at)} [{source or 'http-nio-8080-exec-%d' % rng.randrange(1, 20)}] {(NAMES[level] if level != 'F' else 'ERROR'):<5} com.contoso.{rng.choice(JAVA)} - {text}"


def spring3(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{iso(at)}Z {(NAMES[level] if level != 'F' else 'ERROR'):>5} 1 --- [orders] [{source or 'nio-8080-exec-%d' % rng.randrange(1, 20)}] c.c.{rng.choice(JAVA):<30} : {text}"


def log4jp(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{day(at):%d %b %Y %H:%M:%S},{int(at % 1 * 1000):03d} {NAMES[level]:<5} [{rng.choice(JAVA).split('.')[1]}] ({source or 'pool-2-thread-%d' % rng.randrange(1, 9)}) {text}"


def wrapper(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{NAMES[level]:<6} | jvm 1    | {day(at):%Y/%m/%d %H:%M:%S} | {text}"


def quarkus(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{spaced(at, 3, ',')} {NAMES[level]:<5} [com.contoso.{rng.choice(JAVA)}] ({source or 'executor-thread-%d' % rng.randrange(1, 30)}) {text}"


def jul(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{day(at):%b %d, %Y %I:%M:%S %p} com.contoso.{rng.choice(JAVA)} {rng.choice(['run', 'call', 'handle'])}\n{ {'D': 'FINE', 'I': 'INFO', 'W': 'WARNING', 'E': 'SEVERE', 'F': 'SEVERE'}[level] }: {text}"


def pybasic(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{LONG[level]}:{source or rng.choice(PYTHON)}:{text}"


def pystd(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{spaced(at, 3, ',')} - {source or rng.choice(PYTHON)} - {LONG[level]} - {text}"


def structcon(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{DIM}{day(at):%Y-%m-%d %H:%M:%S}{PLAIN} [{COLOURS[level]}{LONG_LOWER[level]:<9}{PLAIN}] \x1b[1m{text:<30}{PLAIN} [\x1b[1m{source or rng.choice(PYTHON)}{PLAIN}] \x1b[36mrequest_id{PLAIN}=\x1b[35m{rng.getrandbits(48):x}{PLAIN}"


def gunicorn(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"[{day(at):%Y-%m-%d %H:%M:%S} +0000] [{source or rng.randrange(7, 24)}] [{LONG[level]}] {text}"


def uvicorn(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{LONG[level] + ':':<9} {text}"


def celery(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"[{spaced(at, 3, ',')}: {LONG[level]}/{source or ('ForkPoolWorker-%d' % rng.randrange(1, 9) if rng.random() < 0.8 else 'MainProcess')}] {text}"


def loguru(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{spaced(at)} | {LONG[level]:<8} | {source or rng.choice(PYTHON)}:{rng.choice(['run', 'handle', 'sync', 'fetch'])}:{rng.randrange(20, 300)} - {text}"


def airflow(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"[{iso(at)}+0000] {{{rng.choice(['taskinstance.py:1308', 'local_task_job.py:156', 'scheduler_job.py:641', 'dagbag.py:508'])}}} {LONG[level]} - {text}"


def gostd(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{day(at):%Y/%m/%d %H:%M:%S} {text}"


def zapcon(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{iso(at)}Z\t{NAMES[level]}\t{source or rng.choice(GO)}\t{text}\t" + json.dumps(
        {"span": f"{rng.getrandbits(64):x}"}
    )


def logrustty(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{COLOURS[level]}{NAMES[level][:4]}{PLAIN}[{int(at) % 100000:04d}] {text:<44} {COLOURS[level]}module{PLAIN}={source or rng.choice(['sync', 'http', 'lease'])}"


def zerocon(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{DIM}{day(at):%I:%M%p}{PLAIN} {COLOURS[level]}{ {'D': 'DBG', 'I': 'INF', 'W': 'WRN', 'E': 'ERR', 'F': 'FTL'}[level] }{PLAIN} {text} \x1b[36mconn={PLAIN}{rng.getrandbits(32):x}"


def tracing(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{iso(at, 6)}Z {(NAMES[level] if level != 'F' else 'ERROR'):>5} {source or rng.choice(RUST)}: {text}"


def tracingansi(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{DIM}{iso(at, 6)}Z{PLAIN} {COLOURS[level]}{(NAMES[level] if level != 'F' else 'ERROR'):>5}{PLAIN} {DIM}{source or rng.choice(RUST)}{PLAIN}{DIM}:{PLAIN} {text}"


def envlogger(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"[{iso(at, 0)}Z {(NAMES[level] if level != 'F' else 'ERROR'):<5} {source or rng.choice(RUST)}] {text}"


def winston(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{iso(at)}Z {(LOWER[level] if level != 'F' else 'error')}: {text}"


def nest(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{GREEN}[Nest] 17  - {PLAIN}{day(at):%m/%d/%Y, %I:%M:%S %p} {COLOURS[level]}{ {'D': 'DEBUG', 'I': '  LOG', 'W': ' WARN', 'E': 'ERROR', 'F': 'FATAL'}[level]:>7}{PLAIN} {YELLOW}[{source or rng.choice(['BookingService', 'RoomsController', 'MailModule', 'TypeOrmModule'])}] {PLAIN}{COLOURS[level]}{text}{PLAIN}{YELLOW} +{rng.randrange(1, 900)}ms{PLAIN}"


def dotnet(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{ {'D': 'dbug', 'I': 'info', 'W': 'warn', 'E': 'fail', 'F': 'crit'}[level] }: {source or rng.choice(NET)}[{rng.choice([0, 14, 100])}]\n      {text}"


def serilog(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"[{day(at):%H:%M:%S} { {'D': 'DBG', 'I': 'INF', 'W': 'WRN', 'E': 'ERR', 'F': 'FTL'}[level] }] {text}"


def nlog(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return (
        f"{spaced(at, 4)}|{(NAMES[level].title() if level != 'W' else 'Warn')}|{source or rng.choice(NET)}|{text}".replace(
            "|Info|", "|INFO|"
        )
        .replace("|Error|", "|ERROR|")
        .replace("|Warn|", "|WARN|")
    )


def otp(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"={ {'D': 'DEBUG', 'I': 'INFO', 'W': 'WARNING', 'E': 'ERROR', 'F': 'ERROR'}[level] } REPORT==== {day(at):%-d-%b-%Y::%H:%M:%S}.{int(at % 1 * 1000000.0):06d} ===\n    {text}"


def elixir(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{day(at):%H:%M:%S}.{int(at % 1 * 1000):03d} request_id=F{rng.getrandbits(80):X} [{ {'D': 'debug', 'I': 'info', 'W': 'warning', 'E': 'error', 'F': 'critical'}[level] }] {text}"


def rails(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{NAMES[level][0]}, [{iso(at, 6)} #{source or 1}] {NAMES[level]:>5} -- : [{rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-{rng.getrandbits(16):04x}-{rng.getrandbits(16):04x}-{rng.getrandbits(48):012x}] {text}"


def laravel(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"[{day(at):%Y-%m-%d %H:%M:%S}] production.{LONG[level]}: {text} "


def monolog(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"[{iso(at, 6)}+00:00] {source or rng.choice(['app', 'request', 'doctrine', 'messenger', 'security'])}.{LONG[level]}: {text} [] []"


def plain(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return text


def compose(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{source or rng.choice(['api-1    ', 'worker-1 ', 'cache-1  ', 'db-1     '])} | {iso(at)}Z {NAMES[level]:<5} {text}"


def tabbed(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{int(at * 1000)}\t{level}\tn{rng.randrange(1, 6)}\t{text}"


def pm2(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"0|server   | {day(at):%Y-%m-%d %H:%M:%S}: {text}"


def wsgi(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"*** {text} ***" if rng.random() < 0.02 else f"[pid: {rng.randrange(7, 20)}|app: 0] {text}"
