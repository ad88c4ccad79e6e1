"""Personal data and secrets in texts: detected by pattern and check digit, replaced by placeholders such as `<EMAIL>`.

Detected are e-mail and IP addresses, telephone and card numbers, IBANs, US social security numbers, keys and tokens.
Names and postal addresses are not: to distinguish them from other words takes a language model, which a detector of
one's own may bring (core/detectors.py). Telephone numbers are checked against the plans of libphonenumber.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rl_assets.core.detectors import DetectorError, Detectors, own_spans
from rl_assets.features.iban import IBAN, is_iban
from rl_assets.features.telephone import PHONE, is_phone

Kind = Literal["KEY", "EMAIL", "IBAN", "CARD", "SSN", "IP", "PHONE"]
KINDS: tuple[str, ...] = get_args(Kind)

KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\bsk-[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic and others
    r"|\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"  # Stripe
    r"|\bgh[opsur]_[A-Za-z0-9]{36,}|\bgithub_pat_[A-Za-z0-9_]{22,}|\bglpat-[A-Za-z0-9_-]{20,}"
    r"|\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b|\bAIza[A-Za-z0-9_-]{35}"  # AWS, Google
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bhf_[A-Za-z0-9]{30,}|\bnpm_[A-Za-z0-9]{36}|\bpypi-[A-Za-z0-9_-]{50,}"
    r"|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # JSON web tokens
    r"|(?i:(?<=bearer )[A-Za-z0-9._~+/-]{20,}=*)"
    # The value of a field that is named a key: sixteen characters or more with letters and digits.
    r"|(?i:(?:api|access|auth|secret|private)[_ -]?(?:key|token)[\"']?\s{0,3}[:=]\s{0,3}[\"']?)"
    r"(?P<value>(?=[A-Za-z0-9_/+.-]*\d)(?=[A-Za-z0-9_/+.-]*[A-Za-z])[A-Za-z0-9_/+.-]{16,}=*)"
)
# One of these is in every match of KEY, and the search for them is twenty times faster.
KEY_HINTS = (
    *("private key", "sk-", "k_live_", "k_test_", "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-"),
    *("akia", "asia", "abia", "acca", "aiza", "xox", "hf_", "npm_", "pypi-", "sg.", "eyj", "bearer ", "key", "token"),
)
EMAIL = re.compile(
    r"(?<![\w.+%-])[\w%+][\w.%+'-]{0,63}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}(?:[^\W\d_]{2,24}|xn--[\w-]{2,59})\b"
)
CARD = re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){11,18}(?![\w-]|\.\d)")
# Major industry prefixes with their lengths: Visa, Mastercard, Amex, Diners, JCB, Discover, UnionPay, Maestro.
ISSUED = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11,13}|35\d{14}"
    r"|(?:2131|1800)\d{11}|(?:50|5[6-8]|6\d)\d{10,17}"
)
# Area 000, 666 and 900 to 999, group 00 and serial 0000 are never assigned (Social Security Administration).
SSN = re.compile(
    r"(?<![\w.,/+-])(?!000|666|9)\d{3}(?P<separator>[ -]?)(?!00)\d{2}(?P=separator)(?!0000)\d{4}(?![\w%]|[-.,/]\d)"
)
SSN_NAMED = re.compile(
    r"(?i)\b(?:ssn|social security(?: number| no\.?| #)?|social)\b[.:#,]{0,2}\s{0,2}(?:is |was |= ?|# ?)?$"
)
IP = re.compile(
    r"(?<![\w.:])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)"
    r"|(?<![\w:.])(?=[0-9A-Fa-f:]*\d)(?:[0-9A-Fa-f]{0,4}:){3,7}[0-9A-Fa-f]{1,4}(?![\w:])"
)
VERSION = re.compile(r"(?i)(?:\bv|version|release|==|>=)\s*$")


# A part of every finding, for RE2: a fast first pass over all texts that skips most of them.
CANDIDATE = (
    r"[^\s]@[^\s]|\d(?:[ ()./-]{0,3}\d){6}|\d\.\d{1,3}\.\d{1,3}\.\d|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:"
    r"|(?i:[A-Z]{2}\d{2}[ -]?[A-Z0-9]{4}[ -]?[A-Z0-9]{4})"
    r"|PRIVATE KEY|sk-|[rs]k_|gh[opsur]_|github_pat_|glpat-|A[KSBC][IC]A|AIza"
    r"|xox[abeoprs]-|hf_|npm_|pypi-|SG\.|eyJ|(?i:bearer |(?:api|access|auth|secret|private)[_ -]?(?:key|token))"
)

# Ids and names of agents, categories and segments are numbers, hashes and words, apart from texts: the same for them.
ID_CANDIDATE = (
    r"[^\s]@[^\s]|\+\d|\(\d|\d{3}[. -]\d{2,3}[. -]\d{4}|\d\.\d{1,3}\.\d{1,3}\.\d"
    r"|(?i:[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2})|sk-|[rs]k_|gh[opsur]_|github_pat_|glpat-|A[KSBC][IC]A|AIza"
    r"|xox[abeoprs]-|hf_|npm_|pypi-|SG\.|eyJ"
)
OPAQUE = re.compile(r"(?i)[0-9]+|[0-9a-f]{12,}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Digits and letters inside of one are no number: it is hidden from all kinds but keys and e-mail addresses.
UUID = re.compile(r"(?i)(?<![0-9a-z])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z])")
PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9_]*>")
MAX_PASSES = 5


@dataclass(frozen=True)
class Finding:
    """Characters `start` to `end` of a text and their kind."""

    kind: str
    start: int
    end: int


def luhn(digits: str) -> bool:
    """Whether the check digit of a card number is correct (ISO/IEC 7812-1)."""
    doubled = (int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits)))
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


def is_card(match: re.Match[str]) -> bool:
    """Whether a run of digits has an issuer's prefix and length, and a correct check digit."""
    digits = re.sub(r"\D", "", match.group())
    return ISSUED.fullmatch(digits) is not None and len(set(digits)) > 1 and luhn(digits)


