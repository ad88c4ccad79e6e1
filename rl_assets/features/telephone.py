"""Telephone numbers in texts: by pattern, by the words around them, and by the plans of libphonenumber."""

import re

# Few numbers in texts are telephone numbers. So one without a country code counts only if a word before or after it
# names it, or if it is grouped as telephone numbers are and valid in one of the national plans below.
PHONE = re.compile(
    r"(?:(?<![\w.,/=#+-])(?<!\d:)|(?<!\w)(?=\+))(?:(?:\+|00)[1-9]\d{0,2}[ ./-]{0,2})?(?:\(\d{1,5}\)[ ./-]{0,2})?"
    r"\d{1,12}(?:[ ./-]\d{2,8}){0,5}"
    r"(?P<extension>[ ,;]{0,2}(?i:x|ext\.?|extn\.?|extension|durchwahl|#)[ .:]{0,2}\d{1,7})?"
    r"(?![\w%]|[.,]\d)"
)
PHONE_WORDS = (
    r"phone|tele(?:ph|f)\w*|tél\w*|tel|call(?: \w+)? (?:on|at)|ring(?: \w+)? (?:on|at)|mobile?|móvil|celular|cell|fax"
    r"|handy|rufnummer|whatsapp|sms|portable|office|hotline|numéro|teléfono|nummer"
)
PHONE_NAMED_BEFORE = re.compile(
    rf"(?i)\b(?:{PHONE_WORDS})\b(?: (?:number|no|nr|numéro|número))?[.:#,]{{0,2}}\s{{0,2}}(?:is |ist |es |est )?$"
)
PHONE_NAMED_AFTER = re.compile(r"(?i)^[ ,(-]{1,2}(?:mobile|office|fax|cell|phone|home)\b")
DATE = re.compile(
    r"(?:19|20)\d\d[ ./-]\d{1,2}[ ./-]\d{1,2}(?:\D.*)?|\d{1,2}[ ./-]\d{1,2}[ ./-](?:19|20)\d\d(?:\D.*)?"
    r"|(?:19|20)\d\d-(?:19|20)\d\d"
)
# With a trunk prefix, an area code in brackets, or 3-3-4 digits as in North America; other groups are amounts and ids.
PHONE_GROUPS = re.compile(r"(?:0\d|\(\d).*[ ./-].*|[2-9]\d\d[ .-][2-9]\d\d[ .-]\d{4}")
PHONE_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "AU")
MAX_PHONE_DIGITS = 15  # ITU-T E.164


def is_phone(match: re.Match[str]) -> bool:
    """Whether a match of PHONE is a telephone number and not a date, an amount or an id."""
    text = match.group().removesuffix(match["extension"] or "")
    digits = re.sub(r"\D", "", text)
    if not 7 <= len(digits) <= MAX_PHONE_DIGITS:
        return False
    if text.startswith(("+", "00")):
        return _is_possible(text)
    if DATE.fullmatch(text):
        return False
    return _is_named(match) or (
        PHONE_GROUPS.fullmatch(text) is not None and any(_is_valid(text, region) for region in PHONE_REGIONS)
    )


def _is_named(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - 40) : match.start()]
    return bool(
        PHONE_NAMED_BEFORE.search(before) or PHONE_NAMED_AFTER.match(match.string[match.end() : match.end() + 12])
    )


def _is_possible(text: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse("+" + text.lstrip("+0")))
    except phonenumbers.NumberParseException:
        return False


def _is_valid(text: str, region: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, region))
    except phonenumbers.NumberParseException:
        return False
