"""Signatures of faults in the program, its release, settings, permissions or data."""

from __future__ import annotations

from bot.domain.diagnosis import FailureClass
from bot.domain.signatures.signature import Signature

WITHIN: tuple[Signature, ...] = (
    # Rights
    Signature(
        FailureClass.PERMISSION, "port may not be opened", False, 0.94,
        "The program is not permitted to open its port.",
        "Use a port above 1023, or grant the right to open low ones.",
        r"bind\(\) to .{0,60}\(13: |(?:bind|listen)\b.{0,60}: permission denied",
    ),
    Signature(
        FailureClass.PERMISSION, "access denied", False, 0.85,
        "The program is denied access to something that it needs{what}.",
        "Grant the right, or correct owner and mode of the file.",
        r"accessdenied|not authorized to perform(?:: (?P<what>[\w:]+))?|\beacces\b"
        r"|permission denied(?! \(publickey)|operation not permitted|\beperm\b|read.only file ?system"
        r"|\berofs\b|insufficient.?privilege|must be owner|access is denied|unauthorizedaccess"
        r"|accesscontrolexception|(?:not have|lacks?|missing|without"
        r"|insufficient) (?:the )?(?:required )?(?:permission|privilege|right|scope)s?"
        r"|(?:does not|doesn't|do not) have \S+ (?:access|permission|rights?|privileges?)|row-level security"
        r"|not authorized to access|must be run as root|requires? (?:root|superuser|admin\w*) "
        r"|command denied to user|access denied for user .* to database|\bnoperm\b|authorizationexception"
        r"|authorizationfailed|is forbidden|wrong (?:owner|permission)"
        r"|has (?:wrong|invalid|group or world) (?:ownership|permissions|access)|avc: +denied"
        r"|apparmor=.?denied|seccomp|403 forbidden|not (?:readable|writable)|permissions .* are too open"
        r"|must be (?:accessible|readable|owned|writable) (?:only )?by"
        r"|ora-01031|errno 13\b|\w+\.\w+\.\w+ denied|readonly database|(?:: |\b)access denied\b(?: \(|[.,;]|$)"
        r"|is unauthorized for user|code: accessdenied",
    ),
    # Releases
    Signature(
        FailureClass.BAD_RELEASE, "a module is missing", False, 0.92,
        "The release lacks something that it loads at start{what}.",
        "Roll back, or rebuild the image with what is missing.",
        r"no module named '?(?P<what>[\w.@/-]+)|cannot find (?:module|package) '?(?P<what2>[\w.@/-]+)"
        r"|modulenotfound|module_not_found|importerror|cannot import name|classnotfound|noclassdeffound"
        r"|nosuchmethoderror|abstractmethoderror|unsupportedclassversion|cannot load such file"
        r"|could not (?:find|load) (?:file or assembly|main class|class)|error while loading shared libraries"
        r"|cannot open shared object|undefined symbol|symbol (?:lookup error|not found)|glibc(?:xx)?_\d"
        r"|unable to load (?:shared library|dynamic library)|class \S+ not found|failed to resolve import"
        r"|err_module|missing dependency|autoload|in locally installed gems|gemnotfound|nosuchfielderror"
        r"|undefinedfunctionerror|unable to access jarfile|no main manifest attribute|can't open file '/"
        r"|does not provide an export named|err_require_esm|module '?\S+ has no attribute"
        r"|can't locate revision|find or load main class|call to undefined (?:function|method)"
        r"|compiled against a different|missingmethodexception|method not found: |must install or update \.net"
        r"|undefined local variable|verifyerror|nosuchbeandefinition|unsatisfied dependency"
        r"|\bmanifest entry|in (?:the )?(?:vite |mix |asset )?manifest\b"
        r"|could not access file \"\$libdir|unsupportedproduct"
        r"|not present in the asset pipeline|no implementation found|undeclared"
        r"|method \S+ not found in service|link ?error",
    ),
    Signature(
        FailureClass.BAD_RELEASE, "program cannot be started", False, 0.92,
        "The program that the image starts is missing or is not built for this machine{what}.",
        "Roll back to the image before, or correct and rebuild this one.",
        r"exec format error|exec (?P<what>/\S+?):? no such file|executable file not found|bash\\r"
        r"|\\r'?: no such|(?:bad interpreter|not found in \$path)|wrong architecture"
        r"|platform .{0,40}does not match|command not found|illegal instruction"
        r"|(?:sh|bash): (?:\d+: |line \d+: )?[\w./-]+: (?:command )?not found|missing script: "
        r"|stat \S+: no such file",
    ),
    Signature(
        FailureClass.BAD_RELEASE, "image cannot be pulled", False, 0.92,
        "The image that the release names is not in the registry.",
        "Push the image, or correct its tag.",
        r"manifest (?:unknown|for .* not found)|pull access denied|repository does not exist"
        r"|no matching manifest|not found: manifest|reference .* not found",
    ),
    Signature(
        FailureClass.BAD_RELEASE, "image cannot be pulled", False, 0.7,
        "The image of the release cannot be fetched.",
        "Read what the registry answers.",
        r"failed to pull|imagepull|errimagepull",
    ),
    Signature(
        FailureClass.BAD_RELEASE, "database schema does not fit the release", False, 0.92,
        "The code expects a table or column that the database does not have.",
        "Run the migration that belongs to this release, or roll back.",
        r"undefined(?:column|table)|(?:column|relation|table"
        r"""|type) [\"'`]?(?P<what>[\w.\"]+)[\"'`]? (?:of relation \S+ )?does(?:n't| not) exist|unknown column"""
        r"|no such (?:column|table|index):?|invalid (?:column|object) name|base table or view not found"
        r"|(?:pending|unapplied|missing) migrations?|migrations? (?:are |is )?(?:pending|needed|required|not)"
        r"|schema (?:version )?(?:is out of date|mismatch|does not match)"
        r"|migration .{0,40}(?:fail|not (?:run|applied))|ora-00904|ora-00942|unknowncolumn|bad field error"
        r"|dirty database version|checksum mismatch for migration|flyway|relation .{0,40}not found",
    ),
    Signature(
        FailureClass.BAD_RELEASE, "versions do not fit", False, 0.88,
        "The new version cannot work with the data or the partner of the old one.",
        "Pin the version before, or upgrade the data as its manual says.",
        r"incompatible with (?:server|this version)|initialized by \w+ version"
        r"|not compatible with (?:this )?version|unsupported (?:api |protocol |file |data |on-disk |schema "
        r"|config )?version"
        r"|requires? (?:an? |at least )?(?:version|node|python|java|php|go)(?: version)? ?\W{0,5}v?[\d.]+"
        r"|version (?:mismatch|conflict|is too (?:old|new))|created by a newer version"
        r"|upgrade (?:path|is) .{0,40}not|downgrade|(?:api|client) version .{0,30}(?:too|not supported)"
        r"|featurecompatibilityversion|no longer supported|unknown (?:grpc )?method|unimplemented"
        r"|unknown (?:field|enum|message type)|proto(?:col)? (?:version )?mismatch|unsupported magic"
        r"|was removed in|incompatible (?:api|schema|protocol|version)|newer than this build"
        r"|is newer than (?:the|this)|type mismatch$|cannot query field|unknown argument \S+ on field",
    ),
    Signature(
        FailureClass.BAD_RELEASE, "the code fails", False, 0.5,
        "The program's own code fails at the same place.",
        "Roll back the release, and hand the stack trace to its authors.",
        r"nullpointer|nil pointer|null reference|nullreference|typeerror|attributeerror|nameerror"
        r"|nomethoderror|is not (?:a function|defined|callable)|cannot read propert|undefined method"
        r"|unboundlocal|syntaxerror|unhandled (?:exception|rejection|promise)|panicked at|indexerror"
        r"|index out of (?:range|bounds)|arrayindexoutofbounds|stackoverflow|maximum call stack|recursionerror"
        r"|assertionerror|illegalstate|unexpected token|zerodivision|/ by zero|division by zero"
        r"|concurrent map |panic: (?:assignment to|interface conversion|close of|send on)"
        r"|keyerror: '[a-z]|wasm trap|referenceerror",
    ),
    # Configuration
    Signature(
        FailureClass.CONFIG_ERROR, "configuration cannot be read", False, 0.92,
        "The configuration has an error, so the program does not start with it{what}.",
        "Correct the named place and start again.",
        r"(?:error|fail\w*|can(?:no|')t|could not|unable|invalid|fatal"
        r"|bad)\b.{0,40}\bconfig(?:uration)?(?: file)?\b(?![-/]).{0,10}?(?:(?P<what>/\S+\.(?:ya?ml|json|toml"
        r"|conf|ini|env|xml|properties)))?|yaml: |yaml(?:\.\w+)?\.?\w*error|scannererror|did not find expected"
        r"|mapping values are not allowed|toml: |tomldecode"
        r"|(?:invalid|bad|broken|malformed|incorrect|wrong) (?:configuration|config|setting|option)"
        r"|config(?:uration)?(?: file)? (?:error|is invalid|invalid|not found|test failed|syntax)"
        r"|improperlyconfigured|configurationexception|configexception|nginx: \[emerg\]"
        r"|unknown (?:directive|option|flag|command.line|configuration|setting|parameter|argument)"
        r"|unrecognized (?:option|argument|configuration|arguments|parameter|field)|unexpected argument"
        r"|could not resolve placeholder|validation errors? for \w*(?:settings|config)"
        r"|syntax error in .{0,60}(?:conf|line)|fatal config|bad directive|directive is not allowed"
        r"|duplicate (?:listen|upstream|default)|unable to (?:load|parse|read) (?:application )?(?:properties"
        r"|configuration|config)|beancreationexception|failed to configure a|failed to bind properties"
        r"|invalid command '|perhaps misspelled|unknown (?:variable|key|section|keyword|entry)"
        r"|flag provided but not defined|unknown (?:shorthand )?flag|no config(?:uration)? (?:file|section)"
        r"|syntax error on line|(?:open|find|read|load)\b.{0,40}[\w/.-]*(?:config|settings?|conf\.d"
        r"|/etc/)[\w/.-]*\.(?:ya?ml|json|toml|conf|ini|env|xml)\b.{0,20}(?:no such|not found)"
        r"|enoent: no such file or directory, open '[^']*(?:config|settings|\.env|secrets?/)"
        r"|/secrets?/[\w./-]+['\"]?: no such file"
        r"|could not load server certificate file|unable to find (?:the )?(?:template|config)"
        r"|configurationerror|configerror|(?:file|config\w*) \S+ is invalid"
        r"|(?:error|failed) (?:loading|reading|parsing) \S*(?:/etc/|conf|\.ya?ml|\.toml|\.ini)\S*"
        r"|\.(?:xml|conf|ini|ya?ml|toml) parse error|invalidmessage \(credentials"
        r"|invalid (?:maximum|initial|minimum) heap size|unrecognized vm option"
        r"|could not create the java virtual machine|(?:loading|reading) (?:from )?\S+ file \S+ failed"
        r"|not loaded due to errors",
    ),
    Signature(
        FailureClass.CONFIG_ERROR, "certificate or key cannot be used", False, 0.92,
        "The certificate and the key that the configuration names do not fit, or are none.",
        "Put the certificate and the key that belong together in place.",
        r"key values mismatch|private key does not match|(?:key|certificate) and (?:private )?(?:certificate|key)"
        r" (?:do not match|mismatch)|no start line|failed to find any pem|bad decrypt|not a pem\b"
        r"|cannot load (?:ssl |tls )?certificate"
        r"|(?:load|read|pars)\w* (?:the )?(?:ssl |tls )?(?:certificate|private key).{0,60}\b(?:fail|no such|invalid)",
    ),
    Signature(
        FailureClass.CONFIG_ERROR, "a setting is missing", False, 0.9,
        "A required setting is missing{what}.",
        "Set it and create the container anew.",
        r"(?:environment variables?|env(?:ironment)?(?: var)?|settings?|config(?:uration)? key|property|secret"
        r"""|parameter) ['\"`]?(?P<what>\$?\w[\w.-]*)['\"`]? ?(?:is |was """
        r"|are )?(?:not (?:set|defined|found|specified|provided)|missing|undefined|unset|required|empty)"
        r"|missing (?:required |mandatory )?(?:env|config|setting|variable|parameter|option|secret|property"
        r"""|key)\w*|(?P<what2>[A-Z][A-Z0-9]*_[A-Z0-9_]+)['\"`]? ?(?:is |must be |was )?(?:not set|required"""
        r"|unset|missing|set\b|undefined|empty)|keyerror: '[A-Z][A-Z_]+'"
        r"|required (?:setting|option|property|variable|environment|key|parameter)"
        r"|must be (?:set|specified|provided|configured)|is not configured"
        r"|no (?:\S+ )?(?:setting|option|value|variable) (?:was |is )?(?:provided|given|set)"
        r"|no (?:\w+ )?(?:provided|configured|specified)(?: in (?:the )?(?:env|config))|you need to specify"
        r"|superuser password is not specified|no default value|\$\w+ is not set"
        r"|invalid environment variables?|attribute is not specified|property has not been initiali[sz]ed"
        r"|no jaas|you must set \w+|environment variables? (?:are )?(?:invalid|missing)"
        r"|no [a-z][a-z0-9]*_[a-z0-9_]+ (?:provided|found|given|configured|set)"
        r"|must be (?:at least )?\d+ [\w -]{0,30}(?:char|byte)|notpresent"
        r"|(?:field|key|property) \S+ is (?:required|missing)"
        r"|set the environment variable|provide config",
    ),
    Signature(
        FailureClass.CONFIG_ERROR, "licence not valid", False, 0.9,
        "The program's licence is missing, used up or no longer valid.",
        "Install a valid licence and start again.",
        r"licen[cs]e\b.{0,60}\b(?:expired|invalid|not valid|not found|missing|exceeded|no longer valid)"
        r"|(?:invalid|expired|missing|no valid) licen[cs]e",
    ),
    Signature(
        FailureClass.CONFIG_ERROR, "a file of the last run is in the way", False, 0.85,
        "A PID file of the run before is still there, so the program takes itself for running.",
        "Have the start command remove the file first; a restart keeps it.",
        r"already running\b.{0,60}\bpid\b|stale pid ?file|pid ?file .{0,60}(?:already )?exists",
    ),
    Signature(
        FailureClass.CONFIG_ERROR, "a setting of the host is too low", False, 0.93,
        "A limit of the host is below what the program asks for.",
        "Raise it on the host, e.g. with sysctl or ulimit.",
        r"vm\.max_map_count|bootstrap check|max virtual memory areas|max file descriptors \[|somaxconn"
        r"|overcommit_memory|net\.core\.\w+|nofile.{0,30}(?:too low|increase)",
    ),
    Signature(
        FailureClass.CONFIG_ERROR, "the configuration was changed", False, 0.86,
        "The configuration was changed right before the trouble began{what}.",
        "Put the setting back as it was, and load it.",
        r"(?:profile|environment|endpoint|region|tenant|upstream|backend|database|dsn|host) (?:was "
        r"|is )?(?:changed|switched|set|now)(?: from \S+)? (?:to )?(?P<what>[\w.:/-]+)"
        r"|(?:profile|env|environment|mode)=(?:staging|dev\w*|test\w*|qa|sandbox|local\w*)\b"
        r"|(?:changed|switched|lowered|reduced|raised|increased|set|updated|modified) .{0,40}\bfrom \S+ to \S+"
        r"|(?:feature )?(?:flag|toggle) .{0,60}(?:enabled|disabled|turned|set|changed|now|on\b|off\b)",
        change=True,
    ),
    Signature(
        FailureClass.CONFIG_ERROR, "the configuration was changed", False, 0.68,
        "The configuration was loaded anew right before the trouble began.",
        "Compare it with the one before, and put it back.",
        r"config(?:uration)? (?:was |has been )?(?:reloaded|updated|changed|applied)"
        r"|(?:reloaded|applied|new|updated) config(?:uration)?|sighup|reloading config|rollout of|rolled out"
        r"|secret .{0,30}(?:rotated|updated)",
        change=True,
    ),
    Signature(
        FailureClass.CONFIG_ERROR, "a value of the configuration is wrong", False, 0.75,
        "A value in the configuration is not accepted{what}.",
        "Correct the value.",
        r"invalid (?:value|port|url|uri|dsn|connection string|address|cron|duration|number|hostname|endpoint"
        r"|scheme|boolean|log level|argument)|unsupported (?:protocol|scheme|driver|dialect)"
        r"|could not parse (?:url|dsn|duration|int|connection)"
        r'|unknown (?:driver|database|host type|profile|log level)|database \"?\S+\"? does not exist'
        r"|invalid (?P<what>[a-z]\w*_(?:key|url|dsn|timeout|port|host|size|limit|secret|path|dir|mode|level))\b"
        r"|invalid interpolation|missing protocol scheme"
        r"|no such (?:bucket|queue|topic|exchange|service|profile)|nosuchbucket|bucket does not exist"
        r"|precondition_failed|inequivalent arg|unknown_topic|unknown topic|wrong (?:host|port|url|region|bucket)"
        r"|topic .{0,40}not (?:present|found|exist)|queue .{0,40}does not exist|no queue|not_found - no"
        r'|(?:role|user) \"\S+\" does not exist',
    ),
    # Data
    Signature(
        FailureClass.DATA_ERROR, "data is damaged", False, 0.92,
        "Stored data is damaged and cannot be read.",
        "Restore from a backup, or repair as the program's manual says.",
        r"(?<!free or )(?<!heap )corrupt(?!ed (?:size|top|unsorted|double-linked))"
        r"|checksum (?:mismatch|fail|error|does not)|page verification failed|invalid page"
        r"|could not read block|bad (?:crc|magic|checksum|file format|block)|crc (?:mismatch|error)"
        r"|invalid magic|could not locate a valid checkpoint|invalid (?:primary )?checkpoint|wrong magic"
        r"|short read or oom|unexpected end of file reading|database disk image is malformed"
        r"|file is not a database|damaged|torn page|invalid record length|tablespace .{0,40}missing"
        r"|input/output error|i/o error,? dev|bad sector|medium error|lost sync|truncated (?:file|record|wal)"
        r"|unknown magic byte|translog|\b(?:marked as|is) crashed\b.{0,60}\b(?:repair|table)|should be repaired"
        r"|incorrect key file for table|\bneeds? (?:to be )?(?:repair(?:ed)?|reindex(?:ed|ing)?)\b",
    ),
    Signature(
        FailureClass.DATA_ERROR, "a record cannot be processed", False, 0.85,
        "The program fails on data that it cannot read.",
        "Set the bad data aside, and repair what sends it.",
        r"poison (?:message|pill)|deserializ\w*|serializationexception|jsondecodeerror|jsonparse|json\.decoder"
        r"|unicodedecode|codec can\'t (?:de|en)code|invalid (?:byte sequence|utf-?8)"
        r"|malformed (?:input|json|record|message|packet|payload|row|csv)|cannot (?:parse|decode|unmarshal)"
        r"|wrong number of fields|invalid (?:json|date|timestamp|row|record|xml)\b"
        r"|failed to (?:parse|decode|unmarshal|deserialize)|unmarshal\w* .{0,60}|parse (?:error|exception)"
        r"|unexpected (?:character|byte|end of (?:json|input|data))|redeliver\w+ .{0,40}(?:times|limit)"
        r"|could not convert string|invalid input syntax|avro|unparse?able|numberformat|invalid literal for"
        r"|offset ?out ?of ?range|parsererror|tokenizing data|not well-formed|while decompressing"
        r"|messageconversion|failed to convert message|parse error on line"
        r"|is not an? \w+ file\b|magic number|extraneous or missing"
        r"|tag mismatch|mismatched (?:end )?tag|xmlsyntaxerror|saxparse|xml(?:stream)?exception"
        r"|expected \d+ (?:fields|columns)|in json at position|gzip: invalid|schema validation failed",
    ),
    Signature(
        FailureClass.DATA_ERROR, "data breaks a rule of the database", False, 0.82,
        "The data does not fit what the database allows.",
        "Correct the data or the constraint.",
        r"violates (?:unique|foreign|not.null|check|exclusion)|duplicate (?:key|entry)|integrityerror"
        r"|constraint (?:failed|violation)|constraintviolation"
        r"|(?:integer|numeric|value|smallint|bigint|int) (?:field )?(?:out of range|overflow)"
        r"|out of range (?:value|for (?:type|column))|value too long|data (?:too long|truncat)"
        r"|reached maximum value of sequence|nextval|wraparound|overflowerror|arithmetic overflow|e11000"
        r"|would be truncated|duplicate (?:primary|unique)",
    ),
    # The process itself
    Signature(
        FailureClass.CRASHLOOP, "the program crashes", None, 0.7,
        "The program was ended by a fault of its own.",
        "Hand the crash report to its authors; roll back if it began with a release.",
        r"segmentation fault|sigsegv|segfault|core dumped|sigabrt|signal 11\b|signal 6\b|fatal signal"
        r"|received signal sig(?:segv|abrt|bus)|double free|stack smashing|heap corrupt"
        r"|(?:malloc|free|realloc)\(\): |munmap_chunk|corrupted (?:size|top|unsorted|double-linked)"
        r"|buffer overflow detected|general protection fault|unexpected signal|program terminated with signal",
    ),
    Signature(
        FailureClass.CRASHLOOP, "starts and fails again and again", False, 0.6,
        "The program is started again and again and ends each time.",
        "Find why a start fails; another start ends the same way.",
        r"back-?off restarting|restarting too quickly|exited too quickly|entered fatal state"
        r"|start request repeated too quickly|respawning too fast|worker failed to boot|gave up: |restart loop"
        r"|crash ?loop",
    ),
)  # fmt: skip
