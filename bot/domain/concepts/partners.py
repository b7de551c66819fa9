"""Faults in names, certificates, credentials and partners."""

from __future__ import annotations

import re

from bot.domain.concepts.names import first_address, quoted
from bot.domain.concepts.reading import Reading
from bot.domain.diagnosis import FailureClass

_DNS = re.compile(
    r"(?i)\b(?:enotfound|eai_again|nxdomain|servfail|unknownhost\w*|getaddrinfo\w*|no such host"
    r"|name or service not known|host not found|nodename nor servname|no address associated"
    r"|name does not resolve|temporary failure in name resolution|name resolution\b.{0,30}\b(?:fail\w*|error|timed)"
    r"|(?:cannot|could not|can't|unable to|failed to|failure)\b.{0,30}\b(?:resolv\w+|lookup"
    r"|translate host)\b(?!:)(?!.{0,20}(?:dependenc|placeholder|symbol|module|import|conflict|type|class|path"
    r"|reference|promise))"
    r"|(?:resolv\w+|lookup|dns)\b.{0,60}\b(?:fail\w*|error|refused|time[d ]?out|misbehaving|no such)"
    r"|unknown (?:\w+ )?(?:server )?host|no resolver|no resolvable)"
)
_DNS_NAME = re.compile(
    r"(?i)(?:enotfound|eai_again|lookup|resolve(?: host(?:name)?)?|host(?:name)?(?: name)?|unknownhostexception:"
    r"|upstream"
    r"|getaddrinfo(?: \w+)?)[ :=]{1,3}['\"\[(]?([a-z0-9][\w-]{0,62}(?:\.[\w-]{1,62}){0,8})(?=['\"\]) :,]|$)"
)
_CERTIFICATE = re.compile(
    r"(?i)\bx509\b|\bpkix\b|\bcertificate\b.{0,80}\b(?:expired|not yet valid|not (?:trusted|valid|accepted)"
    r"|verif\w+|unknown|invalid|untrusted|fail\w*|mismatch|does not|doesn't|revoked|rejected|required"
    r"|no longer)|\b(?:expired|self.signed|untrusted|invalid|unknown|unable to (?:get|verify)"
    r"|bad)\b.{0,40}\bcertificate"
    r"|\bcertificate_verify_failed|\bunknown (?:certificate )?authority|\bunknown ca\b|\b(?:tls"
    r"|ssl)\b.{0,60}\b(?:handshake|alert|error|verif\w+)\b.{0,60}\b(?:cert\w*|expired|unknown|verify|authority"
    r"|fail\w*|error)|\bssl_error_\w+|\bwrong version number\b|\bsslhandshakeexception"
)
_OWN_CERTIFICATE = re.compile(
    r"(?i)\b(?:load|read|open|pars|find|import)\w*\b.{0,60}\b(?:certificate|private key|key ?pair|keystore|pem)\b"
    r"|\b(?:certificate|private key|key ?pair|keystore|pem)\b.{0,60}\b(?:no such file|not found|missing"
    r"|cannot be (?:read|loaded)|could not be (?:read|loaded)|mismatch)|key values mismatch|no start line"
    r"|bad decrypt"
)
_CREDENTIALS = re.compile(
    r"(?i)\b(?:auth\w*|log ?(?:in|on)|sign ?in|sasl|password|credential\w*|api.?key|access.?key|token|secret"
    r"|user(?:name)?|account)\b.{0,60}\b(?:fail\w*|denied|refused|rejected|invalid|incorrect|wrong|revoked"
    r"|expired|not (?:valid|accepted|recogni[sz]ed)|mismatch|disabled|locked)\b"
    r"|\b(?:invalid|incorrect|wrong|bad|expired|revoked|unknown)\b.{0,20}\b(?:password|credentials?|api.?key"
    r"|access.?key|token|user(?:name)?(?: or password)?|secret key|client secret|login)\b"
    r"|\baccess denied for user\b|\b(?:401|403)\b.{0,20}\b(?:unauthori[sz]ed|forbidden|invalid|bad)"
    r"|\bunauthori[sz]ed\b|\bunauthenticated\b|\bnot authenticated\b|\bno pg_hba|\bwrongpass\b|\bnoauth\b"
    r"|\binvalid_(?:grant|client|token|api_key)"
)
_NOT_CREDENTIALS = re.compile(
    r"(?i)\b(?:parse|json|unexpected|syntax)\b.{0,20}\btoken\b|\btoken '?[<{\[(]|\btoken\b.{0,12}\bin json\b"
    r"|unexpected token|tokeniz"
)
_USER = re.compile(r"(?i)\b(?:user(?:name)?|role|login|account)\b[ :=]{1,3}['\"]?([\w.@-]{1,60})['\"]?")
_DATABASE_OBJECT = re.compile(
    r"(?i)is unauthorized for user|access denied for user .{1,80} to database|permission denied (?:for|to"
    r"|on) (?:table|relation|schema|database|sequence|function|view|topic|queue|bucket|index|collection|create"
    r"|set)|must be owner|\bcommand denied\b|insufficient.?privilege|not authorized (?:on|to)|(?:does"
    r"|do) not have (?:\S+ ){0,3}(?:permission|privilege|access|right)|is forbidden\b|accessdenied\b"
)
_DECRYPT = re.compile(
    r"(?i)\b(?:cannot|can't|could not|unable to|failed to|failure|error|wrong|bad)\b.{0,30}\bdecrypt\w*"
    r"|\bdecrypt\w*\b.{0,40}\b(?:fail\w*|error|invalid|wrong)|\bInvalidToken\b|\bbad decrypt|\bmac (?:check"
    r"|mismatch)|\bwrong (?:encryption|master|final block) ?\w*"
)
_SILENT = re.compile(
    r"(?i)\b(?:no (?:answer|response|reply|acknowledg\w+|ack|data)\b|nothing (?:came|comes) back|never answered"
    r"|not (?:answer\w*|respond\w*|reply\w*)|(?:did|does|do)(?: not|n't) (?:answer|respond|reply)|timed? ?out"
    r"|time-?out|deadline exceeded|took too long|unresponsive)\b"
)
_DATAGRAM = re.compile(r"(?i)\budp\b|/udp\b|\bdatagrams?\b|\bquic\b|\bwireguard\b|\bhandshake initiation\b")
_SLOW = re.compile(
    r"(?i)\btimed? ?out\b|\btimeout\b|deadline exceeded|took too long|exceeded .{0,20}time|time limit|no (?:answer"
    r"|response|reply) (?:from|within|in)\b|not (?:respond|answer|reply)\w*\b.{0,30}\b(?:in time|within)\b"
    r"|canceling statement|worker timeout"
)
_DOWN = re.compile(
    r"(?i)\b(?:cannot|can't|could not|couldn't|unable to|failed to|failing to|failure to|not able to"
    r"|error) (?:\w+ ){0,2}(?:connect|reach|contact|dial|talk|communicat|establish)\w*"
    r"|\bconnect(?:ion|ing)?\b.{0,60}\b(?:fail\w*|refused|lost|closed|dropped|unavailable|rejected|broken|aborted"
    r"|error)\b|\b(?:un(?:available|reachable)|is down|went away|gone away|not (?:available|reachable|running"
    r"|ready|up)|no (?:healthy|live|available|alive)\b.{0,30}\b(?:upstreams?|brokers?|nodes?|servers?|backends?"
    r"|endpoints?|leader|primary|master|hosts?))\b"
    r"|\b(?:lost connection|disconnected from|no (?:brokers?|leader|primary|master|quorum)|bootstrap broker"
    r"|502 bad gateway|503 service)\b|\bhost is down\b"
)
_CUT = re.compile(
    r"(?i)connection (?:was )?(?:reset|aborted|forcibly closed|unexpectedly closed)|broken pipe|\bepipe\b"
    r"|socket hang up|unexpected eof|(?:peer|server|host) closed (?:the )?connection|packets? (?:were "
    r"|was )?(?:dropped|lost)|packet loss|\bmtu\b"
)


