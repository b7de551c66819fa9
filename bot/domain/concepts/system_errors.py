"""Refusals by the system: an errno in any program's words.

A reading has what was tried, and on what.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.domain.concepts.names import first_address, first_path, first_port, is_config_path
from bot.domain.concepts.reading import Reading
from bot.domain.diagnosis import FailureClass as Class

_ERRNOS: tuple[tuple[str, str], ...] = (
    (
        "ENOSPC",
        r"no space left on device|\benospc\b|errno 28\b|os error 28\b|errcode: 28\b|disk quota exceeded|\bedquot\b"
        r"|errno 122\b",
    ),
    (
        "EADDRINUSE",
        r"address (?:is )?already in use|\beaddrinuse\b|errno 98\b|os error 98\b|address in use"
        r"|only one usage of each socket"
        r"|port is already allocated",
    ),
    ("EADDRNOTAVAIL", r"(?:cannot|can't) assign requested address|\beaddrnotavail\b|errno 99\b|os error 99\b"),
    ("EMFILE", r"too many open files|\bemfile\b|\benfile\b|errno 24\b|os error 24\b"),
    ("ENOMEM", r"(?:cannot|can't) allocate memory|\benomem\b|errno 12\b|os error 12\b|not enough space' \(errno=12"),
    ("EROFS", r"read.only file ?system|\berofs\b|errno 30\b|os error 30\b"),
    ("EISDIR", r"is a directory|\beisdir\b|errno 21\b|os error 21\b"),
    ("ENOTDIR", r"not a directory|\benotdir\b|errno 20\b|os error 20\b"),
    ("EBUSY", r"(?:device or resource|resource) busy|\bebusy\b|errno 16\b|os error 16\b"),
    ("EIO", r"input/output error|\beio\b|errno 5\b|os error 5\b"),
    ("ENOEXEC", r"exec format error|\benoexec\b|errno 8\b|cannot execute binary file"),
    (
        "ECONNREFUSED",
        r"connection (?:was )?refused|\beconnrefused\b|errno 111\b|os error 111\b|\(111: |actively refused",
    ),
    ("ECONNRESET", r"connection reset|\beconnreset\b|errno 104\b|os error 104\b|\(104: "),
    ("EHOSTUNREACH", r"no route to host|\behostunreach\b|errno 113\b|os error 113\b|host is unreachable"),
    ("ENETUNREACH", r"network is unreachable|\benetunreach\b|errno 101\b|os error 101\b"),
    ("ETIMEDOUT", r"connection timed out|\betimedout\b|errno 110\b|os error 110\b|operation timed out"),
    (
        "EAFNOSUPPORT",
        r"address family (?:is )?not supported|\beafnosupport\b|errno 97\b|os error 97\b"
        r"|(?:no|not support|speaks no|without|lacks) ipv6\b|ipv6 (?:is )?(?:not (?:supported|available)|disabled)",
    ),
    ("ENOSYS", r"function not implemented|\benosys\b|errno 38\b|bad system call"),
    (
        "EACCES",
        r"permission denied(?! \(publickey)(?! (?:for|to|on) (?:\w+ )?(?:table|relation|schema|database|sequence"
        r"|view|topic|queue|bucket|index|collection)\b)|\beacces\b|errno 13\b|os error 13\b"
        r"|access (?:to the path .{1,120} )?is denied"
        r"|access denied \(\d|unable to (?:open|read|write) .{0,80}: permission|not (?:readable|writable) by",
    ),
    ("EPERM", r"operation not permitted|\beperm\b|errno 1\b|os error 1\b"),
    (
        "ENOENT",
        r"no such file or directory|\benoent\b|errno 2\b|os error 2\b|could not find (?:a part of the path|file)"
        r"|filenotfoundexception"
        r"|nosuchfileexception|(?:file|path|directory) (?:\S+ )?(?:does not exist|not found|was not found)"
        r"|cannot find the (?:file|path) specified",
    ),
)
_PATTERNS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _ERRNOS)

_LOW_PORT = re.compile(r"(?i)\b(?:bind|listen)")
_SHARED_LIBRARY = re.compile(r"(?i)\.so\b|shared object|shared librar|\.dll\b")
_EXECUTES = re.compile(r"(?i)\b(?:exec\w*|spawn\w*|entrypoint|start(?:ing)? container process|command)\b")
_NOT_A_FILE = re.compile(
    r"(?i)\b(?:thread|clone|fork|clock|time|numa|mbind|sched\w*|setrlimit|prctl|mount|unshare|namespace|seccomp"
    r"|ptrace|perf"
    r"|bpf|io_uring|userfaultfd|mlock\w*|madvise|hugepage\w*|nice|priority|raw socket|iptables|netlink|sysctl"
    r"|tune_\w+|set\w*uid|set\w*gid)\b"
)
_SOCKET = re.compile(r"(?i)unix:|\.sock\b")


@dataclass(frozen=True, slots=True)
class _Row:
    """What an error shows. The second headline and cause are used if the path, address or port is known."""

    trouble: Class
    headline: str
    cause: str
    remedy: str
    restart_helps: bool | None
    weight: float
    named_headline: str = ""
    named_cause: str = ""


_ROWS = {
    "ENOSPC": _Row(
        Class.DISK_FULL, "no space left on the disk", "There is no space left on the disk.",
        "Free space or extend the disk; a restart frees nothing.", False, 0.9,
        named_cause="There is no space left on the disk that holds {path}.",
    ),
    "inotify": _Row(
        Class.RESOURCE_EXHAUSTION, "no file watchers left", "The host's limit of file watchers is reached.",
        "Raise fs.inotify.max_user_watches on the host.", False, 0.85,
    ),
    "EADDRINUSE": _Row(
        Class.PORT_CONFLICT, "port already in use", "Another process holds the port that the program wants.",
        "Find and stop what holds the port, or change the port.", False, 0.9,
        "port {port} already in use", "Another process holds port {port} already.",
    ),
    "foreign address": _Row(
        Class.CONFIG_ERROR, "address is not on this host",
        "The program cannot listen on its address: no interface of the container has it.",
        "Correct the listen address, for example to 0.0.0.0.", False, 0.85,
        named_cause="The program cannot listen on {address}: no interface of the container has that address.",
    ),
    "EADDRNOTAVAIL": _Row(
        Class.RESOURCE_EXHAUSTION, "no local ports left", "All local ports for outgoing connections are in use.",
        "Reuse connections; find what opens so many.", True, 0.7,
    ),
    "EMFILE": _Row(
        Class.RESOURCE_EXHAUSTION, "too many open files", "The process has no file descriptors left.",
        "Raise the limit of open files, or find what does not close its files and sockets.", True, 0.88,
    ),
    "memory maps": _Row(
        Class.RESOURCE_EXHAUSTION, "no memory maps left", "The host's limit of memory maps is reached.",
        "Raise vm.max_map_count on the host.", None, 0.7,
    ),
    "ENOMEM": _Row(
        Class.OOM, "out of memory", "The system gives the program no more memory.",
        "Raise the memory limit, or find what grows.", True, 0.8,
    ),
    "EROFS": _Row(
        Class.PERMISSION, "file system is read-only", "The program cannot write: the file system is read-only.",
        "Mount a writable volume there, or remove the read-only option.", False, 0.85,
        named_cause="The program cannot write to {path}: the file system is read-only.",
    ),
    "EISDIR": _Row(
        Class.CONFIG_ERROR, "a directory is mounted instead of a file",
        "A path is a directory, and the program expects a file there.",
        "Create the file on the host and mount it again; Docker makes a directory of a missing source.", False, 0.85,
        named_cause="{path} is a directory, and the program expects a file there.",
    ),
    "ENOTDIR": _Row(
        Class.CONFIG_ERROR, "a file stands where a directory belongs",
        "A path is not a directory, and the program expects one.", "Correct the mount or the path.", False, 0.85,
        named_cause="{path} is not a directory, and the program expects one.",
    ),
    "EBUSY": _Row(
        Class.CONFIG_ERROR, "a mounted file cannot be replaced",
        "The program cannot replace a file that is mounted by itself and therefore busy.",
        "Mount its directory instead of the single file.", False, 0.8,
        named_cause="The program cannot replace {path}: the file is mounted by itself and therefore busy.",
    ),
    "EIO": _Row(
        Class.DATA_ERROR, "the disk cannot be read", "Reading or writing fails with an input/output error.",
        "Check the disk and the volume on the host.", False, 0.85,
        named_cause="Reading or writing {path} fails with an input/output error.",
    ),
    "ENOEXEC": _Row(
        Class.BAD_RELEASE, "program is built for another machine", "The program is not built for this machine.",
        "Use the image for this architecture.", False, 0.9,
        named_cause="The program {path} is not built for this machine.",
    ),
    "ECONNREFUSED": _Row(
        Class.DEPENDENCY_DOWN, "a needed service is unreachable",
        "A service that this one needs refuses connections: nothing listens there.",
        "Look at that service first: the fault is there, not in this container.", False, 0.74,
        "{address} refuses connections", "{address} refuses connections: nothing listens there.",
    ),
    "ECONNRESET": _Row(
        Class.NETWORK, "connections are cut", "The other side cut the connection.",
        "Look at the network path and at the other side's log.", False, 0.5,
        named_cause="The other side, {address}, cut the connection.",
    ),
    "EHOSTUNREACH": _Row(
        Class.NETWORK, "no route to the host", "The network has no way to the host.",
        "Check routes, firewall and the container's networks.", False, 0.82,
        "no route to {address}", "The network has no way to {address}.",
    ),
    "ETIMEDOUT": _Row(
        Class.TIMEOUT, "no answer in time", "What the program waits for does not answer in time.",
        "Find the slow side: its log, its load, its network.", None, 0.62,
        "no answer from {address}", "{address} does not answer in time.",
    ),
    "EAFNOSUPPORT": _Row(
        Class.CONFIG_ERROR, "the host has no IPv6", "The program wants an IPv6 address, and this host has no IPv6.",
        "Let it listen on 0.0.0.0, or enable IPv6.", False, 0.85,
    ),
    "ENOSYS": _Row(
        Class.BAD_RELEASE, "the host does not know a system call",
        "The program uses a system call that this kernel or the sandbox does not allow.",
        "Update kernel and engine, or use the image before.", False, 0.75,
    ),
    "low port": _Row(
        Class.PERMISSION, "port may not be opened", "The program may not open its port.",
        "Use a port above 1023, or grant NET_BIND_SERVICE.", False, 0.88,
        named_cause="The program may not open {address}.",
    ),
    "EACCES": _Row(
        Class.PERMISSION, "access denied", "The system denies the program access to something that it needs.",
        "Correct owner and mode on the host, or the user that the container runs as.", False, 0.84,
        "no access to {path}", "The program has no access to {path}.",
    ),
    "EPERM": _Row(
        Class.CONFIG_ERROR, "a system call is not permitted",
        "The sandbox of the container forbids a system call that the program makes.",
        "Update the engine, or grant the capability or seccomp profile that the program's manual names.", False, 0.62,
    ),
    "library": _Row(
        Class.BAD_RELEASE, "a library is missing", "The image lacks a library that the program loads.",
        "Roll back, or rebuild the image with the library.", False, 0.88,
        named_cause="The image lacks a library that the program loads: {path}.",
    ),
    "socket": _Row(
        Class.DEPENDENCY_DOWN, "a local socket is missing", "Nothing listens on a local socket.",
        "Start the service that makes the socket, or correct the mount.", False, 0.75,
        named_cause="Nothing listens on the socket {path}.",
    ),
    "program": _Row(
        Class.BAD_RELEASE, "the start command is missing", "The image does not hold the program to start.",
        "Correct the command or the image, or roll back.", False, 0.82,
        named_cause="The image does not hold the program {path}.",
    ),
    "missing file": _Row(
        Class.CONFIG_ERROR, "a file is missing", "A file that the program needs is not there.",
        "Put the file in place, or correct the mount or the path in the settings.", False, 0.55,
    ),
    "ENOENT": _Row(
        Class.CONFIG_ERROR, "a file is missing", "A file that the program needs is not there.",
        "Put the file in place, or correct the mount or the path in the settings.", False, 0.72,
        "{path} is missing", "The program needs {path}, and it is not there.",
    ),
}  # fmt: skip

_LISTENS = re.compile(r"(?i)\b(?:bind|listen|serve)")
_SHARED_LIBRARY = re.compile(r"(?i)\.so\b|shared object|shared librar|\.dll\b")
_EXECUTES = re.compile(r"(?i)\b(?:exec\w*|spawn\w*|entrypoint|start(?:ing)? container process|command)\b")
_NOT_A_FILE = re.compile(
    r"(?i)\b(?:thread|clone|fork|clock|time|numa|mbind|sched\w*|setrlimit|prctl|mount|unshare|namespace|seccomp|ptrace"
    r"|perf|bpf|io_uring|userfaultfd|mlock\w*|madvise|hugepage\w*|nice|priority|raw socket|iptables|netlink|sysctl"
    r"|tune_\w+|set\w*uid|set\w*gid)\b"
)
_SOCKET = re.compile(r"(?i)unix:|\.sock\b")
_WATCHES = re.compile(r"(?i)inotify|watch")
_MAPS = re.compile(r"(?i)mmap|map (?:failed|file)|memory map|segment")
_MAX_HEADLINE_CHARS = 60


def read_system_error(text: str) -> Reading | None:
    """Return what a system error in ``text`` shows, or ``None``."""
    for errno, pattern in _PATTERNS:
        if found := pattern.search(text):
            path = _path(text, found.start())
            key = _key("EHOSTUNREACH" if errno == "ENETUNREACH" else errno, text, path, found.start())
            return _reading(key, {"path": path, "address": first_address(text), "port": first_port(text)})
    return None


def _key(errno: str, text: str, path: str, at: int) -> str:
    """Return the row of an error: some mean different things for a file, a port, a library or the sandbox."""
    if errno == "EPERM" and path and not _NOT_A_FILE.search(text):
        errno = "EACCES"
    tests = {
        "ENOSPC": ((_WATCHES.search(text), "inotify"),),
        "EADDRNOTAVAIL": ((_LISTENS.search(text), "foreign address"),),
        "ENOMEM": ((_MAPS.search(text), "memory maps"),),
        "EACCES": ((_LISTENS.search(text) and not path, "low port"),),
        "ENOENT": (
            (_SHARED_LIBRARY.search(text), "library"),
            (_SOCKET.search(text), "socket"),
            (_EXECUTES.search(text[:at]) and not is_config_path(path), "program"),
            (not path, "missing file"),
        ),
    }
    return next((key for test, key in tests.get(errno, ()) if test), errno)


def _reading(key: str, names: dict[str, str]) -> Reading:
    row = _ROWS[key]
    kind = next((kind for kind in names if f"{{{kind}}}" in row.named_cause), "")
    name = names.get(kind, "")
    headline, cause = (row.named_headline or row.headline, row.named_cause) if name else (row.headline, row.cause)
    return Reading(
        concept=key,
        trouble=row.trouble,
        headline=headline.format_map(names)[:_MAX_HEADLINE_CHARS],
        cause=cause.format_map(names),
        remedy=row.remedy,
        restart_helps=row.restart_helps,
        weight=row.weight,
        names=(name,) if name else (),
    )


def _path(text: str, at: int) -> str:
    """Return the path closest to the error: after it as Python and Node write it, or before it as C and Go do."""
    return first_path(text[at:]) or first_path(text[:at]) or first_path(text)