def is_ssn(match: re.Match[str]) -> bool:
    """Whether nine digits are grouped as social security numbers of the US are, with hyphens, or named one before."""
    before = match.string[max(0, match.start() - 40) : match.start()]
    return match["separator"] == "-" or SSN_NAMED.search(before) is not None


def is_address(match: re.Match[str]) -> bool:
    """Whether it is an IP address of a machine: not this host, not a mask, not a version number."""
    try:
        address = ip_address(match.group())
    except ValueError:
        return False
    before = match.string[max(0, match.start() - 10) : match.start()]
    is_mask = address.version == 4 and match.group().startswith("255.")
    return not (address.is_loopback or address.is_unspecified or is_mask or VERSION.search(before))


DETECTORS: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], bool]], ...] = (
    ("KEY", KEY, lambda match: True),
    ("EMAIL", EMAIL, lambda match: True),
    ("IBAN", IBAN, is_iban),
    ("CARD", CARD, is_card),
    ("SSN", SSN, is_ssn),
    ("IP", IP, is_address),
    ("PHONE", PHONE, is_phone),
)


def find(text: str, detectors: Detectors = ()) -> list[Finding]:
    """The personal data in a text, in order of position; findings never overlap.

    What a detector of one's own finds counts where our patterns found nothing, and no placeholder stands.
    """
    findings = _find_patterns(text)
    for name in detectors:
        occupied = [(finding.start, finding.end) for finding in findings]
        occupied += [match.span() for match in PLACEHOLDER.finditer(text)]
        findings += [
            Finding(kind, *part)
            for start, end, kind in own_spans(name, text)
            for part in _outside(start, end, sorted(occupied))
        ]
    return sorted(findings, key=lambda finding: finding.start)