def read_partner(text: str) -> Reading | None:
    """Return what is wrong with a service, a name, a certificate or credentials, or ``None``."""
    for read in (_name, _decryption, _certificate, _credentials, _slow_or_down):
        if reading := read(text):
            return reading
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


def _name(text: str) -> Reading | None:
    if not _DNS.search(text):
        return None
    found = _DNS_NAME.search(text)
    name = (
        found[1]
        if found and found[1].lower() not in {"in", "failed", "error", "not", "name", "found", "for", "host"}
        else first_address(text).rpartition(":")[0]
    )
    return _reading(
        "name",
        FailureClass.DNS,
        f"{name} does not resolve" if name else "a host name does not resolve",
        f"The host name {name} does not resolve." if name else "A host name does not resolve.",
        "Check the name, the DNS server, and that both containers share a network.",
        False,
        0.85,
        name,
    )


def _decryption(text: str) -> Reading | None:
    if not _DECRYPT.search(text):
        return None
    return _reading(
        "decryption",
        FailureClass.CONFIG_ERROR,
        "stored secrets cannot be decrypted",
        "The program's key does not decrypt what was stored with another key.",
        "Set the key that the data was stored with.",
        False,
        0.62,
    )


def _certificate(text: str) -> Reading | None:
    if _OWN_CERTIFICATE.search(text):
        path = next(iter(quoted(text)), "")
        return _reading(
            "own-certificate",
            FailureClass.CONFIG_ERROR,
            "certificate or key cannot be used",
            "The certificate or key that the configuration names cannot be used.",
            "Put the certificate and the key that belong together in place.",
            False,
            0.72,
            path,
        )
    if not _CERTIFICATE.search(text):
        return None
    address = first_address(text)
    expired = re.search(r"(?i)expired|not yet valid", text)
    cause = f"The certificate of {address or 'the other side'} " + (
        "is not valid at this time." if expired else "is not accepted."
    )
    return _reading(
        "certificate",
        FailureClass.TLS_EXPIRED,
        "certificate expired" if expired else "certificate is not accepted",
        cause,
        "Renew the certificate and load it."
        if expired
        else "Check the certificate's name, its issuer and the trusted authorities.",
        False,
        0.86 if expired else 0.78,
        address,
    )


