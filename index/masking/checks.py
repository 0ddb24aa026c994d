"""Check digits: what tells a number that identifies somebody from any other number."""

from __future__ import annotations

import ipaddress
import re

_IBAN_LENGTHS = dict(
    pair.split("=")
    for pair in (
        "AD=24 AE=23 AL=28 AT=20 AZ=28 BA=20 BE=16 BG=22 BH=22 BR=29 BY=28 CH=21 CR=22 CY=28 CZ=24 DE=22 DK=18 DO=28 "
        "EE=20 EG=29 ES=24 FI=18 FO=18 FR=27 GB=22 GE=22 GI=23 GL=18 GR=27 GT=28 HR=21 HU=28 IE=22 IL=23 IQ=23 IS=26 "
        "IT=27 JO=30 KW=30 KZ=20 LB=28 LC=32 LI=21 LT=20 LU=20 LV=21 LY=25 MC=27 MD=24 ME=22 MK=19 MR=27 MT=31 MU=30 "
        "NL=18 NO=15 PK=24 PL=28 PS=29 PT=25 QA=29 RO=24 RS=22 SA=24 SC=31 SD=18 SE=24 SI=19 SK=24 SM=27 ST=25 SV=28 "
        "TL=23 TN=24 TR=26 UA=29 VA=22 VG=24 XK=20"
    ).split()
)


def digits(text: str) -> str:
    """The ASCII digits of `text`."""
    return re.sub(r"[^0-9]", "", text)


def luhn(number: str) -> bool:
    """True when the digits end with their Luhn check digit."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban_length(country: str) -> int:
    """How many characters an IBAN of that country has; 0 for a country without IBANs."""
    return int(_IBAN_LENGTHS.get(country.upper(), 0))


def iban(text: str) -> bool:
    """True for an IBAN (no spaces) of the right length whose remainder modulo 97 is 1."""
    if len(text) != iban_length(text[:2]) or not text.isalnum() or not text.isascii():
        return False
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1


def spanish_id(text: str) -> bool:
    """True for a Spanish DNI: eight digits and the letter that belongs to them."""
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(text[:8]) % 23] == text[8].upper()


def french_id(text: str) -> bool:
    """True for a French social security number of 15 digits, by its key."""
    return 97 - int(text[:13]) % 97 == int(text[13:])


def address(text: str) -> bool:
    """True for an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
