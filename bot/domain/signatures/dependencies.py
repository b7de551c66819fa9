"""Signatures of faults in names, networks, certificates and other services."""

from __future__ import annotations

from bot.domain.diagnosis import FailureClass
from bot.domain.signatures.signature import Signature

OTHERS: tuple[Signature, ...] = (
    # Certificates
    Signature(
        FailureClass.TLS_EXPIRED, "certificate expired", False, 0.95,
        "A TLS certificate has expired.",
        "Renew the certificate and load it.",
        r"certificate (?:has |is |was )?(?:already )?expired|cert(?:ificate)?_(?:has_)?expired"
        r"|certificateexpired|has expired or is not yet valid|certificatenotyetvalid"
        r"|expired (?:tls |ssl |server |client |x\.?509 )?certificate|notafter|ssl alert number 45"
        r"|sslv3_alert_certificate_expired|not ?after: |certificate.{0,60}(?:expired|not yet valid)"
        r"|acme: .*(?:error|fail)|(?:renew|issu)\w* (?:of )?(?:the )?certificate.{0,30}fail|nottimevalid"
        r"|cert(?:ificate)?\b.{0,60}\b(?:expired|no longer valid)|invalid peer certificate: expired"
        r"|certificate validity (?:period )?(?:ended|is over)|validity period (?:ended|has ended)",
    ),
    Signature(
        FailureClass.TLS_EXPIRED, "certificate not trusted", False, 0.8,
        "A TLS certificate is not accepted.",
        "Check the certificate's date, its name and its issuer.",
        r"certificate verify failed|certificate_verify_failed|pkix path|unable to get (?:local )?issuer"
        r"|self.signed certificate|unknown (?:certificate )?authority|unable to verify the first certificate"
        r"|x509: |tls: (?:bad|unknown) certificate|ssl(?:handshake)?(?:exception|error).{0,80}cert"
        r"|hostname.{0,40}doesn't match|err_tls_cert",
    ),
    # Names
    Signature(
        FailureClass.DNS, "name cannot be resolved", False, 0.88,
        "A host name does not resolve{what}.",
        "Check the name, the DNS server, and that both containers share a network.",
        r"(?:enotfound|eai_again) (?P<what>[\w.-]+)|getaddrinfo\w*(?:[ :(]\w+)?"
        r"|lookup (?P<what2>[\w.-]+).*(?:no such host|:53|server misbehaving|i/o timeout)|no such host"
        r"|name or service not known|failure in name resolution|name resolution (?:failed|failure|error|timed)"
        r"|could not (?:be )?(?:resolve|translate)d?(?: host)?(?: name)?|nxdomain|servfail|unknownhost"
        r"|host not found in upstream|name does not resolve|nodename nor servname"
        r"|failed to (?:resolve(?!:)|lookup)|(?:un)?resolv(?:able|e|ing) (?:host(?:name)?"
        r"|address).{0,40}(?:fail|error|timed)|dns (?:lookup|resolution|query|server).{0,40}(?:fail|error|time"
        r"|refused)|no address associated|no servers could be reached|no resolver defined"
        r"|unknown \w+ (?:server )?host '|failure resolving|host not found|no resolvable bootstrap",
    ),
    # Network
    Signature(
        FailureClass.NETWORK, "large packets are lost", False, 0.9,
        "Small answers pass and large ones do not: the path's packet size is too small.",
        "Set the network's MTU to the path's.",
        r"\bmtu\b|small (?:responses|packets|requests) (?:succeed|pass|work)|fragmentation needed|emsgsize"
        r"|message too long",
    ),
    Signature(
        FailureClass.NETWORK, "network partition", False, 0.85,
        "Members of the cluster cannot see one another.",
        "Repair the network between the nodes, then let the cluster heal.",
        r"network partition|partition(?:ed)? (?:network|detected)|split.?brain|net_?tick"
        r"|suspect \S+ has failed|no acks? received|peers? .{0,30}(?:unreachable|not reachable)"
        r"|node .{0,40}(?:not reachable|unreachable|lost contact)|lost quorum|quorum (?:lost|not)"
        r"|running_partitioned|master not discovered|no nodes coming from prim|non.?primary|prim not possible"
        r"|nonlive peers|no messages seen in",
    ),
    Signature(
        FailureClass.NETWORK, "no route to the host", False, 0.85,
        "The network has no way to the host{what}.",
        "Check routes, firewall and the container's networks.",
        r"no route to host|ehostunreach|network (?:is )?unreachable|enetunreach|host is unreachable"
        r"|hostunreachable|conntrack.*(?:full|drop)|table full, dropping|packet loss"
        r"|link is (?:down|not ready)|carrier lost|operation timed out.*arp|host unreachable|unreachable host",
    ),
    Signature(
        FailureClass.NETWORK, "connections break off", False, 0.5,
        "Connections are cut while in use.",
        "Look at the network path and at the other side's log.",
        r"connection (?:was )?reset|econnreset|broken pipe|\bepipe\b|socket hang up"
        r"|connection (?:was )?(?:forcibly|unexpectedly) closed|software caused connection abort"
        r"|unexpected eof (?:on|while reading)|packets? (?:were |was )?(?:dropped|lost)|retransmi"
        r"|connection aborted|(?:host|peer|server) closed (?:the )?connection",
    ),
    # Others that are down
    Signature(
        FailureClass.DEPENDENCY_DOWN, "Vault is sealed", False, 0.95,
        "Vault is sealed, so no secret can be read.",
        "Unseal Vault: the fault is there, not in this container.",
        r"vault is sealed",
    ),
    Signature(
        FailureClass.DEPENDENCY_DOWN, "a needed service is down", False, 0.86,
        "A service that this one calls has no working instance{what}.",
        "Repair that service: the fault is there, not in this container.",
        r"no (?:healthy|live) upstreams?|circuit ?breaker.{0,60}(?:open|tripped)|panic mode, 0/"
        r"|0/\d+ (?:hosts )?healthy|\b(?:is|are|service|server|(?<!resource )temporarily"
        r"|currently) unavailable|503 service|502 bad gateway|has no server available"
        r"|no (?:available |alive )?(?:brokers?|nodes?|servers?|backends?|endpoints?|leader|primary|master"
        r"|replicas?|hosts?)\b.{0,30}(?:available|found|alive|elected|healthy|reach|left)|nobrokersavailable"
        r"|brokernotavailable|all (?:upstreams|backends|brokers|hosts|nodes|servers|replicas) .{0,30}(?:down"
        r"|unavailable|failed|tried)|leader_?not_?available|not_?leader|no leader|not master|notmaster"
        r"|not ?primary\b|masterdown|clusterdown|nonodeavailable|no living connections|nohostavailable"
        r"|code = unavailable|unavailable: |database system is (?:starting up|shutting down|in recovery)"
        r"|\bloading redis is loading|can't write against a read only replica"
        r"|upstream .{0,30}(?:unhealthy|is down)|marked (?:as )?(?:down|dead)"
        r"|health ?check .{0,20}(?:of|for) \S+ failed|stale (?:nfs )?file handle|in standby"
        r"|failover in progress|lost leadership"
        r"|not enough (?:[\w-]+ ){0,2}(?:replicas|bookies|nodes|brokers|members|voters)"
        r"|notenoughreplicas|under.?replicated"
        r"|cluster.{0,20}(?:red|fail)|(?:is|went) down\b|run out of available brokers"
        r"|(?:returned|answered|responded with|status(?: code)?[ =:]+) ?50[23]\b"
        r"|(?:dial|connect(?:\(\) to)?) unix.{0,120}no such file|in a read-only transaction"
        r"|no (?:cluster |raft |registered )?leader\b|leader failure|keepererrorcode|kafka: no brokers"
        r"|(?:still )?not available (?:after|yet)|temporarily disabled while connecting"
        r"|server has failed and is disabled|connection_closed_unexpectedly"
        r"|no instances? (?:available )?for|not contain an instance|server (?!is )\S+ not responding"
        r"|wsrep has not yet|wait-for-it.{0,20}timeout|not present in metadata",
    ),
    Signature(
        FailureClass.DEPENDENCY_DOWN, "a needed service is unreachable", False, 0.78,
        "A service that this one needs does not take connections{what}.",
        "Look at that service first: the fault is there, not in this container.",
        r"(?:econnrefused|connection refused).{0,80}|(?:(?:cannot|could not|can't|unable to|failed to"
        r"|failing to|not) (?:connect|reach|contact)|(?:connect|connection|connecting) to \S+ (?:failed"
        r"|refused|lost|error)|connect(?:ion)? (?:attempt )?failed).{0,80}|error 111|errno 111|\(111: "
        r"|target machine actively refused|server selection|serverselection|mongonetwork"
        r"|communications link failure|communicationsexception|lost connection to|server has gone away"
        r"|server closed the connection|terminating connection due to administrator"
        r"|connection to (?:node|broker|server) .{0,60}(?:fail|could not|lost|refused)"
        r"|broker transport failure|bootstrap broker .{0,60}disconnected|is the server running"
        r"|connection (?:to .{0,40})?(?:was )?lost|amqpconnection|delayed connect error"
        r"|ora-125(?:05|14|16|20|28|41)|ora-1217[01]|listener does not currently know"
        r"|sqlstate[ =:(]+0800[1-7]|sql30081n|communication error has been detected"
        r"|upstream (?:connect error|prematurely closed)|jdbcconnectionexception|connection attempt failed"
        r"|is blocked because of many connection errors"
        r"|not possible to connect|unabletoconnect|jedisconnection|redisconnectionexception"
        r"|due to connection error|failed to create socket|\bare unreachable\b",
    ),
    # Time
    Signature(
        FailureClass.TIMEOUT, "calls take too long", None, 0.6,
        "Something that the program waits for does not answer in time.",
        "Find the slow side: its log, its load, its queries.",
        r"maximum execution time|(?:hard|soft) time limit|took too long|exceeded (?:the )?time limit|maxtimemsexpired"
        r"|(?:did|does) not (?:respond|answer|reply|finish) (?:in|within)|timed? ?out|etimedout"
        r"|deadline ?exceeded|timeout ?(?:exception|error|expired|exceeded|of \d+)"
        r"|(?:read|connect|socket|request|gateway|statement|query|upstream|write|idle"
        r"|operation)_? ?timeout\b(?! (?:budget|set|is \d|=))|504 gateway|canceling statement due to"
        r"|no response (?:from|within)|worker timeout|missed heartbeats|time ?limit ?exceeded"
        r"|execution time exceeded|taskcanceled|canceled after|slow query"
        r"|\bms has passed since (?:batch creation|last)",
    ),
    # Keys, passwords, tokens
    Signature(
        FailureClass.AUTH, "signing key was rotated", True, 0.85,
        "Tokens are signed with a key that this service does not know.",
        "Load the new public keys; a restart reads them again where they come from a key server.",
        r"no matching key|unknown (?:key id|kid)|\bkid\b.{0,60}(?:not found|unknown|no match|unable)"
        r"|unable to find (?:a )?(?:signing|matching) key|jwks.{0,60}(?:not found|no |unable|stale)"
        r"|no (?:applicable|suitable) key",
    ),
    Signature(
        FailureClass.AUTH, "signature refused", False, 0.88,
        "What comes in or goes out is signed with another secret.",
        "Install the signing secret that both sides use.",
        r"signature(?:verification|mismatch|doesnotmatch)"
        r"|signature (?:verification|mismatch|does not match|is invalid|check failed)"
        r"|invalid (?:webhook |hmac |request )?signature|no signatures found"
        r"|(?:hmac|signature).{0,30}(?:mismatch|invalid)|requesttimetooskewed|webhook secret"
        r"|signature (?:has )?expired",
    ),
    Signature(
        FailureClass.AUTH, "credentials refused", False, 0.86,
        "The other side refuses the user name, password, key or token.",
        "Correct the credentials; a restart sends the same ones.",
        r"(?:password|sasl|user|peer|md5|scram\S*|ident|ldap|kerberos|smtp|client) authentication failed"
        r"|authentication ?(?:failed|failure|error|exception)|access denied for user.*password|wrongpass"
        r"|\bnoauth\b|authentication required|(?:invalid|incorrect|wrong|bad|revoked"
        r"|expired) (?:or (?:expired|revoked) )?(?:api.?key|access.?key|credentials?|client.?secret|secret key"
        r"|service account|access token|refresh token|bearer token)|invalid_(?:grant|client|api_key|token)"
        r"|(?:security |access |refresh |bearer |session )?token (?:included in the request is|has"
        r"|is) (?:expired|invalid|revoked)|expiredtoken|jwt (?:is )?expired|tokenexpired|invalidaccesskey"
        r"|unrecognizedclient|invalidclienttokenid|login failed for user|access_refused|no pg_hba"
        r"|unauthenticated|401 unauthorized|credentials (?:have |has |were )?(?:expired|rejected|refused"
        r"|revoked)|publickey[,)]|could not authenticate|not authenticated|token used (?:too early|before)"
        r"|issued in the future|clock (?:skew|drift)|not authorized on|sasl handshake|keytab|bad password for"
        r"|host key verification failed|host identification has changed|http basic: access denied"
        r"|wrong password|unable to authenticate|bad credentials"
        r"|(?:invalid|incorrect|wrong) (?:user ?name or )?password|login was refused"
        r"|login (?:failed|incorrect)|(?:answered|returned|got|http|code|status) 401\b"
        r"|api key .{0,30}(?:revoked|expired|disabled|invalid|rejected)|username and password not accepted"
        r"|status.?(?:code)?[ =:]+401\b|invalid username/password|logon denied|missing authentication"
        r"|ldap: error code 49|error code 49 |530 login|(?<!unexpected )(?<!json )\binvalid (?:auth\w* "
        r"|bearer )?token(?! in| at| '| `|\))|access key (?:id )?(?:\w+ )?does not exist"
        r"|key (?:is )?(?:disabled|rejected|revoked)|(?:key|token) (?:was |is |has been )?(?:rejected|revoked)"
        r"|authorization violation|(?:authentication )?credentials? invalid|\b401:? (?:invalid|bad|wrong|missing)\b"
        r"|pre-?authentication (?:information|fail)"
        r"|\b(?:iat|nbf)\b.{0,20}\bin the future|token.{0,40}\b(?:in the future|not yet valid|before issued)\b",
    ),
)  # fmt: skip