def _credentials(text: str) -> Reading | None:
    if _DATABASE_OBJECT.search(text):
        what = next(iter(quoted(text)), "")
        return _reading(
            "not-authorized",
            FailureClass.PERMISSION,
            "access denied",
            f"The account lacks a right{f' on {what}' if what else ''} that the program needs.",
            "Grant the right to the account.",
            False,
            0.72,
            what,
        )
    if (
        not _CREDENTIALS.search(text)
        or _NOT_CREDENTIALS.search(text)
        or re.search(r"(?i)connection (?:was )?refused", text)
    ):
        return None
    user = _USER.search(text)
    who = (
        f" for {user[1]}" if user and user[1].lower() not in {"is", "not", "name", "or", "and", "failed", "was"} else ""
    )
    return _reading(
        "credentials",
        FailureClass.AUTH,
        "credentials refused",
        f"The other side refuses the credentials{who}.",
        "Correct the credentials; a restart sends the same ones.",
        False,
        0.76,
        user[1] if who and user else "",
        first_address(text),
    )


def _slow_or_down(text: str) -> Reading | None:
    address = first_address(text)
    if _DATAGRAM.search(text) and _SILENT.search(text):
        return _reading(
            "datagrams-lost",
            FailureClass.NETWORK,
            "no answer over UDP",
            f"No datagram comes back from {address or 'the other side'}: the network drops them.",
            "Allow UDP to that address in the firewall, or use TCP.",
            False,
            0.78,
            address,
        )
    if _CUT.search(text):
        return _reading(
            "connection-cut",
            FailureClass.NETWORK,
            "connections break off",
            f"The connection{f' to {address}' if address else ''} was cut while in use.",
            "Look at the network path and at the other side's log.",
            False,
            0.5,
            address,
        )
    if _SLOW.search(text):
        return _reading(
            "slow",
            FailureClass.TIMEOUT,
            f"no answer from {address}" if address else "no answer in time",
            f"{address or 'What the program waits for'} does not answer in time.",
            "Find the slow side: its log, its load, its network.",
            None,
            0.6,
            address,
        )
    if _DOWN.search(text):
        return _reading(
            "down",
            FailureClass.DEPENDENCY_DOWN,
            f"{address} cannot be reached" if address else "a needed service is unreachable",
            f"{address or 'A service that this one needs'} does not take connections.",
            "Look at that service first: the fault is there, not in this container.",
            False,
            0.68 if address else 0.58,
            address,
        )
    return None
