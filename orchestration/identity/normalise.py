"""One spelling for what people write in many: phones, e-mails, names, cities. A placeholder is no value.

Pure functions from text to text or None. Hashing is keys' business, comparing two persons is linking's.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date

import phonenumbers

_MIN_DIGITS = 7  # the shortest subscriber numbers with an area code; shorter ones are desk extensions
_EMAIL = re.compile(r"^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s.,;<>]{2,}$")
_NOBODY = frozenset(
    {
        *("none", "no", "na", "n a", "n/a", "nil", "null", "unknown", "unbekannt", "anonymous", "anonym", "guest"),
        *("test", "tester", "customer", "kunde", "noreply", "no-reply", "noemail", "nomail", "x", "xx", "xxx"),
        *("未知", "匿名", "无", "顾客", "测试"),
    }
)
_NO_DOMAINS = frozenset({"example.com", "example.org", "example.net", "test.com", "none.com", "invalid"})
_COUNTING = "01234567890123456789"
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
# what forms send when nothing was chosen
_NO_BIRTH_DATES = frozenset({date(1900, 1, 1), date(1970, 1, 1), date(2000, 1, 1)})


def normal_phone(text: str | None, region: str, placeholders: frozenset[str] = frozenset()) -> str | None:
    """Return a phone number as E.164 (`+493012345678`); None when there is none that could be dialled.

    region: ISO country of numbers without a country code. Numbers are not asked whether they are in use: a list of
    ranges that are given out ages faster than a customer file.
    """
    if text is None or _plain(text) in placeholders:
        return None
    text = unicodedata.normalize("NFKC", text).strip()
    digits = re.sub(r"\D", "", text)
    significant = digits.lstrip("0")
    if len(significant) < _MIN_DIGITS or len(set(significant)) < 2 or digits in _COUNTING:
        return None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    if len(set(str(number.national_number))) < 2:
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def normal_email(text: str | None, placeholders: frozenset[str] = frozenset()) -> str | None:
    """Return an e-mail address in lower case, None when it is none or a placeholder (`none@…`).

    Dots and `+tags` stay: only some providers ignore them, and folding them would join two people elsewhere.
    """
    if text is None:
        return None
    text = _plain(text)
    if text in placeholders or not _EMAIL.match(text):
        return None
    local, domain = text.rsplit("@", 1)
    if local in _NOBODY or domain in _NO_DOMAINS or set(local) <= {"0"}:
        return None
    return text


def normal_name(text: str | None, placeholders: frozenset[str] = frozenset()) -> str | None:
    """Return the words of a name in one case and without punctuation or accents: `Müller, ANNA` is `muller anna`."""
    if text is None:
        return None
    plain = _plain(text)
    words = _WORD.findall(_without_accents(plain))
    joined = " ".join(words)
    if not words or plain in placeholders or joined in _NOBODY or joined.isdigit():
        return None
    return joined


def normal_city(text: str | None) -> str | None:
    """Return a city's name in one case, without punctuation; the final 市 (city) is left off."""
    name = normal_name(text)
    return name.removesuffix("市") if name and len(name) > 2 else name


def normal_birth_date(day: date | None) -> str | None:
    """Return a birth date as ISO text; the days that forms fill in (1 January 1900, 1970, 2000) are none."""
    if day is None or day in _NO_BIRTH_DATES or day.year < 1900:
        return None
    return day.isoformat()


def plain_placeholders(texts: tuple[str, ...]) -> frozenset[str]:
    """Return a company's own placeholders as they are compared."""
    return frozenset(_plain(text) for text in texts)


def _without_accents(text: str) -> str:
    """Drop the accents of Latin, Greek and Cyrillic letters; signs of other scripts keep their marks."""
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(sign for sign in apart if not "\u0300" <= sign <= "\u036f"))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
