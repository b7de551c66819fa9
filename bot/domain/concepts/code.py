"""Faults of the program: its release, its database schema, its bugs."""

from __future__ import annotations

import re

from bot.domain.concepts.names import first_path, quoted
from bot.domain.concepts.reading import Reading
from bot.domain.diagnosis import FailureClass

_MISSING_PART = re.compile(
    r"(?i)\bno module named ['\"]?([\w.]+)|\bcannot find (?:module|package) ['\"]?([\w@./-]+)|\bmodulenotfound\w*"
    r"|\bimporterror\b|\bcannot import name ['\"]?(\w+)|\bclassnotfound\w*(?:: ([\w.$/]+))?"
    r"|\bnoclassdeffound\w*(?:: ([\w.$/]+))?"
    r"|\bnosuchmethod\w*|\babstractmethoderror|\bunsupportedclassversion\w*"
    r"|\bcannot load such file(?: -- ([\w./-]+))?|\bcould not (?:find|load) (?:file or assembly|main class"
    r"|class|gem)|\bundefined symbol|\bsymbol not found"
    r"|\bglibc(?:xx)?_[\d.]+|\bversion `\w+_[\d.]+' not found|\bcommand not found|\bnot found in \$?path"
    r"|\bexecutable file not found|\bcall to undefined (?:function|method) ([\w:\\]+)"
    r"|\bclass ['\"]?([\w\\]+)['\"]? not found|\bunable to access jarfile"
    r"|\b(?:can(?:no|')?t|cannot|could not|unable to) resolve (?:all )?dependenc|\bunsatisfied dependenc\w+"
    r"|\bno (?:provider|qualifying bean|implementation) (?:for|of|found)|\berr_(?:module_not_found|require_esm)"
    r"|\bgemnotfound|\bdoes not provide an export|\bmissing ?method\w*|\btypeloadexception"
    r"|\bplugin\b.{0,60}\b(?:not found|missing|could not be loaded)"
)
_MISSING_TABLE = re.compile(
    r"(?i)\b(?:column|relation|table|view|type|collection|index|keyspace|measurement"
    r"|function)\b ?[\"'`]?([\w.\"]{1,80})?[\"'`]? (?:of relation \S+ )?(?:does(?:n't| not) exist|not found"
    r"|is missing|unknown)|\bno such (?:column|table|index)(?:: ?([\w.]+))?|\bunknown column ['\"`]?([\w.]+)"
    r"|\binvalid (?:column|object) name ['\"`]?([\w.]+)|\bundefined(?:column|table)|\b(?:pending|unapplied|missing"
    r"|failed) migrations?\b|\bmigrations?\b.{0,60}\b(?:pending|needed|required|not (?:been )?(?:run|applied)"
    r"|fail\w*|missing)|\bschema\b.{0,40}\b(?:out of date|not up.to.date|mismatch|outdated)|\bdirty database"
)
_BUG = re.compile(
    r"(?i)\bnullpointer\w*|\bnil pointer|\bnull reference|\bnullreference\w*|\b(?:type|attribute|name|reference"
    r"|index|key|assertion|recursion|unboundlocal|zerodivision|range)error\b|\bnomethoderror"
    r"|\bis not (?:a function|defined|callable|iterable|subscriptable)|\bcannot read propert\w+"
    r"|\bundefined method|\bsyntaxerror\b"
    r"|\bpanicked at|\bindex out of (?:range|bounds)|\bindexoutofbounds|\bstackoverflow\w*|\bmaximum call stack"
    r"|\billegalstate\w*|\bdivision by zero|\bdivide by zero|\bconcurrent map|\bpanic: |\bclasscastexception"
    r"|\bunsupportedoperation\w*|\bassert(?:ion)?\b.{0,40}\bfailed|\binvalid memory address"
    r"|\bunhandled (?:exception|rejection)|\buncaught (?:exception|error|typeerror|referenceerror)"
    r"|\bfatal error: uncaught"
)
_UNCAUGHT = re.compile(
    r"^(?:[a-z_]\w*\.){0,8}[A-Z]\w{1,60}(?:Error|Exception|Fault|Panic)\b:?(?= |$)|\bthread '[^']{1,60}' panicked"
    r"|^panic: |\buncaught \w+|\bunhandled \w+"
)
_CRASH = re.compile(
    r"(?i)\bsegmentation fault|\bsegfault|\bsig(?:segv|abrt|bus|ill|fpe|sys)\b|\bsignal (?:11|6|7|4|8|31)\b"
    r"|\bcore dumped|\bdouble free|\bstack smashing|\bheap corrupt|\bcorrupted (?:size|top|unsorted|double)"
    r"|\billegal instruction|\bbus error|\bbad system call|\baborted\b(?=\s*(?:\(core|$))"
)
_HOST = re.compile(
    r"(?i)\bcgroups?\b|\bhost ?info\b|\bkernel \d|\bcpuset|\b/proc/|\b/sys/fs|\bprocfs|\bsysfs|\bdocker (?:api"
    r"|engine|daemon)|\bkernels? \d|resource groups"
)
_LOCK = re.compile(
    r"(?i)\bdeadlock\b|\block wait time|\bcould not (?:obtain|acquire|get) (?:the |a |an )?(?:\w+ )?lock"
    r"|\b(?:database|file|table|repository|directory|index|state) (?:\w+ )?is (?:already )?locked"
    r"|\block ?(?:file)?\b.{0,60}\b(?:exists|held|in use|already|taken|timeout)|\banother (?:process|instance"
    r"|copy)\b.{0,50}\b(?:lock|running|holds|using|is using)"
    r"|\bfailed to (?:obtain|acquire|get) (?:the |a |an )?(?:\w+ ){0,2}lock"
    r"|\bwaiting for (?:the )?(?:\w+ ){0,2}lock\b|\balready (?:locked|running|in use by)|\bno live threads"
    r"|\ball goroutines are asleep"
)
_SIGNALS = {
    "SIGILL": "an illegal instruction: this CPU lacks something that the build needs",
    "SIGBUS": "a bus error: memory or a mapped file is gone",
    "SIGSYS": "a system call that the sandbox forbids",
    "SIGSEGV": "a memory fault",
    "SIGABRT": "an abort of its own",
    "SIGFPE": "an arithmetic fault",
}


