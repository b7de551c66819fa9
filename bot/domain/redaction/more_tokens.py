"""More vendor tokens, and their common form.

The form is a name, an underscore and a long random word.
"""

from __future__ import annotations

import re

from bot.domain.redaction.values import is_random
from bot.domain.redaction.vendor_tokens import Rule, vendor_shape

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NUMBERS = re.compile(r"\d+")
_FEWEST_NUMBERS = 3
"""A name in a program has fewer, a long word drawn by lot hardly ever."""
_ENCODED_NAME = ("ZN", "ZL", "ZT")
"""What the name of a C++ or Rust function begins with in a stack trace."""


def _drawn(match: re.Match[str]) -> bool:
    word = match[match.lastindex or 0]
    mixed = any(char.islower() for char in word) and any(char.isupper() for char in word)
    return mixed and len(_NUMBERS.findall(word)) >= _FEWEST_NUMBERS and not word.startswith(_ENCODED_NAME)


def _random(match: re.Match[str]) -> bool:
    return is_random(match[0].partition("-")[2] or match[0], shortest=20)


MORE_TOKENS: tuple[Rule, ...] = (
    Rule("vendor-token", ("_",), re.compile(r"_(?<=[a-z][a-z0-9]_)([A-Za-z0-9]{34,}+)(?![\w-])"), _drawn),
    vendor_shape(
        "cloud-token",
        "napi_ rootly_ key_ slk_ signkey-",
        r"(?:napi_[a-z0-9]{40,}+|(?:rootly|key|slk)_[0-9a-f]{64}\b|signkey-[a-z]{2,12}-[0-9a-f]{40,}+)",
    ),
    vendor_shape(
        "cloud-token",
        "sdk- api- xaat- xapt- waka_ pat-",
        rf"(?:sdk-|api-|xa[ap]t-|waka_|pat-[a-z]{{2}}\d-){_UUID}(?![\w-])",
    ),
    vendor_shape("cloud-token", "hc hca hcx", r"hc[a-z]{1,2}[km]_[a-z0-9]{40,}+"),
    vendor_shape(
        "cloud-token",
        "secret- console-",
        r"(?:secret|console)-(?:live-|test-)?[A-Za-z0-9_-]{30,}+={0,2}",
        _random,
    ),
    vendor_shape(
        "tool-token",
        "sgp_ bkct_ CCIPRJ_ CLOJARS_ ico- pnu_ pnb_",
        r"(?:sgp_(?:[0-9a-f]{16}_|local_)?[0-9a-f]{40}|bkct_[\w-]{30,}+|CCIPRJ_\w{20,}+|"
        r"CLOJARS_[a-z0-9]{40,}+|ico-[A-Za-z0-9]{32}\b|pn[ub]_[A-Za-z0-9]{36})",
    ),
    vendor_shape(
        "tool-token",
        "snyk_ cmVmdGtu CCI",
        r"(?:snyk_[us]at\.[0-9a-f]{8}\.[\w.-]{20,}+|cmVmdGtu[A-Za-z0-9]{40,}+)",
    ),
    vendor_shape("tool-token", "AZDO", r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}"),
    vendor_shape(
        "tool-token",
        "pat. st. API- dnkey- fio-u-",
        r"(?:pat\.[\w-]{22}\.[0-9a-f]{24}\.\w{20}|st\.[0-9a-f]{24}\.[0-9a-f]{32}\.[0-9a-f]{32}|"
        r"API-(?=[A-Z]{0,60}\d)[A-Z0-9]{25,}+|dnkey-[A-Z0-9]{26}-[A-Z0-9]{52}|fio-u-[\w-]{60,}+)",
    ),
    vendor_shape("tool-token", "2/ 1/ 0/", r"[012]/\d{10,20}(?:/\d{10,20})?:[0-9a-f]{32}\b"),
    vendor_shape("tool-token", "sl.", r"sl\.(?:u\.)?[\w-]{100,}+"),
    vendor_shape(
        "mail-key",
        "xsmtpsib- mlsn. dG9rO",
        r"(?:xsmtpsib-[0-9a-f]{40,}+-\w{10,}+|mlsn\.[0-9a-f]{60,}+|dG9rO[A-Za-z0-9+/]{40,}+={0,2})",
    ),
    vendor_shape(
        "payment-key",
        "access_token$ FLWSECK sk_sbox_ pdl_ AQE",
        r"(?:access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[0-9a-f]{32}|"
        r"FLWSECK(?:_TEST)?-[0-9a-zA-Z]{12,40}-X|sk_sbox_[a-z0-9]{20,}+|pdl_[a-z]{4}_apikey_\w{30,}+|"
        r"AQE[A-Za-z0-9+/]{20,400}+-[A-Za-z0-9+/]{20,400}+=?-\w{8,}+)",
    ),
    vendor_shape(
        "cloud-token",
        "cflt YC LTAI AKID y0_ y1_ t1.",
        r"(?:cflt[A-Za-z0-9+/]{56,}+|YC(?=[A-Za-z_-]{0,60}\d)[\w-]{38}(?![\w-])|"
        r"LTAI(?=[A-Za-z]{0,60}\d)[A-Za-z0-9]{16,24}\b|AKID(?=[A-Za-z]{0,60}\d)[A-Za-z0-9]{32}\b|y[0-3]_[\w-]{50,}+|"
        r"t1\.[\w-]{20,}+={0,2}\.[\w-]{80,}+)",
    ),
    vendor_shape(
        "ai-key",
        "csk- fc- pa- unkey_ wandb_v1_",
        r"(?:csk-[a-z0-9]{40,}+|fc-(?=[a-f]{0,60}\d)[0-9a-f]{32}\b|"
        r"pa-(?=[A-Za-z_-]{0,60}\d)(?=[a-z0-9_-]{0,60}[A-Z])[\w-]{43}(?![\w-])|"
        r"unkey_(?=[A-Za-z]{0,60}\d)[A-Za-z0-9]{20,}+|"
        r"wandb_v1_\w{40,}+)",
    ),
    vendor_shape(
        "tool-token",
        "2 ak_2 vercel_blob_rw_",
        r"(?:2(?=[a-z0-9]{0,60}[A-Z])[A-Za-z0-9]{26}_[A-Za-z0-9]{21,22}(?!\w)|ak_2[A-Za-z0-9]{26}\b|"
        r"vercel_blob_rw_\w{30,}+)",
    ),
    vendor_shape(
        "tool-token",
        "00",
        r"00(?=[A-Za-z_-]{0,60}\d)(?=[a-z0-9_-]{0,60}[A-Z])(?=[A-Z0-9_-]{0,60}[a-z])[\w-]{40}(?![\w-])",
        _random,
    ),
    vendor_shape("tool-token", "sk_", r"sk_(?=[A-Za-z]{0,60}\d)(?=[a-z0-9]{0,60}[A-Z])[A-Za-z0-9]{32,}+"),
)
