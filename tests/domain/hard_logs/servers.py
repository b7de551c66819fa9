"""What databases, proxies, brokers and systems write.

Each takes the time (seconds since 1970), the level (D I W E F), a source or ``None``, the text, and what draws the rest.
"""

# ruff: noqa: E501, UP031  a format stands on one line, as the program writes it

from __future__ import annotations

from random import Random

from tests.domain.hard_logs.marks import COLOURS, DIM, LONG, NAMES, PLAIN, day, iso, spaced


def tomcat(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{day(at):%d-%b-%Y %H:%M:%S}.{int(at % 1 * 1000):03d} { {'D': 'FINE', 'I': 'INFO', 'W': 'WARNING', 'E': 'SEVERE', 'F': 'SEVERE'}[level] } [{source or 'main'}] org.apache.{rng.choice(['catalina.core.StandardService', 'coyote.AbstractProtocol', 'catalina.startup.HostConfig'])}.{rng.choice(['start', 'log', 'process'])} {text}"


def weblogic(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"####<{day(at):%b %-d, %Y %I:%M:%S,}{int(at % 1 * 1000):03d} {day(at):%p} UTC> <{ {'D': 'Debug', 'I': 'Info', 'W': 'Warning', 'E': 'Error', 'F': 'Critical'}[level] }> <{rng.choice(['Server', 'JDBC', 'JMS', 'WebLogicServer'])}> <ams-wls-1> <ManagedSrv2> <[ACTIVE] ExecuteThread: '{rng.randrange(1, 40)}' for queue: 'weblogic.kernel.Default'> <<anonymous>> <> <> <{int(at * 1000)}> <BEA-{rng.randrange(1, 3000):06d}> <{text}>"


def fpm(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"[{day(at):%d-%b-%Y %H:%M:%S}] { {'D': 'DEBUG', 'I': 'NOTICE', 'W': 'WARNING', 'E': 'ERROR', 'F': 'ALERT'}[level] }: {text}"


def phperr(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return (
        f"[{day(at):%d-%b-%Y %H:%M:%S} UTC] PHP { {'D': 'Notice', 'I': 'Notice', 'W': 'Warning', 'E': 'Fatal error', 'F': 'Fatal error'}[level] }:  {text}"
        if level != "I"
        else text
    )


def nginxerr(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{day(at):%Y/%m/%d %H:%M:%S} [{ {'D': 'debug', 'I': 'notice', 'W': 'warn', 'E': 'error', 'F': 'emerg'}[level] }] {source or '31#31'}: {text}"


def apacheerr(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"[{day(at):%a %b %d %H:%M:%S}.{int(at % 1 * 1000000.0):06d} {day(at):%Y}] [{source or 'core'}:{ {'D': 'debug', 'I': 'notice', 'W': 'warn', 'E': 'error', 'F': 'crit'}[level] }] [pid {rng.randrange(20, 60)}:tid 1403{rng.randrange(10**8, 10**9)}] {text}"


def postgres(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{spaced(at)} UTC [{source or rng.randrange(60, 9000)}] { {'D': 'DEBUG', 'I': 'LOG', 'W': 'WARNING', 'E': 'ERROR', 'F': 'FATAL'}[level] }:  {text}"


def pgdocker(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{spaced(at)} UTC [{source or rng.randrange(60, 9000)}] app@ledger { {'D': 'DEBUG', 'I': 'LOG', 'W': 'WARNING', 'E': 'ERROR', 'F': 'PANIC'}[level] }:  {text}"


def mysql(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{iso(at, 6)}Z {source or rng.choice([0, 0, 11, 27, 392])} [{ {'D': 'Note', 'I': 'System', 'W': 'Warning', 'E': 'ERROR', 'F': 'ERROR'}[level] }] [MY-{rng.choice(['010931', '011323', '013172', '010068', '012980'])}] [{('InnoDB' if 'nno' in text else 'Server')}] {text}"


def mariadb(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{day(at):%Y-%m-%d %H:%M:%S} {source or rng.randrange(0, 400)} [{ {'D': 'Note', 'I': 'Note', 'W': 'Warning', 'E': 'ERROR', 'F': 'ERROR'}[level] }] {text}"


def redis(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"1:{source or 'M'} {day(at):%d %b %Y %H:%M:%S}.{int(at % 1 * 1000):03d} { {'D': '.', 'I': '*', 'W': '#', 'E': '#', 'F': '#'}[level] } {text}"


def kafka(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"[{spaced(at, 3, ',')}] {NAMES[level]} {text} ({source or rng.choice(['kafka.log.UnifiedLog', 'kafka.coordinator.group.GroupCoordinator', 'kafka.server.ReplicaManager', 'kafka.cluster.Partition'])})"


def zookeeper(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{spaced(at, 3, ',')} [myid:2] - {NAMES[level]:<5} [{source or rng.choice(['NIOWorkerThread-3', 'SyncThread:2', 'QuorumPeer[myid=2](plain=0.0.0.0:2181)'])}:{rng.choice(['Learner', 'ZooKeeperServer', 'QuorumCnxManager'])}@{rng.randrange(90, 1900)}] - {text}"


def elastic(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"[{iso(at)[:-4]},{int(at % 1 * 1000):03d}][{NAMES[level]:<5}][{source or rng.choice(['o.e.c.m.MetadataMappingService', 'o.e.i.m.MergeScheduler', 'o.e.c.r.a.AllocationService', 'o.e.m.j.JvmGcMonitorService'])}] [es-data-2] {text}"


def envoy(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"[{spaced(at)}][{source or rng.randrange(1, 40)}][{ {'D': 'debug', 'I': 'info', 'W': 'warning', 'E': 'error', 'F': 'critical'}[level] }][{rng.choice(['config', 'main', 'upstream', 'connection'])}] [source/common/{rng.choice(['config/grpc_stream.h:160', 'upstream/cds_api_helper.cc:35', 'upstream/cluster_manager_impl.cc:192'])}] {text}"


def haproxy(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"<{ {'D': 135, 'I': 134, 'W': 132, 'E': 131, 'F': 129}[level] }>{day(at):%b %e %H:%M:%S} haproxy[8]: {text}"


def traefik(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{DIM}{iso(at, 0)}Z{PLAIN} {COLOURS[level]}{ {'D': 'DBG', 'I': 'INF', 'W': 'WRN', 'E': 'ERR', 'F': 'FTL'}[level] }{PLAIN} {text}"


def syslog(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{day(at):%b %e %H:%M:%S} edge-3 {source or rng.choice(['systemd[1]', 'sshd[8812]', 'collector[411]', 'collector[411]', 'collector[411]'])}: {text}"


def syslog5424(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"<{ {'D': 15, 'I': 14, 'W': 12, 'E': 11, 'F': 10}[level] }>1 {iso(at)}Z gw-2 {source or 'ingestd'} 411 - - {text}"


def dmesg(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"[{at % 1000000.0:12.6f}] {text}"


def supervisor(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{spaced(at, 3, ',')} { {'D': 'DEBG', 'I': 'INFO', 'W': 'WARN', 'E': 'ERRO', 'F': 'CRIT'}[level] } {text}"


def jenkins(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{spaced(at)}+0000 [id={rng.randrange(20, 400)}]\t{ {'D': 'FINE', 'I': 'INFO', 'W': 'WARNING', 'E': 'SEVERE', 'F': 'SEVERE'}[level] }\t{source or rng.choice(['hudson.model.AsyncPeriodicWork#lambda$doRun$1', 'h.r.SynchronousCommandTransport$ReaderThread#run', 'jenkins.InitReactorRunner$1#onAttained'])}: {text}"


def coredns(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"[{ {'D': 'DEBUG', 'I': 'INFO', 'W': 'WARNING', 'E': 'ERROR', 'F': 'FATAL'}[level] }] {text}"


def clickhouse(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{day(at):%Y.%m.%d %H:%M:%S}.{int(at % 1 * 1000000.0):06d} [ {source or rng.randrange(40, 800)} ] {{{rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-4{rng.getrandbits(12):03x}-a{rng.getrandbits(12):03x}-{rng.getrandbits(48):012x}}} <{ {'D': 'Debug', 'I': 'Information', 'W': 'Warning', 'E': 'Error', 'F': 'Fatal'}[level] }> {rng.choice(['executeQuery', 'MergeTreeBackgroundExecutor', 'ReplicatedMergeTreeQueue', 'TCPHandler'])}: {text}"


def cassandra(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{NAMES[level]:<5} [{source or rng.choice(['main', 'CompactionExecutor:%d' % rng.randrange(2, 40), 'MemtableFlushWriter:3', 'GossipStage:1'])}] {spaced(at, 3, ',')} {rng.choice(['CompactionTask.java:241', 'ColumnFamilyStore.java:878', 'Gossiper.java:1032'])} - {text}"


def mosquitto(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{int(at)}: {text}"


def asterisk(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"[{day(at):%b %e %H:%M:%S}] { {'D': 'DEBUG', 'I': 'VERBOSE', 'W': 'WARNING', 'E': 'ERROR', 'F': 'ERROR'}[level] }[{rng.randrange(30, 400)}]: {rng.choice(['chan_sip.c', 'res_pjsip.c', 'pbx.c'])}: {text}"


def rabbit(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{spaced(at, 6)}+00:00 [{ {'D': 'debug', 'I': 'info', 'W': 'warning', 'E': 'error', 'F': 'critical'}[level] }] <0.{source or rng.randrange(200, 9000)}.0> {text}"


def hclog(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{iso(at)}Z [{(NAMES[level] if level != 'F' else 'ERROR')}]{(' ' if len(NAMES[level]) < 5 else '')} {source or rng.choice(['core', 'agent.server', 'agent', 'expiration', 'storage.raft'])}: {text}"


def klog(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{(level if level != 'D' else 'I')}{day(at):%m%d %H:%M:%S}.{int(at % 1 * 1000000.0):06d}       1 {source or rng.choice(['controller.go:116', 'reflector.go:255', 'leaderelection.go:250', 'trace.go:236', 'event.go:294'])}] {text}"


def hass(at: float, level: str, source: str | None, text: str, rng: Random) -> str:
    return f"{spaced(at)} {LONG[level]} (MainThread) [homeassistant.{rng.choice(['core', 'components.mqtt', 'components.zha', 'helpers.entity', 'components.recorder'])}] {text}"
