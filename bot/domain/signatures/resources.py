"""Signatures of exhausted memory, disk, ports, locks, threads and connections."""

from __future__ import annotations

from bot.domain.diagnosis import FailureClass
from bot.domain.signatures.signature import Signature

LIMITS: tuple[Signature, ...] = (
    # Memory
    Signature(
        FailureClass.OOM, "out of memory", True, 0.9,
        "The kernel killed a process because memory ran out.",
        "Raise the memory limit, or find what grows.",
        r"out of memory: kill|oom[-_ ]?kill|cgroup out of memory|oom_reaper|invoked oom-killer|killed process \d+ \("
        r"|killed.{0,40}memory limit|memory limit .{0,30}(?:reached|hit)",
    ),
    Signature(
        FailureClass.OOM, "out of memory", True, 0.88,
        "The program used up the memory it may have.",
        "Raise the heap or memory limit, or find what grows.",
        r"outofmemory(?:error|exception)\b(?!.*native thread)|heap out of memory|reached heap limit"
        r"|(?:runtime|fatal error): out of memory|\bmemoryerror\b|bad_alloc|cannot allocate memory|\benomem\b"
        r"|allowed memory size of|nomemoryerror|memory allocation of \d+ bytes|gc overhead limit|eheap_alloc"
        r"|cannot allocate \d+ bytes|failed to allocate (?:memory|\d+ bytes)|insufficient memory"
        r"|not enough memory|memory_limit_exceeded"
        r"|(?<!possibly )(?<!perhaps )out of memory\b"
        r"|unable to allocate [\d.]+ [kmg]i?b|commit_memory.{0,80}failed|virtualalloc .{0,40}failed"
        r"|memory limit .{0,20}exceeded|cannot allocate (?:vector|memory|buffer|block)",
    ),
    Signature(
        FailureClass.OOM, "out of memory", True, 0.68,
        "A process was killed with SIGKILL; that is how it ends when memory runs out.",
        "Look at how much memory it uses; raise the limit, or find what grows.",
        r"sigkill!? perhaps out of memory|exited prematurely: signal 9|(?:^|\s)killed\s*$|killed: 9\b"
        r"|exit(?:ed with)? (?:code|status) 137|exit signal killed|signal: killed|terminated by signal 9"
        r"|(?:with|by|on|signal) '?(?:signal )?(?:9 \(?)?sigkill|process pool was terminated",
    ),
    # Limits of a service, a process or a pool
    Signature(
        FailureClass.RESOURCE_EXHAUSTION, "memory limit of the service reached", False, 0.9,
        "The service reached its own memory limit and refuses writes.",
        "Drain or evict what fills it, or raise its limit.",
        r"connection\.blocked|memory resource limit alarm|memory[_ ]high[_ ]watermark"
        r"|publishers will be blocked|oom command not allowed|used memory > 'maxmemory'"
        r"|circuit_?breaking_?exception|data too large, data for|maxmemory (?:limit )?reached"
        r"|over the memory limit",
    ),
    Signature(
        FailureClass.RESOURCE_EXHAUSTION, "connection pool exhausted", True, 0.88,
        "Every connection of the pool is in use and none is being returned.",
        "Find what holds the connections: slow queries, a leak, or a pool that is too small.",
        r"queuepool limit|pool(?:ed connection)?s? (?:is |are )?(?:exhausted|full|empty|depleted)"
        r"|hikaripool.*not available|connection is not available, request timed out"
        r"|timed? ?out (?:fetching|waiting for|acquiring|getting) (?:a |an )?(?:new |idle "
        r"|free )?(?:connection|conn\b)|max(?:imum)? pool size (?:was )?reached|pool timed out|pooltimeout"
        r"|no free connection|could not (?:obtain|get|acquire) (?:a )?(?:database |pooled |jdbc )?connection"
        r"|cannot get a connection|exhausted connection pool|acquireconnectiontimeout|knex: timeout acquiring"
        r"|connectionpooltimeout|waitqueuetimeout|acquiretimeout"
        r"|(?:obtaining|getting|acquiring|waiting for) (?:a |an )?(?:free |idle )?connection (?:from"
        r"|in) the pool|acquisition timeout|pool is at its max|waiting for (?:a |an )?free connection"
        r"|(?<![\d/])(\d+)(?:/| of )\1 (?:\w+ )?(?:connections?|conns?)\b",
    ),
    Signature(
        FailureClass.RESOURCE_EXHAUSTION, "too many connections", None, 0.85,
        "The server has no connection left to give.",
        "Find who holds the connections; raise the server's limit or pool them.",
        r"too many (?:clients|(?:open |client )?connections)|no more connections|max_client_conn"
        r"|remaining connection slots|max_?connections|max number of clients reached"
        r"|connection limit (?:exceeded|reached)|user connections? limit|maxclients|toomanyconnections"
        r"|max_user_connections",
    ),
    Signature(
        FailureClass.RESOURCE_EXHAUSTION, "connections used up", True, 0.88,
        "The program has as many connections open as it may have.",
        "Find who holds them, or raise the limit.",
        r"worker_connections are not enough",
    ),
    Signature(
        FailureClass.RESOURCE_EXHAUSTION, "too many open files", True, 0.9,
        "The process has used up its file descriptors.",
        "Raise the limit, or find what does not close its files and sockets.",
        r"too many open files|\bemfile\b|\benfile\b|file descriptors? (?:exhausted|limit)"
        r"|out of file descriptors|errno 24\b",
    ),
    Signature(
        FailureClass.RESOURCE_EXHAUSTION, "file watchers used up", False, 0.92,
        "The host's limit of file watchers is reached.",
        "Raise fs.inotify.max_user_watches on the host.",
        r"number of file watchers|inotify.*(?:limit|no space)|max_user_(?:watches|instances)",
    ),
    Signature(
        FailureClass.RESOURCE_EXHAUSTION, "no threads left", True, 0.8,
        "No more threads or processes can be made, or all workers are busy.",
        "Find what keeps the workers busy, or raise the limit.",
        r"unable to create (?:new )?native thread|can't start new thread|pthread_create (?:failed|error)"
        r"|fork: (?:retry|resource)|failed to fork|resource temporarily unavailable|rejectedexecution"
        r"|thread ?pool.{0,30}(?:exhausted|full|starv|saturat|queue is full)|max_children|pids? limit"
        r"|no (?:available|idle|free) (?:workers?|threads?)|workers? (?:are )?(?:all )?(?:busy|exhausted)"
        r"|all (?:\d+ )?(?:workers|threads|slots|processes)(?: \(\d+\))? (?:are |in |currently )*(?:busy|use"
        r"|taken|occupied)|max\.poll\.interval\.ms|event loop (?:is )?(?:blocked|stalled)|cpu throttl"
        r"|nr_throttled|newosproc|too many (?:processes|goroutines|threads)|maxrequestworkers"
        r"|rejected.?execution|rejected (?:the )?task|thread exhaustion|exceeds \d+-thread limit"
        r"|listen queue of socket|rejected by pids|pids\.max"
        r"|(?<![\d/])(\d+)(?:/| of )\1 (?:\w+ )?(?:workers?|threads?|slots?|processes)\b",
    ),
    Signature(
        FailureClass.RESOURCE_EXHAUSTION, "shared memory used up", None, 0.85,
        "The container's shared memory is too small for what the program puts there.",
        "Raise shm_size; a restart only empties it.",
        r"insufficient shared memory|shared memory .{0,40}(?:full|exhausted|no space|too small)"
        r"|/dev/shm.{0,60}(?:full|no space|too small)",
    ),
    Signature(
        FailureClass.RESOURCE_EXHAUSTION, "no local ports left", True, 0.8,
        "All local ports for outgoing connections are in use.",
        "Reuse connections; look for what opens so many.",
        r"cannot assign requested address|\beaddrnotavail\b|ephemeral port|port range (?:is )?exhausted",
    ),
    Signature(
        FailureClass.RESOURCE_EXHAUSTION, "queue is full", None, 0.45,
        "Work comes in faster than it is done.",
        "Find the slow consumer, or add capacity.",
        r"local: queue full|(?:queue|buffer|backlog|channel|mailbox) (?:is |was )?(?:full|overflow|exceed)"
        r"|queue (?:length|depth|size) .{0,20}(?:exceed|above|over)|backpressure"
        r"|lag (?:is )?(?:growing|above|exceed)|event loop (?:is )?(?:blocked|lag|delay)"
        r"|(?:gc|garbage collection) (?:pause|took|overhead)|pause full|full gc|stop.the.world"
        r"|heap (?:usage|used)|leak(?:ed|ing)?\b.*(?:detect|suspect|goroutine|connection"
        r"|never (?:closed|released))|resize shared memory",
    ),
    # Disk
    Signature(
        FailureClass.DISK_FULL, "disk full", False, 0.93,
        "There is no space left on the disk.",
        "Free or extend the disk; a restart frees nothing.",
        r"no space left on device|\benospc\b(?!.*watchers)|dis[kc] quota (?:exceeded|reached)|\bedquot\b"
        r"|flood.?stage|disk (?:usage )?(?:exceeded|watermark)|read.only.allow.delete"
        r"|disk (?:is )?(?:almost )?full|is full due to|filegroup is full"
        r"|unable to extend (?:table|index|segment|tablespace)|ora-0165[34]|no free space"
        r"|out of (?:disk )?space|(?:disk|volume|filesystem|partition).{0,30}\b(?:100|9[89]) ?%"
        r"|database or disk is full|could not extend file|not enough (?:free )?(?:disk )?space(?!' \(errno=12)"
        r"|insufficient (?:free )?(?:disk|storage) ?(?:space)?|out of disk"
        r"|disk (?:free )?(?:space )?(?:resource )?limit alarm"
        r"|free (?:disk )?space .{0,40}(?:below|insufficient|too low)|errcode: 28|errno 28|no (?:free )?inodes"
        r"|misconf redis|disk space (?:is )?(?:low|critical|exhausted)|storage (?:is )?full"
        r"|volume (?:is )?full|minimum free (?:drive|disk|storage) threshold|storage ?full\b|free_limit"
        r"|insufficient bytes|less than .{0,60}free (?:disk )?space"
        r"|log segment .{0,40}no space|wal .{0,40}(?:full|retained)|the table '\S+' is full",
    ),
    # Ports
    Signature(
        FailureClass.PORT_CONFLICT, "port already in use", False, 0.94,
        "The port that the program wants is held by something else.",
        "Find and stop what holds the port, or change the port.",
        r"eaddrinuse|address (?:is )?(?:already )?in use|port is already (?:allocated|bound|in use)"
        r"|port \d+ (?:is |was )?already (?:in use|bound|allocated|being used)|only one usage of each socket"
        r"|bind\(\) to .*\(98|errno 98|addr_in_use|listener failed: .*in use"
        r"|another (?:process|server) is (?:already )?(?:listening|using port)|ports are not available"
        r"|server is already running(?!.{0,60}\bpid\b)|port is in use",
    ),
    # Locks
    Signature(
        FailureClass.DEADLOCK, "threads wait for each other", True, 0.92,
        "Threads hold locks that the others wait for, and none goes on.",
        "Take the locks in one order.",
        r"no live threads left|java-level deadlock|all goroutines are asleep|deadlock in (?:thread|process)"
        r"|waiting to lock|(?:thread|worker|task|event loop).{0,60}(?:has been |is )?(?:blocked|stuck"
        r"|hung) for|blockedthreadchecker|stuckthread|lock order inversion|(?:potential|possible) deadlock"
        r"|holds .{1,40} and waits for|self.deadlock"
        r"|wait(?:s|ing) (?:for|on) .{1,60}\b(?:held|owned) by (?:\w+ )?(?:thread|pid|process|worker|task)\b"
        r"|\[(?:sync\.\w+\.r?lock|semacquire), \d+ minutes\]"
        r"|mutex .{0,40}(?:held|poison)|blocked for more than \d+ sec|threads? (?:are )?blocked on",
    ),
    Signature(
        FailureClass.DEADLOCK, "transactions block each other", False, 0.9,
        "Transactions in the database wait for each other's locks.",
        "Take the locks in one order, end the long transaction, retry.",
        r"deadlock (?:detected|found)|deadlock_?detected|\bdeadlock\b|lock wait timeout|lock ?timeout"
        r"|sharelock|waits for .{0,20}lock|could not (?:obtain|acquire) lock|lock request time ?out|ora-000?60"
        r"|serialization failure|could not serialize|idle in transaction|blocked by process|write ?conflict"
        r"|still waiting for \w*lock\b|process(?:es)? holding the lock"
        r"|waits? .{0,40}\block held by|row lock held",
    ),
    Signature(
        FailureClass.DEADLOCK, "database file is locked", False, 0.88,
        "Two writers want the same database file or lock.",
        "Let one process write, or use a database made for several.",
        r"database (?:table )?is locked|sqlite_busy|lock ?file .{0,60}(?:exists|held|in use)"
        r"|another (?:process|instance).{0,40}(?:lock|running|holds)|lock is (?:already )?held"
        r"|waiting for (?:the )?(?:changelog|change log|migration|state|schema|advisory) lock"
        r"|could not acquire (?:change log )?lock|failed to (?:obtain|acquire|get) (?:the |a )?(?:\w+ )?lock\b"
        r"|is another process using it|is holding the lock",
    ),
    # Others' limits
    Signature(
        FailureClass.RATE_LIMIT, "the certificate authority's limit", False, 0.96,
        "More certificates were asked for than the authority allows for a while, so it refuses this one.",
        "Wait until its limit is over, and mend what asks so often; every further attempt counts.",
        r"too many (?:certificates|failed authori[sz]ations|new orders|registrations|currently pending|duplicate cert)"
        r"|acme:error:ratelimited|(?:acme|letsencrypt|let's encrypt|zerossl).{0,120}\b(?:rate.?limit|429\b|too many)"
        r"|\bfailed[- ]validation[- ]limit|\bduplicate[- ]certificate[- ]limit",
    ),
    Signature(
        FailureClass.RATE_LIMIT, "too many attempts", False, 0.61,
        "So much was tried again that further attempts are held back.",
        "Find what failed first: the attempts are its effect.",
        r"retry budget|retry storm|retries/s|load shed",
    ),
    Signature(
        FailureClass.RATE_LIMIT, "too many requests", False, 0.87,
        "There are more requests than are allowed, and some are refused.",
        "Ask less often, with back-off; or raise the quota.",
        r"too many requests(?!/12)|toomanyrequests|rate.?limit|throttl(?:ing|ed)|slow ?down\b"
        r"|(?<!dis[kc] )quota (?:for \S+ \w+ \w+ )?(?:has been |was |is )?(?:exceeded|reached|exhausted)"
        r"|(?:exceeded|over|reached) (?:\S+ ){0,3}(?:quota|request limit|call limit)"
        r"|too many (?:certificates|api calls|login attempts|attempts)"
        r"|(?:sending|request) rate (?:limit )?exceeded|exceeded your (?:current )?quota|over_query_limit"
        r"|rate exceeded|resource_?exhausted|limiting requests|provisionedthroughput"
        r"|requests? per (?:second|minute) .{0,30}exceed|status(?: code)?[ =:]+429"
        r"|(?<![.,:\d])\b429\b\D{0,12}\b(?:for|too|response|from)\b|(?:returned|answered|got|http) 429"
        r"|request rate is (?:too )?large|request ?limit ?exceeded|requests per (?:second|minute|hour|day)",
    ),
)  # fmt: skip
