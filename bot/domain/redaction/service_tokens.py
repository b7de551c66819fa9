"""Service tokens known by their prefix or their address."""

from __future__ import annotations

import re

from bot.domain.redaction.values import is_random
from bot.domain.redaction.vendor_tokens import Rule, vendor_shape

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_DIGITS = re.compile(r"\d+")


def _drawn(match: re.Match[str]) -> bool:
    """Return True if the part behind the last sign looks drawn by lot, and is no name with a number."""
    word = match[match.lastindex or 0]
    return is_random(word, shortest=12) and len(_DIGITS.findall(word)) > 1


def _address(name: str, hint: str, pattern: str) -> Rule:
    return Rule(name, (hint,), re.compile(pattern))


_PATHS = (
    "token|tokens|bot|bots|reset|password-?reset|reset-?password|verify|verify-?email|email-?verify|confirm|"
    "confirmation|"
    "activate|activation|invite|invites|invitation|invitations|unsubscribe|magic|magic-?link|webhooks?|api-?keys?|"
    "secrets?|sessions?|auth|share|shared|login|sso|access|feed|ical|calendar|rss|download|callback|key|keys|otp|link"
)


def _in_path(match: re.Match[str]) -> bool:
    """Return True if a part of a path is drawn by lot, and no name with numbers, digest or page."""
    word = match[match.lastindex or 0]
    numbers = len(_DIGITS.findall(word))
    mixed = any(map(str.islower, word)) and any(map(str.isupper, word)) and numbers > 1
    lower = numbers > 4 and word.isalnum() and not _HEX.match(word)
    return is_random(word, shortest=16) and (
        mixed or lower or (bool(_HEX.match(word)) and _OPENS.search(match[0]) is not None)
    )


_HEX = re.compile(r"[0-9a-f]{32,}\Z")
_OPENS = re.compile("reset|verif|confirm|activat|invit|unsubscribe|magic|token|key|bot")

