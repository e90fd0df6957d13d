"""Telephone numbers in one form, so that a refusal is found however a number was typed.

Only what cannot be dialled is refused. A number outside a country's numbering plan is
kept with a warning: plans change, and test numbers are outside them on purpose.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from daemon.errors import LeadError

REGION_OF_LANGUAGE = {"zh": "CN", "en": "US"}
_ALLOWED = re.compile(r"^\(?\+?\(?[0-9][0-9 ().\-/\u00b7]*$")
_SCIENTIFIC = re.compile(r"^\d+(\.\d+)?[eE]\+?\d+$")
_SIP = re.compile(r"^sips?:(?:(?P<user>[^@;\s]+)@)?(?P<host>[^@;?\s]+)[^\s]*$", re.IGNORECASE)
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15  # E.164 ends at 15; below 7 are service and emergency codes


@dataclass(frozen=True)
class Number:
    """A number that can be dialled.

    Attributes:
        canonical: "+" and digits, or "sip:user@host" where the user is not a number.
        region: ISO 3166 code such as "CN"; "" if unknown.
        timezones: IANA zones the number may lie in; empty if unknown.
        warning: "" or why the number looks wrong.
    """

    canonical: str
    region: str = ""
    timezones: tuple[str, ...] = ()
    warning: str = ""


def parse_number(text: str, lang: str = "zh") -> Number:
    """Read a number as people and spreadsheets write it.

    Args:
        text: "138 0013 8000", "0086-...", "+1 (202) 555-0123", "sip:alice@10.0.0.7".
        lang: language of the lead; gives the country of numbers without a country code.

    Raises:
        LeadError: it cannot be dialled.
    """
    # Spreadsheets bring full-width digits, non-breaking spaces and invisible marks.
    plain = unicodedata.normalize("NFKC", text)
    plain = "".join(c for c in plain if unicodedata.category(c) != "Cf")
    plain = re.sub(r"[\u2010-\u2015\u2212]", "-", plain).strip().strip("'\"")
    if match := _SIP.match(plain):
        return _from_sip(match, lang)
    if plain.lower().startswith("tel:"):
        plain = plain[4:]
    if not plain:
        raise LeadError("the number is empty; fill it in")
    if _SCIENTIFIC.match(plain):
        raise LeadError(
            f"{text.strip()!r} was rounded by a spreadsheet; "
            "format the column as text and export again"
        )
    if re.fullmatch(r"\d+\.0", plain):
        plain = plain[:-2]
    if not _ALLOWED.match(plain):
        raise LeadError(f"{text.strip()!r} is not a telephone number; digits are expected")
    digits = re.sub(r"\D", "", plain)
    international = "+" in plain
    if not international and digits.startswith("00"):
        international, digits = True, digits[2:]
    if not _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS:
        raise LeadError(
            f"{text.strip()!r} has {len(digits)} digits; "
            f"a number has {_FEWEST_DIGITS} to {_MOST_DIGITS}"
        )
    return _from_digits(f"+{digits}" if international else digits, lang)


def canonical(text: str, lang: str = "zh") -> str:
    """The form a number has in the database; see parse_number.

    Raises:
        LeadError: it cannot be dialled.
    """
    return parse_number(text, lang).canonical


def masked(number: str) -> str:
    """A number for log lines: all but the last four digits hidden."""
    return f"…{number[-4:]}" if len(number) > 6 else "…"


def _from_sip(match: re.Match[str], lang: str) -> Number:
    user, host = match["user"] or "", match["host"].lower()
    if re.fullmatch(r"\+?\d{7,15}", user):
        return _from_digits(user, lang)
    return Number(f"sip:{user}@{host}" if user else f"sip:{host}")


def _from_digits(digits: str, lang: str) -> Number:
    import phonenumbers  # the tables take a moment, --help shall not wait for them
    from phonenumbers import timezone as zones

    home = REGION_OF_LANGUAGE.get(lang, "")
    try:
        number = phonenumbers.parse(digits, None if digits.startswith("+") else home or None)
    except phonenumbers.NumberParseException as error:
        raise LeadError(
            f"{digits!r} has no known country code; write it with + and the country code"
        ) from error
    length = phonenumbers.is_possible_number_with_reason(number)
    if length != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise LeadError(
            f"{digits!r} has the wrong length for its country; write all of it, with area code"
        )
    region = phonenumbers.region_code_for_number(number)
    region = region or phonenumbers.region_code_for_country_code(number.country_code or 0)
    places = zones.time_zones_for_geographical_number(number)  # all of them where unclear
    return Number(
        canonical=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        region="" if region in {"ZZ", "001"} else region,
        timezones=tuple(zone for zone in places if zone != "Etc/Unknown"),
        warning=""
        if phonenumbers.is_valid_number(number)
        else "not in the numbering plan of its country",
    )
