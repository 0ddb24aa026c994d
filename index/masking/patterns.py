"""Personal data that has a form of its own: addresses of mail, web and machines, numbers, dates of birth, ages.

A rule is a pattern, a check of what it found, and for weak patterns words that must stand near it. Everything is
linear in the text: no pattern repeats a repetition over the same characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from index.masking import checks
from index.masking.spans import Span

_NEAR = 40  # characters before a number in which the word that explains it may stand


@dataclass(frozen=True)
class Rule:
    """`pattern` finds candidates (its group `value` where it has one) of `type`; `check` turns down what is none."""

    type: str
    pattern: re.Pattern[str]
    check: Callable[[str, re.Match[str]], bool] = lambda text, match: True

    def spans(self, text: str) -> Iterator[Span]:
        """What the rule finds in `text`."""
        group = "value" if "value" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(text):
            if self.check(text, match):
                yield Span(match.start(group), match.end(group), self.type)


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_CARD_WORD = _re(r"\b(?:cards?|cc|credit|debit|visa|master ?card|amex|maestro|pan)\b")
_SSN_WORD = _re(r"\b(?:ssn|social security)\b")
_PHONE_WORD = _re(
    r"\b(?:phones?|tel|telephone|mobiles?|cell|fax|desk|call(?:ed|ing)?|ring|reach(?:ed)?|whatsapp|sms|text(?:ed)?|"
    r"messages?|answer(?:ing|ed)?|hotline|dial(?:ed|ling)?|telefon|handy|rufnummer|t[ée]l[ée]phone|tel[ée]fono)\b"
)
_PHONE_LABEL = _re(r"[\s(-]{0,2}(?:office|fax|mobile|cell|home|work|desk)\b")
_DATE = re.compile(r"\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)\d{2}")
_THOUSANDS = re.compile(r"\d{1,3}(?:[ .]\d{3})+")
_CARD_START = re.compile(r"[3-6]|2[2-7]|1800|2131")
_CARD_GROUPS = re.compile(
    r"\d+|\d{4}(?P<gap>[ -])\d{4}(?P=gap)\d{4}(?P=gap)\d{4}(?:(?P=gap)\d{3})?|\d{4}[ -]\d{6}[ -]\d{4,5}"
)
_VERSION = _re(r"\b(?:v|version|release)[ .]?$")


def _before(text: str, match: re.Match[str], words: re.Pattern[str], within: int = _NEAR) -> bool:
    return words.search(text, max(0, match.start() - within), match.start()) is not None


def _is_card(text: str, match: re.Match[str]) -> bool:
    number = checks.digits(match[0])
    if _before(text, match, _CARD_WORD):
        return True
    if not number.isascii() or not _CARD_GROUPS.fullmatch(match[0]):
        return False
    return len(number) >= 13 and _CARD_START.match(number) is not None and checks.luhn(number)


def _is_iban(text: str, match: re.Match[str]) -> bool:
    return checks.iban(re.sub(r"[ -]", "", match[0]).upper())


def _is_bare_ssn(text: str, match: re.Match[str]) -> bool:
    return _before(text, match, _SSN_WORD)


def _is_ip(text: str, match: re.Match[str]) -> bool:
    return checks.address(match[0]) and not _before(text, match, _VERSION, 10)


def _phone_like(text: str, match: re.Match[str]) -> bool:
    return 7 <= len(checks.digits(match[0].split("x")[0])) <= 15 and not _DATE.fullmatch(match[0])


def _is_weak_phone(text: str, match: re.Match[str]) -> bool:
    """Groups of digits are a phone number where a word says so, or where they cannot be a figure or a date."""
    found = match[0]
    if not _phone_like(text, match):
        return False
    if _before(text, match, _PHONE_WORD) or _PHONE_LABEL.match(text, match.end()):
        return True
    return found[0] == "0" and " " in found and len(checks.digits(found)) >= 9 and not _THOUSANDS.fullmatch(found)


_EDGE = r"(?<![\w.+/-])"
_EXTENSION = r"(?:[ ]?(?:x|ext\.?|extension)[ ]?\d{1,5})?"
_URL_TAIL = r"[^\s<>\"'`\\]*[^\s<>\"'`\\.,;:!?)\]}]"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DAY = (
    rf"(?:\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}|\d{{4}}-\d{{2}}-\d{{2}}|"
    rf"\d{{1,2}}(?:st|nd|rd|th)?[ ]{_MONTH},?[ ]\d{{4}}|{_MONTH}[ ]\d{{1,2}}(?:st|nd|rd|th)?,?[ ]\d{{4}})"
)


def _iban_pattern() -> re.Pattern[str]:
    """An alternative for each length, so that the words after an IBAN with spaces are not taken in."""
    by_length: dict[int, list[str]] = {}
    for country, length in checks._IBAN_LENGTHS.items():
        by_length.setdefault(int(length), []).append(country)
    alternatives = "|".join(
        rf"(?:{'|'.join(countries)})\d{{2}}(?:[ -]?[A-Z0-9]){{{length - 4}}}" for length, countries in by_length.items()
    )
    return _re(rf"(?<![A-Z0-9])(?:{alternatives})(?![A-Z0-9])")


RULES: tuple[tuple[Rule, ...], ...] = (
    (  # what leaves no doubt
        Rule(
            "URL_CREDENTIALS",
            _re(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@<>\"']{1,200}:[^\s/@<>\"']{1,200}@" + _URL_TAIL),
        ),
        Rule(
            "URL_CREDENTIALS",
            _re(
                r"\bhttps?://[^\s<>\"'?]{1,500}\?(?:[^\s<>\"'&]{0,500}&){0,20}"
                r"(?:access_token|token|api_?key|key|password|pwd|secret|sig|signature)=" + _URL_TAIL
            ),
        ),
        Rule("EMAIL_ADDRESS", re.compile(r"(?<![\w.+%-])[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?!\w)")),
        Rule("IBAN_CODE", _iban_pattern(), _is_iban),
        Rule("CREDIT_CARD", re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){11,18}(?![\w]|[.-]\d)"), _is_card),
        Rule(
            "US_SSN",
            re.compile(
                _EDGE + r"(?!000|666|9\d\d)\d{3}(?P<dash>[- ])(?!00)\d{2}(?P=dash)(?!0000)\d{4}(?![\w]|-\d)"
            ),
        ),
        Rule("IP_ADDRESS", re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)"), _is_ip),
        Rule("IP_ADDRESS", _re(r"(?<![\w:.])(?=[0-9a-f]*:)[0-9a-f:]{2,39}(?:\.\d{1,3}){0,3}(?![\w:])"), _is_ip),
    ),
    (
        Rule("DOMAIN_NAME", _re(r"\b(?:https?://|www\.)" + _URL_TAIL + "/?")),
        Rule("US_SSN", re.compile(_EDGE + r"(?!000|666|9\d\d)\d{9}(?!\w)"), _is_bare_ssn),
        Rule(
            "NATIONAL_ID",
            _re(
                r"(?<!\w)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?!\w)"
                r"|(?<!\w)[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?!\w)"
            ),
        ),
        Rule("NATIONAL_ID", _re(r"(?<!\w)\d{8}-?[A-Z](?!\w)"), lambda t, m: checks.spanish_id(m[0].replace("-", ""))),
        Rule(
            "NATIONAL_ID",
            re.compile(r"(?<!\w)[12] ?\d{2} ?\d{2} ?\d{2} ?\d{3} ?\d{3} ?\d{2}(?!\w)"),
            lambda t, m: checks.french_id(checks.digits(m[0])),
        ),
        Rule(
            "NATIONAL_ID",
            _re(
                r"\b(?:passport|national id|id card|identity card|tax id|steuer-?id|personnummer|pesel|nino)"
                r"(?: (?:number|no\.?|nr\.?))?(?: is|:| #|#)? ?"
                r"(?P<value>(?=[A-Z]{0,3}[0-9])[A-Z0-9][A-Z0-9-]{5,14})(?!\w)"
            ),
        ),
        Rule(
            "US_DRIVER_LICENSE",
            _re(
                r"\bdriv(?:er|ing)['’]?s? licen[sc]e(?: (?:number|no\.?))?(?: is|:| #|#)? ?"
                r"(?P<value>(?=[A-Z]{0,2}[0-9])[A-Z0-9][A-Z0-9-]{5,19})(?!\w)"
            ),
        ),
    ),
    (
        Rule(
            "PHONE_NUMBER",
            re.compile(
                r"(?<![\w.+])\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d(?:[ .-]?\d){5,12}" + _EXTENSION + r"(?!\d)"
            ),
            _phone_like,
        ),
        Rule(
            "PHONE_NUMBER",
            re.compile(
                r"(?<![\w.+(])(?:(?:\+?1|001)[-. ])?(?:\(\d{3}\)[ ]?|\d{3}[-.])\d{3}[-.]\d{4}"
                + _EXTENSION
                + r"(?!\d|[-.]\d)"
            ),
        ),
        Rule("PHONE_NUMBER", re.compile(r"(?<![\w(])\(\d{1,5}\)[ ]?\d{2,4}[ -]\d{3,4}(?:[ -]\d{2,4})?(?!\d|[-.]\d)")),
        Rule(
            "PHONE_NUMBER",
            re.compile(r"(?<![\w.+/(-])\d{1,5}(?:[ -]\d{1,7}|[.]\d{2,4}){1,5}(?!\d|[-.]\d)"),
            _is_weak_phone,
        ),
        Rule(
            "PHONE_NUMBER",
            re.compile(r"(?<![\w.+/-])\d{7,14}(?!\d|[-.]\d)"),
            lambda t, m: _before(t, m, _PHONE_WORD, 20) or _PHONE_LABEL.match(t, m.end()) is not None,
        ),
        Rule(
            "DATE_OF_BIRTH",
            _re(
                rf"\b(?:born(?: on)?|date of birth|birth ?date|birthday|d\.?o\.?b\.?|geboren(?: am)?)"
                rf"(?: is| was)?\s?:?\s{{0,3}}(?P<value>{_DAY})"
            ),
        ),
        Rule("AGE", _re(r"(?<![\w.,-])(?P<value>\d{1,3})(?=[ -]?(?:years?|yrs?)[ -]?old\b| ?y/o\b)")),
        Rule(
            "AGE",
            _re(
                r"\b(?:just turned|i'?ll turn|aged?:?|at the age of|(?:when )?(?:he|she) was) "
                r"(?P<value>\d{1,3})(?![\w%]|[.,]\d)"
            ),
        ),
        Rule(
            "ZIP_CODE",
            _re(r"\b(?:zip|postal|post)(?: ?code)?(?: is|:)? (?P<value>[A-Z0-9](?:[ -]?[A-Z0-9]){2,8})(?!\w)"),
            lambda text, match: any(map(str.isdigit, match["value"])),
        ),
    ),
)  # fmt: skip
"""Groups of rules; what an earlier group found stays as it is found."""


def structured(text: str) -> list[list[Span]]:
    """What the rules find, a list for each group."""
    return [[span for rule in group for span in rule.spans(text)] for group in RULES]