def read_code_fault(text: str) -> Reading | None:
    """Return what the release or the program's code lacks or gets wrong, or ``None``."""
    if found := _MISSING_PART.search(text):
        what = next(filter(None, found.groups()), "") or next(iter(quoted(text)), "") or first_path(text)
        return _reading(
            "missing-part",
            FailureClass.BAD_RELEASE,
            f"{what} is missing" if what else "the release lacks a part",
            f"The release lacks {what}, which it loads." if what else "The release lacks something that it loads.",
            "Roll back, or rebuild the image with what is missing.",
            False,
            0.84,
            what,
        )
    if found := _MISSING_TABLE.search(text):
        what = next(filter(None, found.groups()), "").strip("\"'`")
        return _reading(
            "missing-table",
            FailureClass.BAD_RELEASE,
            "database schema does not fit the release",
            f"The code expects {what} in the database, and it is not there."
            if what
            else "The database schema does not fit this release.",
            "Run the migration that belongs to this release, or roll back.",
            False,
            0.8,
            what,
        )
    if _CRASH.search(text):
        signal = next(
            (
                meaning
                for name, meaning in _SIGNALS.items()
                if name in text.upper() or meaning.split(":")[0].removeprefix("an ").removeprefix("a ") in text.lower()
            ),
            "a fault of its own",
        )
        return _reading(
            "crash",
            FailureClass.CRASHLOOP,
            "the program crashes",
            f"The program was ended by {signal}.",
            "Hand the crash report to its authors; roll back if it began with a release.",
            None,
            0.66,
        )
    if _LOCK.search(text):
        path = first_path(text)
        return _reading(
            "lock",
            FailureClass.DEADLOCK,
            "a lock is held",
            f"Something else holds the lock{f' {path}' if path else ''}.",
            "Find who holds the lock; if nobody runs, remove what it left behind.",
            None,
            0.68,
            path,
        )
    if _BUG.search(text):
        host = _HOST.search(text)
        return _reading(
            "bug",
            FailureClass.BAD_RELEASE,
            "does not fit the host" if host else "the code fails",
            "The program's code fails while it looks at the host: kernel, cgroups or engine may be newer than it knows."
            if host
            else "The program's own code fails.",
            "Look at what changed on the host, and update the image."
            if host
            else "Roll back the release, and hand the stack trace to its authors.",
            False,
            0.54,
        )
    if _UNCAUGHT.search(text):
        return _reading(
            "uncaught",
            FailureClass.BAD_RELEASE,
            "the code fails",
            "The program ends with an error that it does not handle.",
            "Read the quoted error; roll back if it began with a release.",
            None,
            0.42,
        )
    return None


def _reading(
    concept: str,
    trouble: FailureClass,
    headline: str,
    cause: str,
    remedy: str,
    helps: bool | None,
    weight: float,
    *names: str,
) -> Reading:
    return Reading(
        concept=concept,
        trouble=trouble,
        headline=headline[:60],
        cause=cause,
        remedy=remedy,
        restart_helps=helps,
        weight=weight,
        names=tuple(filter(None, names)),
    )
