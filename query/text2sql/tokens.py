"""Questions and identifiers as tokens: words with offsets, quoted texts, numbers; stems and abbreviations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import Stemmer

TokenKind = Literal["word", "number", "quoted", "punctuation"]

_STEMMER = Stemmer.Stemmer("english")

_TOKEN = re.compile(
    r"""
    (?P<quoted>(?<!\w)'(?P<q1>[^']+(?:'\w[^']*)*)'(?!\w)|"(?P<q2>[^"]+)"|“(?P<q3>[^”]+)”|‘(?P<q4>[^’]+)’(?!\w))
    |(?P<number>[$€£]?\s?(?<![\w.])\d+(?:,\d{3})+(?:\.\d+)?[km]?%?(?!\w)
               |[$€£]?\s?(?<![\w.])-?\d+(?:\.\d+)?\s?(?:[km](?!\w))?%?(?![\w]))
    |(?P<word>[^\W_]+(?:'(?!s\b)[^\W\d_]+)?)
    |(?P<possessive>['’]s?(?!\w))
    |(?P<punct>[,;:.?!()/&*=<>+-]|_)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_A-Za-z]+")

NUMBER_WORDS = {
    "zero": 0, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "ninety": 90, "hundred": 100, "thousand": 1000, "million": 1_000_000, "twice": 2, "once": 1,
}  # fmt: skip
SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}

ABBREVIATIONS = {
    "num": "number", "nbr": "number", "qty": "quantity", "amt": "amount", "avg": "average", "dept": "department",
    "desc": "description", "descr": "description", "addr": "address", "lat": "latitude", "lng": "longitude",
    "fname": "first name", "lname": "last name", "firstname": "first name", "lastname": "last name",
    "dob": "date of birth", "yr": "year", "pct": "percent", "emp": "employee", "cust": "customer", "prod": "product",
    "acct": "account", "tel": "telephone", "stu": "student", "prof": "professor", "crs": "course",
    "mgr": "manager", "loc": "location", "pos": "position", "min": "minimum", "max": "maximum", "org": "organization",
    "inv": "invoice", "gnp": "gnp", "tx": "transaction", "txn": "transaction", "ref": "reference", "dst": "destination",
    "src": "source", "middlename": "middle name", "fullname": "full name", "username": "user name",
    "birthdate": "birth date", "hiredate": "hire date", "startdate": "start date",
    "enddate": "end date", "hometown": "home town", "homepage": "home page", "lifespan": "life span",
    "zipcode": "zip code", "postcode": "post code", "timestamp": "time stamp", "cname": "name", "pname": "name",
    "sname": "name", "dname": "name", "ename": "name", "sal": "salary", "freq": "frequency", "temp": "temperature",
}  # fmt: skip


@dataclass(frozen=True)
class Token:
    """A token of a question. `lower` is its lower-case text (inside the quotes for a quoted text), `stem` its
    stem; `number` is set for digits and number words. `start` and `end` are character offsets."""

    text: str
    start: int
    end: int
    kind: TokenKind
    lower: str
    stem: str
    number: float | None = None

    @property
    def capital(self) -> bool:
        """True when the text starts with a capital letter."""
        return self.text[:1].isupper()


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The stem of one word, lower-case."""
    lower = word.lower()
    if lower in _IRREGULAR:
        return _IRREGULAR[lower]
    return str(_STEMMER.stemWord(lower))


_IRREGULAR = {
    "people": "person", "persons": "person", "children": "child", "men": "man", "women": "woman", "bought": "buy",
    "sold": "sell", "selling": "sell", "sells": "sell", "paid": "pay",
    "made": "make", "taught": "teach", "teaches": "teach",
    "teacher": "teacher", "held": "hold", "built": "build", "won": "win", "wrote": "write", "written": "write",
    "spent": "spend", "sent": "send", "took": "take", "taken": "take", "gave": "give", "given": "give",
    "grew": "grow", "lost": "lose", "ran": "run", "chose": "choose", "chosen": "choose", "data": "data",
    "countries": "countri", "policies": "polici", "employee": "employe", "employer": "employer",
    "universe": "univers", "university": "university", "universities": "university", "organizer": "organizer",
    "flew": "fly", "flown": "fly", "mice": "mouse", "feet": "foot", "geese": "goose", "media": "media",
    "shipped": "ship", "shipping": "ship", "shipment": "shipment", "general": "general", "generation": "generation",
    "produce": "produc", "product": "product", "products": "product", "production": "production",
    "operate": "oper", "operation": "operation", "community": "community", "communities": "community",
    "customs": "customs", "news": "news", "international": "international", "born": "born",
    "authors": "author", "author": "author", "authority": "authority", "numbers": "number", "numeral": "numeral",
    "cities": "citi", "status": "status", "statuses": "status", "state": "state", "states": "state",
    "station": "station", "stations": "station", "stat": "stat", "stats": "stat", "university's": "university",
    "relation": "relation", "relative": "relative", "active": "active", "activity": "activity",
    "activities": "activity", "action": "action", "actor": "actor", "actors": "actor", "act": "act",
    "apartment": "apartment", "apartments": "apartment", "department": "depart", "departments": "depart",
    "rating": "rating", "ratings": "rating", "rated": "rating",
    "leave": "leave", "leaves": "leave", "leaving": "leave", "left": "leave", "began": "begin", "begun": "begin",
    "depart": "leave", "departs": "leave", "departure": "departure", "departures": "departure",
}  # fmt: skip


def _number(text: str) -> float | None:
    """The number that a numeric text stands for: `50k`, `$1,200`, `12.5%` (percent signs are dropped)."""
    plain = re.sub(r"[$€£,%\s]", "", text.lower())
    scale = 1.0
    if plain.endswith(("k", "m")):
        scale = 1_000.0 if plain.endswith("k") else 1_000_000.0
        plain = plain[:-1]
    try:
        return float(plain) * scale
    except ValueError:
        return None


def tokenise(question: str) -> tuple[Token, ...]:
    """The tokens of `question` in order; possessive endings vanish, number words carry their number."""
    found: list[Token] = []
    for match in _TOKEN.finditer(question):
        text, start, end = match.group(), match.start(), match.end()
        if match.group("possessive") is not None:
            continue
        if match.group("quoted") is not None:
            inner = next(g for g in match.group("q1", "q2", "q3", "q4") if g is not None).strip()
            if inner:
                found.append(Token(inner, start, end, "quoted", inner.lower(), inner.lower()))
        elif match.group("number") is not None:
            stripped = text.strip()
            start += len(text) - len(text.lstrip())
            found.append(Token(stripped, start, end, "number", stripped.lower(), stripped.lower(), _number(stripped)))
        elif match.group("word") is not None:
            lower = text.lower()
            number = NUMBER_WORDS.get(lower)
            found.append(Token(text, start, end, "word", lower, stem(lower), None if number is None else float(number)))
        else:
            found.append(Token(text, start, end, "punctuation", text, text))
    return _scaled(found)


def _scaled(tokens: list[Token]) -> tuple[Token, ...]:
    """Join a number and its scale ("2 million") into one number token."""
    out: list[Token] = []
    for token in tokens:
        last = out[-1] if out else None
        if token.lower in SCALES and last is not None and last.number is not None and last.end + 1 >= token.start:
            value = last.number * SCALES[token.lower]
            out[-1] = Token(f"{last.text} {token.text}", last.start, token.end, "number", str(value), str(value), value)
        else:
            out.append(token)
    return tuple(out)


# abbreviations only where they are the whole of a name: "long" is no longitude in `long_name`
_WHOLE = {"long": "longitude", "yearid": "year id", "userid": "user id", "orderid": "order id"} | {
    f"{noun}id": f"{noun} id" for noun in ("player", "team", "product", "customer", "employee", "student", "course")
}


@lru_cache(maxsize=20_000)
def words_of(identifier: str) -> tuple[str, ...]:
    """The lower-case words of an identifier or label: `ShipCountry`, `ship_country` and "Ship country" give
    ("ship", "country"); well-known abbreviations are written out."""
    whole = ABBREVIATIONS.get(identifier.lower()) or _WHOLE.get(identifier.lower())
    if whole is not None:
        return tuple(whole.split())
    words: list[str] = []
    for part in _prefixed(_PART.findall(identifier)):
        lower = part.lower()
        words.extend(ABBREVIATIONS.get(lower, lower).split())
    return tuple(words)


_PREFIXED = frozenset(
    {"name", "type", "id", "title", "code", "year", "date", "price", "state", "city", "country", "address"}
)


def _prefixed(parts: list[str]) -> list[str]:
    """The parts of an identifier without a letter that stands for its table: `GName`, `gtype`."""
    if len(parts) == 2 and len(parts[0]) == 1 and parts[1].lower() in _PREFIXED:
        return parts[1:]
    if len(parts) == 1 and parts[0].lower()[1:] in _PREFIXED and parts[0].lower() not in ("update", "estate"):
        return [parts[0][1:]]
    return parts


@lru_cache(maxsize=50_000)
def stems_of(identifier: str) -> tuple[str, ...]:
    """The stems of the words of an identifier or label."""
    return tuple(stem(w) for w in words_of(identifier))


@lru_cache(maxsize=200_000)
def value_key(text: str) -> str:
    """The form in which stored values and words of a question are compared: lower-case words, one space between."""
    return " ".join(re.findall(r"\w+", text.lower().replace("_", " ")))