def _outside(start: int, end: int, occupied: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for first, last in occupied:
        if first > start:
            yield from [(start, min(first, end))] if start < end else []
        start = max(start, last)
    if start < end:
        yield start, end


def _find_patterns(text: str) -> list[Finding]:
    findings: list[Finding] = []
    for kind, pattern, holds in DETECTORS if _hints_at_a_key(text) else DETECTORS[1:]:
        if kind == "IBAN":
            text = UUID.sub(lambda uuid: chr(0) * len(uuid.group()), text)
        spans = [_span(match) for match in pattern.finditer(text) if holds(match)]
        findings += [Finding(kind, *span) for span in spans]
        for start, end in spans:  # Hidden from the next kinds, with positions kept.
            text = f"{text[:start]}{chr(0) * (end - start)}{text[end:]}"
    return findings


def _hints_at_a_key(text: str) -> bool:
    lower = text.lower()
    return any(hint in lower for hint in KEY_HINTS)


def _span(match: re.Match[str]) -> tuple[int, int]:
    return match.span("value") if match.groupdict().get("value") else match.span()


def redact(text: str, detectors: Detectors = ()) -> tuple[str, list[str]]:
    """The text with a placeholder for each finding, and the kinds of the findings.

    A model may find more beside a placeholder, so detectors of one's own read the text again until they find nothing.
    """
    kinds: list[str] = []
    for _ in range(MAX_PASSES):
        findings = find(text, detectors)
        kinds += [finding.kind for finding in findings]
        text = "".join(_pieces(text, findings))
        if not findings or not detectors:
            return text, kinds
    raise DetectorError(f"{', '.join(detectors)} found something new in a redacted text, {MAX_PASSES} times in a row")


def _pieces(text: str, findings: list[Finding]) -> Iterator[str]:
    end = 0
    for finding in findings:
        yield text[end : finding.start]
        yield f"<{finding.kind}>"
        end = finding.end
    yield text[end:]


def candidates(texts: pa.Array, detectors: Detectors = ()) -> pa.Array:
    """Indices of the texts that may hold personal data, at the speed of RE2; null texts hold none.

    Detectors of one's own read all texts.
    """
    found = pc.is_valid(texts) if detectors else pc.fill_null(pc.match_substring_regex(texts, CANDIDATE), False)
    return pc.indices_nonzero(found)


def holds_personal_data(texts: pa.Array, detectors: Detectors = ()) -> pa.Array:
    """Whether each text holds personal data."""
    flags = np.zeros(len(texts), bool)
    flags[[index for index in candidates(texts, detectors).to_pylist() if find(texts[index].as_py(), detectors)]] = True
    return pa.array(flags)


def find_in_name(name: str, detectors: Detectors = ()) -> list[Finding]:
    """The personal data in an id or in the name of an agent, a category or a segment; numbers, hashes and UUIDs
    hold none.
    """
    if not OPAQUE.fullmatch(name):
        return find(name, detectors)
    account = IBAN.fullmatch(name)  # An account number in lower case may look like a hash: its check digits tell.
    return [Finding("IBAN", 0, len(name))] if account and is_iban(account) else []


def names_with_personal_data(names: pa.Array, detectors: Detectors = (), *, ids: bool = False) -> pa.Array:
    """Whether each id or name holds personal data; ids are all different, other names repeat."""
    if not ids:
        different = names.unique()
        personal = different.filter(_name_flags(different, CANDIDATE, detectors))
        return pc.is_in(names, personal)
    return _name_flags(names, ID_CANDIDATE, detectors)


def _name_flags(names: pa.Array, pattern: str, detectors: Detectors) -> pa.Array:
    suspected = pc.is_valid(names) if detectors else pc.fill_null(pc.match_substring_regex(names, pattern), False)
    flags = np.zeros(len(names), bool)
    indices = pc.indices_nonzero(suspected).to_pylist()
    flags[[index for index in indices if find_in_name(names[index].as_py(), detectors)]] = True
    return pa.array(flags)
