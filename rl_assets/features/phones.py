"""Telephone numbers in texts: digits grouped as people write them, checked against libphonenumber's plans.

Numbers are everywhere in texts and few are telephones. So a number without a country code counts where a word before or
after it says so, or where it is grouped as telephones are and valid in one of the national plans below.
"""

import re

PHONE = re.compile(
    r"(?:(?<![\w.,/=#+-])|(?<!\w)(?=\+))(?:(?:\+|00)[1-9]\d{0,2}[ ./-]{0,2})?(?:\(\d{1,5}\)[ ./-]{0,2})?"
    r"\d{1,12}(?:[ ./-]\d{2,8}){0,5}"
    r"(?![\w%]|[.,]\d)"
)
WORDS = (
    r"phone|tele(?:ph|f)\w*|tél\w*|tel|call(?: \w+)? (?:on|at)|ring(?: \w+)? (?:on|at)|mobile?|móvil|celular|cell|fax"
    r"|handy|rufnummer|whatsapp|sms|portable|office|hotline|numéro|teléfono|nummer"
)
NAMED_BEFORE = re.compile(
    rf"(?i)\b(?:{WORDS})\b(?: (?:number|no|nr|numéro|número))?[.:#,]{{0,2}}\s{{0,2}}(?:is |ist |es |est )?$"
)
NAMED_AFTER = re.compile(r"(?i)^[ ,(-]{1,2}(?:mobile|office|fax|cell|phone|home)\b")
DATE = re.compile(
    r"(?:19|20)\d\d[ ./-]\d{1,2}[ ./-]\d{1,2}(?:\D.*)?|\d{1,2}[ ./-]\d{1,2}[ ./-](?:19|20)\d\d(?:\D.*)?"
    r"|(?:19|20)\d\d-(?:19|20)\d\d"
)
# With a trunk prefix, an area code in brackets, or 3-3-4 digits as in North America; other groups are amounts and ids.
GROUPED = re.compile(r"(?:0\d|\(\d).*[ ./-].*|[2-9]\d\d[ .-][2-9]\d\d[ .-]\d{4}")
REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "AU")
LONGEST = 15  # ITU-T E.164


def is_phone(match: re.Match[str]) -> bool:
    """Whether a match of PHONE is a telephone number rather than a date, an amount or an id."""
    said = match.group()
    digits = re.sub(r"\D", "", said)
    if not 7 <= len(digits) <= LONGEST:
        return False
    if said.startswith(("+", "00")):
        return _possible(said)
    if DATE.fullmatch(said):
        return False
    return _named(match) or (GROUPED.fullmatch(said) is not None and any(_valid(said, region) for region in REGIONS))


def _named(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - 40) : match.start()]
    return bool(NAMED_BEFORE.search(before) or NAMED_AFTER.match(match.string[match.end() : match.end() + 12]))


def _possible(said: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse("+" + said.lstrip("+0")))
    except phonenumbers.NumberParseException:
        return False


def _valid(said: str, region: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(said, region))
    except phonenumbers.NumberParseException:
        return False
