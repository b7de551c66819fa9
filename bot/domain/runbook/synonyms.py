"""Words that name one failure in many programs.

``ECONNREFUSED`` and "connection refused" are one concept.

Each concept is a name and the phrases that stand for it, one to three words each, as ``words`` writes them: lower case,
``camelCase`` taken apart. Names of products are concepts too, since a driver's name tells the dependency.
"""

from __future__ import annotations

from collections.abc import Sequence

PHRASES = {
    # What a connection does.
    "refused": (
        "econnrefused, connection refused, actively refused, refused, delayed connect error, cannot connect, "
        "could not connect, failed to connect, connect failed, cant connect, unable to connect, unreachable, "
        "ehostunreach, enetunreach, no route to, connection failure"
    ),
    "reset": (
        "econnreset, connection reset, broken pipe, epipe, reset by peer, connection aborted, connection "
        "lost, lost connection, gone away, socket hang up, connection closed, closed the connection, closed "
        "unexpectedly, server closed, unexpected eof, terminating connection, premature"
    ),
    "timeout": (
        "etimedout, timed out, timeout, time out, timeouts, deadline exceeded, read timed, esockettimedout, "
        "gateway timeout, timeout exceeded, request timeout, timeout error"
    ),
    "dns": (
        "enotfound, eai again, getaddrinfo, name resolution, not resolve, no such host, nxdomain, servfail, "
        "unknown host, resolve host, not known, dns, lookup, resolver, host not found, name does not resolve"
    ),
    "network": (
        "mtu, packet loss, network unreachable, network is unreachable, fragmentation, icmp, conntrack, nat, "
        "iptables, dropping packet, no route"
    ),
    # Who may.
    "certificate": (
        "certificate, x509, certificates, cert, handshake, tls, ssl, pkix, self signed, verify failed, "
        "expired certificate, trust anchor, certificate verify, unknown authority, ca bundle, ssl error"
    ),
    "expired": "expired, has expired, not after, expiry, no longer valid, not yet valid, validity",
    "login": (
        "password authentication, wrongpass, noauth, authentication failed, invalid credentials, login "
        "failed, unauthorized, invalid password, bad credentials, authentication required, authentication, "
        "access denied for, invalid username, invalid user, auth failed, 401, credentials, password, sasl, "
        "not authenticated, unauthenticated"
    ),
    "forbidden": (
        "access denied, forbidden, 403, not authorized, insufficient privileges, permission denied for, "
        "access control, iam, policy, denied, rbac, not allowed, must be owner, insufficient permissions"
    ),
    "file permission": (
        "permission denied, eacces, eperm, not permitted, read only file, erofs, readonly file, not writable, "
        "permissions, chown, chmod, not writeable, access is denied"
    ),
    "signing key": (
        "jwt, jwks, signing key, kid, token signature, key rotation, signature, matching key, public key, "
        "rotated, no matching key, signing"
    ),
    "clock": "clock skew, time skew, too skewed, clock, ntp, drift, in the future, chrony, skew",
    "secret": ("vault, sealed, secret not found, secrets manager, kms, decrypt, no credentials, missing credentials"),
    # What ran out.
    "disk full": (
        "enospc, no space left, disk full, no space, disk quota, flood stage, watermark, disk usage, could "
        "not extend, out of disk, disk is full, insufficient storage, not enough space, quota exceeded, space "
        "left, filesystem full, volume full, low disk, disk space, inodes, inode"
    ),
    "out of memory": (
        "out of memory, oom, oom killed, heap space, java heap, heap out, outofmemory, allocate memory, "
        "enomem, memory error, killed process, overhead limit, bad alloc, memory limit, sigkill, exit 137, "
        "memory exhausted, allowed memory, cgroup out, memory cgroup, heap limit, 137, allocation failed, "
        "invoked oom"
    ),
    "files": "emfile, enfile, too many open, open files, file descriptors, ulimit, nofile, fd limit",
    "threads": (
        "native thread, start new thread, cannot fork, fork failed, pids limit, eagain, rejected execution, "
        "thread pool, resource temporarily, thread starvation, no free threads, executor, threads exhausted, "
        "pthread create"
    ),
    "pool": (
        "queue pool, pool exhausted, connection pool, hikari, hikari pool, no available connections, too many "
        "connections, connection slots, max connections, too many clients, pool size, pool timeout, "
        "connection is not, acquire connection, no free connection, pool limit, idle in transaction, "
        "remaining connection"
    ),
    "rate limit": (
        "429, too many requests, rate limit, rate limited, ratelimit, rate exceeded, throttled, throttling, "
        "throttle, slow down, quota, limit exceeded, retry after, requests per second"
    ),
    "cpu": (
        "cpu throttled, cpu, load average, busy loop, stop the world, gc pause, garbage collection, full gc, "
        "concurrent mode, gc overhead, pause, stopped for, evacuation, event loop, blocked for, cfs, "
        "starvation"
    ),
    "backlog": (
        "backlog, consumer lag, lag, queue full, queue is full, rebalance, rebalancing, max poll, poll "
        "interval, queue depth, pending tasks, unacked, dead letter, dlq, redelivered, behind, messages "
        "behind, overflow, buffer full, mailbox, stuck, poison, offset out, offsets"
    ),
    "overload": (
        "load shed, shedding, overloaded, retry budget, retries exhausted, thundering herd, retry storm, "
        "surge, backoff, too busy, overload, rejected, bulk rejected, circuit breaking exception, load "
        "shedding"
    ),
    "memory alarm": (
        "memory alarm, resource alarm, memory high, publishers blocked, connection blocked, maxmemory, "
        "command not allowed, used memory, memory resource, high watermark, alarm, blocking publishers, "
        "evicted keys"
    ),
    # What the data or the code is.
    "deadlock": "deadlock, deadlocked, deadlocks, circular wait, share lock, blocked by process, waiting to lock",
    "lock": (
        "lock wait, lock timeout, is locked, database locked, obtain lock, acquire lock, sqlite busy, waiting "
        "for lock, held by, lock file, lockfile, lock held, row lock, lock not available, stale lock, already "
        "locked, another process, another instance, pid file, already running"
    ),
    "missing module": (
        "no module named, module not found, cannot find module, no class def, class not found, import error, "
        "shared object, library not, load error, cannot load such, package not found, missing dependency, "
        "class def found, no such module, cannot import name, lib so, undefined symbol, glibc, lacks a "
        "dependency"
    ),
    "schema": (
        "undefined column, undefined table, no such table, no such column, unknown column, migration, "
        "migrations, relation, pending migration, alembic, flyway, liquibase, does not exist, unknown table, "
        "invalid column, schema version, doesnt exist, no such relation"
    ),
    "configuration": (
        "config, configuration, invalid config, invalid value, unknown key, is not set, must be set, not "
        "configured, missing required, required variable, environment variable, key error, undefined "
        "variable, settings, unknown directive, invalid option, unrecognized, bad config, missing key, not "
        "defined, properties, env"
    ),
    "syntax": (
        "yaml, syntax error, parse error, parser error, scanner error, mapping values, did not find, "
        "unexpected token, invalid syntax, toml, could not parse, failed to parse, indentation, unexpected "
        "end, parsing"
    ),
    "reload": (
        "reload, reloaded, reloading, sighup, staging, wrong environment, profile, active profile, feature "
        "flag, flag, switched, toggled, changed from"
    ),
    "version": (
        "incompatible, not compatible, version mismatch, unsupported version, initialized by, api version, "
        "compatible, downgrade, upgrade, protocol version, major version, unsupported, requires version, "
        "older version"
    ),
    "damaged": (
        "corrupt, corrupted, corruption, checksum, invalid page, bad magic, torn, crc, truncated, tablespace, "
        "malformed, damaged, could not read block, recovery, innodb, inconsistent, missing file, checksum "
        "mismatch"
    ),
    "bad data": (
        "json decode, decode error, unicode, utf, invalid byte, deserialization, deserialize, unmarshal, "
        "value error, type error, invalid json, validation error, malformed json, encoding, cannot "
        "deserialize, schema validation, invalid input, invalid date, unparseable, serialization, out of "
        "range, json parse, codec"
    ),
    "constraint": (
        "integrity error, duplicate key, unique constraint, foreign key, null value, violates, constraint, "
        "duplicate entry, not null, unique violation, already exists, integrity constraint"
    ),
    "null": (
        "nil pointer, null pointer, none type, of undefined, of null, null reference, undefined method, nil "
        "nil, invalid memory address, null pointer exception, attribute error, no attribute"
    ),
    "crash": (
        "segmentation fault, sigsegv, core dumped, segfault, sigabrt, assertion, aborted, signal 11, illegal "
        "instruction, stack overflow, fatal signal, unhandled exception, uncaught exception, goroutine, "
        "recursion, stack size"
    ),
    # How it starts and stops.
    "port": (
        "eaddrinuse, address already in, already in use, port is already, address in use, bind, already "
        "allocated, bind failed, listen, in use"
    ),
    "cannot start": (
        "exec format, executable file not, bad interpreter, entrypoint, no such file, enoent, not executable, "
        "cannot execute, failed to boot, worker failed, bootstrap check, failed to start, startup failed, "
        "exec failed, command not found, oci runtime, crash loop, back off, start failed, lifecycle script, "
        "interpreter, 127, 126"
    ),
    "image": (
        "manifest unknown, pull image, pull access, image pull, failed to pull, registry, manifest, err "
        "image, image not found, no such image, digest"
    ),
    "kernel": (
        "vm max, max map, sysctl, virtual memory areas, kernel, bootstrap checks, map count, seccomp, cgroup, "
        "hugepages, transparent huge, memlock, shmmax, shared memory"
    ),
    "health check": (
        "health check, healthcheck, unhealthy, readiness, liveness, no healthy, probe failed, panic mode, not "
        "ready, health checks"
    ),
    "upstream": (
        "bad gateway, service unavailable, upstream, no live upstreams, circuit breaker, circuit, 502, 503, "
        "downstream, upstream connect, healthy upstream, fallback, backend, unavailable, no healthy, hosts "
        "healthy, breaker"
    ),
    "replication": (
        "replication, replica, replicas, standby, read only transaction, readonly, not master, not primary, "
        "no primary, leader election, not leader, no leader, quorum, split brain, raft, election, primary, "
        "failover, isr, not enough replicas, read only, under replicated, slave, wal, replication slot, "
        "demoted, stale primary"
    ),
    "loop": (
        "infinite loop, retrying, restarting, too many redirects, redirect loop, recursion depth, maximum "
        "recursion, loop detected, again"
    ),
    "cache": "cache, stale, cache miss, stampede, evict, eviction, invalidated, flush, miss ratio",
    "release": "deploy, deployed, deployment, rollback, rolled back, canary, release, rollout, new version",
    "schedule": "cron, scheduled, schedule, batch, backup, backups, nightly, job failed, overlap, still running",
    "webhook": "webhook, callback, signature verification, payload",
    "payload": (
        "too large, 413, entity too, body limit, payload too, message too, max message, request size, record too"
    ),
    "cors": "cors, origin, csrf, cross origin, cookie, referer",
    "session": "session, sticky, stickiness, logged out, session store",
    "leak": "leak, leaked, leaking, growing, grows, not released, never closed",
    # What it needs.
    "redis": "redis, ioredis, jedis, lettuce, redis sentinel, valkey, 6379, wrongpass, noauth",
    "postgres": "postgres, postgresql, psycopg, psycopg2, pgbouncer, pg, pq, npgsql, pgx, 5432, sqlstate",
    "mysql": "mysql, mariadb, innodb, mysql2, pymysql, 3306, mysqld, jdbc mysql, galera",
    "mongo": "mongo, mongodb, mongoose, pymongo, mongod, mongo server, 27017, wired tiger",
    "kafka": "kafka, broker, brokers, consumer group, librdkafka, zookeeper, 9092, partition, topic, consumer",
    "rabbit": "rabbitmq, rabbit, amqp, pika, 5672, channel closed, amqps",
    "elasticsearch": (
        "elasticsearch, opensearch, 9200, cluster block, lucene, shard, shards, index, indices, kibana, logstash"
    ),
    "object store": (
        "s3, botocore, boto, bucket, minio, put object, get object, object store, blob, gcs, object storage"
    ),
    "sqlite": "sqlite, sqlite3, wal mode",
    "mail": "smtp, mail, 550, relay, mailbox, sendmail, starttls",
    "directory": "ldap, active directory, kerberos, oidc, sso, saml, keycloak, oauth",
    "proxy": "nginx, envoy, haproxy, traefik, ingress, istio, gateway, load balancer, caddy",
    "discovery": "consul, etcd, eureka, service discovery, 2379",
    "memcached": "memcached, memcache, 11211, pylibmc",
    "files on network": (
        "nfs, stale file handle, mount, efs, cifs, stale handle, volume, unmounted, input output error"
    ),
}


def _table() -> dict[str, list[tuple[tuple[str, ...], str]]]:
    table: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for concept, phrases in PHRASES.items():
        for phrase in phrases.split(","):
            first, *rest = phrase.split()
            table.setdefault(first, []).append((tuple(rest), concept))
    return table


_TABLE = _table()


def concepts(words: Sequence[str]) -> set[str]:
    """Return the concepts that a line's words name; ``words`` in their order, lower case."""
    return {
        concept
        for place, word in enumerate(words)
        for rest, concept in _TABLE.get(word, ())
        if not rest or tuple(words[place + 1 : place + 1 + len(rest)]) == rest
    }
