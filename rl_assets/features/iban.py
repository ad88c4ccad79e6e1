"""International bank account numbers (ISO 13616): a country's length, groups of four, check digits; in any case."""

import re

LENGTHS = {
    15: "NO",
    16: "BE",
    18: "DK|FI|FK|FO|GL|NL|SD",
    19: "MK|SI",
    20: "AT|BA|EE|KZ|LT|LU|MN|XK",
    21: "CH|HR|LI|LV",
    22: "BG|BH|CR|DE|GB|GE|IE|ME|RS|VA",
    23: "AE|GI|IL|IQ|OM|SO|TL",
    24: "AD|CZ|ES|MD|PK|RO|SA|SE|SK|TN|VG",
    25: "LY|PT|ST",
    26: "IS|TR",
    27: "BI|DJ|FR|GR|IT|MC|MR|SM",
    28: "AL|AZ|BY|CY|DO|GT|HN|HU|LB|NI|PL|SV",
    29: "BR|EG|PS|QA|UA",
    30: "JO|KW|MU|YE",
    31: "MT|SC",
    32: "LC",
    33: "RU",
}


def _pattern() -> re.Pattern[str]:
    numbers = "|".join(f"(?:{countries}){_digits(length)}" for length, countries in LENGTHS.items())
    return re.compile(rf"(?<![A-Za-z0-9])(?=[A-Za-z]{{2}}\d\d)(?i:{numbers})(?![A-Za-z0-9])")


def _digits(length: int) -> str:
    """Two check digits and the rest, with or without a separator after every four characters."""
    groups, rest = divmod(length - 4, 4)
    return rf"\d\d(?:[ -]?[a-z0-9]{{4}}){{{groups}}}" + (rf"[ -]?[a-z0-9]{{{rest}}}" if rest else "")


IBAN = _pattern()


def is_iban(match: re.Match[str]) -> bool:
    """Whether the check digits are correct: 97 divides the rearranged number with remainder 1."""
    text = re.sub(r"[ -]", "", match.group())
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1