SERVICE_TOKENS: tuple[Rule, ...] = (
    vendor_shape(
        "password",
        "A3-",
        r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}(?![\w-])",
    ),
    vendor_shape("aws-key-id", "A3T", r"A3T[A-Z0-9]{17}(?![A-Z0-9])", _drawn),
    vendor_shape("aws-key", "bedrock-api-key-", r"bedrock-api-key-[A-Za-z0-9+/]{24,}+={0,2}"),
    vendor_shape(
        "google-key", "AQ. 4/0", r"(?:AQ\.(?=[A-Za-z_-]{0,60}\d)[A-Za-z0-9_-]{40,}+|4/0A[A-Za-z0-9_-]{30,}+)(?![\w.])"
    ),
    vendor_shape(
        "cloud-token",
        "p8e- tk-us- SCW AzCa AzSe ACDb ASt sha256~ K10 mdb_sa_sk_ nfc_ nfo_ nfu_ nfb_ EXO fm1",
        r"(?:p8e-[a-z0-9]{32}(?![\w-])|tk-us-[\w-]{40,}+|SCW(?=[A-Z]{0,60}\d)[A-Z0-9]{17}(?![A-Z0-9])|"
        r"[A-Za-z0-9]{42,52}Az(?:Ca|Se)[A-Za-z0-9]{5,8}(?![\w])|sha256~[\w-]{40,}+|"
        r"[A-Za-z0-9/+]{76}(?:ACDb|\+ASt)[A-Za-z0-9/+]{5}[AQgw]==|"
        r"K10[0-9a-f]{40,64}::(?:[\w-]{1,24}:)?[0-9a-f]{32,64}|mdb_sa_sk_[\w-]{30,}+|nf[coub]_[A-Za-z0-9]{30,}+|"
        r"fm1a?_[\w+/=-]{30,}+|EXO(?=[0-9a-f]{0,60}\d)[0-9a-f]{24}(?![0-9a-f]))",
    ),
    vendor_shape(
        "tool-token",
        "cmVmd sat. pat. _mmk ptr_ duffel_ EZTK EZAK fio-u- .atlasv1. sm_ api_org_ s-s4t2 4b1d ATTA sgp_ md- rpa_ mob- "
        "tk_ figu_ shippo_",
        r"(?:cmVmd[A-Za-z0-9+/]{50,}+={0,2}|[ps]at\.[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}(?!\w)|"
        r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk(?!\w)|ptr_[A-Za-z0-9+/]{40,}+={0,2}|"
        r"duffel_(?:live|test)_[\w=-]{40,}+|EZ[AT]K[A-Za-z0-9]{40,}+|fio-u-[\w=-]{50,}+|"
        r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{50,}+|sm_[aps]at_[A-Za-z0-9]{16}(?!\w)|api_org_[A-Za-z]{34}(?!\w)|"
        r"s-s4t2(?:ud|af)-[0-9a-f]{60,}+|4b1d[A-Za-z0-9]{38}(?!\w)|ATTA[0-9a-fA-F]{60,}+|"
        r"sgp_(?:[0-9a-fA-F]{16}_|local_)?[0-9a-fA-F]{40}(?!\w)|md-(?=[A-Za-z_-]{0,60}\d)[A-Za-z0-9_-]{22}(?![\w-])|"
        rf"rpa_[A-Z0-9]{{30,}}+\w{{0,20}}|mob-{_UUID}|tk_(?=[a-z]{{0,60}}\d)[a-z0-9]{{29}}(?!\w)|figu_[\w-]{{30,}}+|"
        r"shippo_(?:live|test)_[0-9a-f]{40})",
    ),
    vendor_shape(
        "tool-token",
        "authress sc_ ext_ scauth_",
        r"(?:sc|ext|scauth|authress)_[A-Za-z0-9]{5,30}\.[A-Za-z0-9]{4,6}\.acc[_-][A-Za-z0-9-]{10,32}\.[\w+/=-]{30,120}",
    ),
    vendor_shape(
        "payment-key",
        "FLWPUBK FLWSECK _live_ _test_ _prod_ A21AA",
        r"(?:FLW(?:PUB|SEC)K_TEST-[0-9a-zA-Z]{12,40}(?:-X)?|[prs]k_(?:live|test|"
        r"prod)_(?=[A-Za-z]{0,60}\d)[A-Za-z0-9]{10,}+|"
        r"A21AA[\w-]{60,}+)",
    ),
    vendor_shape("twilio-key", "SK", r"SK[0-9a-fA-F]{32}(?![0-9a-fA-F])"),
    vendor_shape("square-token", "EAAA", r"EAAA[A-Za-z0-9_-]{22,60}(?![\w-])", _drawn),
    vendor_shape("dynatrace-token", "dt0", r"dt0[a-z]\d{2}\.[A-Za-z0-9]{8,}+\.[A-Za-z0-9]{30,}+"),
    vendor_shape(
        "facebook-token",
        "acebook access_token fb",
        r"\d{14,17}(?:\||%7[Cc])(?=[A-Za-z_-]{0,60}\d)[\w-]{24,44}(?![\w-])",
    ),
    vendor_shape("facebook-token", "IGQ IGAA", r"IG(?:Q|AA)[\w-]{60,}+"),
    vendor_shape("vault-token", "s.", r"s\.(?=[a-z]{0,60}\d)[a-z0-9]{24}(?![\w.])", _drawn),
    vendor_shape("swarm-token", "SWMKEY-", r"SWMKEY-1-[A-Za-z0-9+/]{40,}+"),
    vendor_shape("nats-seed", "SU SA SO SN SC", r"S[UAONC][A-Z2-7]{56}(?![A-Z0-9])"),
    vendor_shape("wallet-key", "xprv zprv yprv tprv", r"[xyzt]prv[1-9A-HJ-NP-Za-km-z]{100,112}(?!\w)"),
    vendor_shape("aws-key", "amzn", rf"(?:amzn\.mws\.{_UUID}|amzn1\.oa2-cs\.v1\.[0-9a-f]{{60,}}+)"),
    vendor_shape(
        "azure-key",
        "AccountKey SharedKey zure osmos torage",
        r"(?<!sha512.)(?=[a-z0-9+/]{0,80}[A-Z])(?=[A-Z0-9+/]{0,80}[a-z])[A-Za-z0-9+/]{86}==(?![\w=])",
    ),
    vendor_shape(
        "airtable-key", "key", r"key(?=[a-zA-Z]{0,14}\d)(?=[a-z0-9]{0,14}[A-Z])[A-Za-z0-9]{14}(?![\w-])", _drawn
    ),
    vendor_shape("salesforce-token", "00D", r"00D[A-Za-z0-9]{12,15}(?:!|%21)[A-Za-z0-9._]{60,}+"),
    vendor_shape(
        "tool-token",
        "pina_ dbtc_ dbtu_ sec-c- xnd_ Mid-server- APP_USR- vk1.a. RGAPI- os_v2_app_ tr_dev_ tr_prod_ ser. _|"
        "WARNING: act. rft.",
        rf"(?:pina_[A-Za-z0-9]{{60,}}+|dbt[cu]_[\w-]{{30,}}+|sec-c-[A-Za-z0-9+/=-]{{30,}}+|xnd_(?:production|"
        rf"development)_\w{{30,}}+|"
        rf"Mid-server-[\w-]{{16,}}+|APP_USR-\d{{10,}}-\d{{4,}}-[0-9a-f]{{32}}[\w-]{{0,20}}+|vk1\.a\.[\w-]{{60,}}+|"
        rf"RGAPI-{_UUID}|"
        r"os_v2_app_[a-z0-9]{60,}+|tr_(?:dev|prod|stg)_[A-Za-z0-9]{18,}+|ser\.[A-Za-z0-9]{20,}+|"
        r"_\|WARNING:[^|\n]{20,400}\|_[0-9A-F]{60,}+|(?:act|rft)\.[A-Za-z0-9]{30,}+(?:![\w.]{1,8})?)",
        _drawn,
    ),
    vendor_shape(
        "unleash-token",
        "development. production. staging. default.",
        r"[a-z*][\w-]{0,30}:(?:development|production|staging|default)\.([0-9a-f]{56,64})(?![\w])",
    ),
    vendor_shape(
        "ably-key",
        "ably Ably ABLY",
        r"(?<![\w.:/])([\w-]{6}\.[\w-]{6}:(?=[A-Za-z_-]{0,60}\d)(?=[a-z0-9_-]{0,60}[A-Z])[\w-]{22,43})(?![\w-])",
        _drawn,
    ),
    Rule("jenkins-token", ("enkins",), re.compile(r"(?<!\w)(11[0-9a-f]{32})(?!\w)")),
    Rule(
        "app-password",
        (
            "pplication password",
            "pp password",
            "pp-password",
            "app_password",
            "pp-specific password",
            "pplication_password",
        ),
        re.compile(
            r"(?i)app(?:lication)?(?:[ _-]specific)?[ _-]password[^\n]{0,40}?[ :=\"'`](?-i:([a-z]{4}(?:[ -][a-z]{4}){3}"
            r"|[A-Za-z0-9]{4}(?:[ -][A-Za-z0-9]{4}){5}))(?![\w-])"
        ),
    ),
    vendor_shape("twitch-token", "oauth:", r"oauth:([a-z0-9]{30})(?!\w)", _drawn),
    vendor_shape("twitter-token", "AAAAAAAAAAAAAAAAAAAAA", r"A{20,24}[A-Za-z0-9%]{50,}+"),
    vendor_shape("discord-token", "mfa.", r"mfa\.[\w-]{60,}+"),
    vendor_shape("telegram-token", ":A bot", r"(?:bot)?\d{5,16}:A[\w-]{34}(?![\w-])"),
    vendor_shape("rancher-token", "token- kubeconfig-", r"(?:token|kubeconfig)-[a-z0-9.-]{3,40}:([a-z0-9]{54})(?!\w)"),
    vendor_shape("bitwarden-token", "==", rf"0\.{_UUID}\.\w{{20,40}}:[A-Za-z0-9+/]{{20,}}+={{0,2}}"),
    vendor_shape("klaviyo-key", "pk_", r"pk_[0-9a-f]{34}(?!\w)"),
    vendor_shape(
        "mattermost-hook",
        "/hooks/",
        r"(?<=/)hooks/((?:[A-Za-z0-9]{17}/)?(?=[A-Za-z]{0,60}\d)[A-Za-z0-9]{26,48})(?![\w-])",
    ),
    vendor_shape("webhook", "hc-ping.com/", rf"hc-ping\.com/({_UUID}|[\w-]{{22}}(?=/))"),
    vendor_shape("webhook", "ifttt.com/", r"ifttt\.com/[\w/-]{1,80}/key/([\w-]{20,})"),
    vendor_shape("webhook", "nosnch.in/", r"nosnch\.in/([0-9a-f]{10})"),
    _address("webhook", "/hook/", rf"/open-apis/bot/(?:v2/)?hook/({_UUID}|\w{{20,}})"),
    _address("webhook", "/webhook/send?key=", rf"/webhook/send\?key=({_UUID})"),
    vendor_shape("webhook", "hook.", r"hook\.(?:[a-z0-9]{2,5}\.)?make\.com/([a-z0-9]{24,})"),
    vendor_shape("webhook", "pipedream.net", r"(?<=/)eo([a-z0-9]{12,20})(?=\.m\.pipedream\.net)"),
    Rule(
        "path-token",
        (
            "/token",
            "/bot",
            "/reset",
            "/password",
            "/verify",
            "/email",
            "/confirm",
            "/activat",
            "/invit",
            "/unsub",
            "/magic",
            "/webhook",
            "/api-key",
            "/apikey",
            "/secret",
            "/session",
            "/auth",
            "/share",
            "/login",
            "/sso",
            "/access",
            "/feed",
            "/ical",
            "/calendar",
            "/rss",
            "/download",
            "/callback",
            "/key",
            "/otp",
            "/link",
        ),
        re.compile(
            rf"/(?:{_PATHS})(?:/|(?<=t)[?](?:t|k|c|key|code|h)=|[?](?:t|k|c|h)=)([A-Za-z0-9_~-]{{16,200}}+)(?![\w.%:])"
        ),
        _in_path,
    ),
    Rule(
        "telegram-token",
        ("bot",),
        re.compile(r"(?i)\bbot(?:_token)?/?(\d{5,16}:(?=[A-Z_-]{0,60}\d)[A-Z0-9_-]{20,60})(?![\w-])"),
    ),
    Rule(
        "webhook",
        ("/services/", "/commands/", "/actions/", "/workflows/", "/triggers/"),
        re.compile(
            r"(?<=/)(?:services|commands|actions|workflows|"
            r"triggers)(?:\\{0,4}/)([TE][A-Z0-9]{6,12}(?:\\{0,4}/)[A-Z0-9]{6,20}(?:\\{0,4}/)[\w\\/%-]{10,200})"
        ),
    ),
    Rule("ticket", ("rigger_id", "rigger"), re.compile(r"(?<![\w.])(\d{3,15}\.\d{3,15}\.[0-9a-f]{32})(?!\w)")),
    Rule("ticket", ("app_id",), re.compile(r"slack[^\s]{0,300}?app_id(?:=|%3D)([0-9a-f]{32,64})(?!\w)")),
    Rule("invite", ("shared_invite/",), re.compile(r"shared_invite(?:/|%2F)(zt-[\w~-]{12,})")),
    Rule("signature", ("slack-files.com",), re.compile(r"slack-files\.com/T\w{6,12}-F\w{6,12}-([0-9a-f]{8,})")),
)
