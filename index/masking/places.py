"""Postal addresses by their form: a street with a number, in the forms of Western languages, and what follows it."""

from __future__ import annotations

import re

from index.masking.spans import Span

_WORD = r"[^\W\d_][\w'’.-]*"
_CAP = r"(?=[^\W\d_])(?![a-zà-öø-ÿ])[\w'’.-]+"
_NUMBER = r"\d{1,5}(?:[-/]\d{1,4})?[A-Za-z]?"
_ENGLISH = (
    r"(?:Streets?|St|Avenues?|Ave|Roads?|Rd|Lanes?|Ln|Drives?|Dr|Boulevards?|Blvd|Courts?|Ct|Place|Pl|Squares?|Sq|Terrace|"
    r"Ter|Highway|Hwy|Parkway|Pkwy|Way|Crescent|Close|Grove|Hill|Row|Mews|Trail|Circle|Cir|Quay|Walk|Gardens|Flat)\b\.?"
)
# Word endings that name a street in German, Dutch, the Nordic languages, Finnish, Estonian and Hungarian.
_SUFFIX = (
    r"[^\W\d_][\w'’.-]*(?:stra(?:ß|ss)e|str\.|gasse|weg|platz|allee|ring|damm|ufer|straat|laan|dijk|plein|kade|gracht|singel|"
    r"steenweg|lei|dreef|gata|gatan|gate|gaten|veien|vegen|vägen|väg|vej|gade|gränd|torg|torget|plads|stræti|götu|vegur|"
    r"katu|tie|kuja|polku|tänav|maantee|utca|út|tér|körút|sor)\b\.?"
)
_SEPARATE = (
    r"(?:Stra(?:ß|ss)e|Platz|Weg|Allee|utca|út|tér|krt\.|körút|u\.|tänav|mnt|iela|gatvė|g\.|gate|gata|vei|väg|vej|tee)"
)
_PREFIX = (
    r"(?:Rue|Avenue|Boulevard|Place|Chemin|Allée|Impasse|Quai|Via|Viale|Piazza|Largo|Corso|Vicolo|Strada|Contrada|Calle|C/|"
    r"Avenida|Avda\.?|Plaza|Paseo|Carrer|Carretera|Ctra\.?|Camino|Rúa|Rua|Travessa|Praça|Estrada|Alameda|Quinta|ul\.|ulica|"
    r"al\.|os\.|pl\.|Πλατεία|Οδός|ул\.|улица|проспект)"
)
_NAME = (
    rf"(?:{_CAP})(?:[ ](?:de|la|le|las|los|del|della|delle|dei|do|da|dos|das|des|du|van|der|den|of|the|{_CAP})){{0,4}}"
)
_UNIT = r"(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Room)\.?[ ](?:No\.?[ ])?#?\d{1,5}[A-Za-z]?\b"
_STREETS = (
    rf"{_NUMBER}[ ](?:{_NUMBER}[ ])?(?:{_CAP}[ ]){{1,4}}{_ENGLISH}",
    rf"(?:{_NUMBER}[ ])?(?:{_CAP}[ ]){{0,3}}{_SUFFIX}[ ]{_NUMBER}\b",
    rf"(?:{_NUMBER}[ ])?(?:{_CAP}[ ]){{1,3}}{_SEPARATE}[ ]{_NUMBER}\b\.?",
    rf"(?:{_NUMBER},?[ ])?{_PREFIX}[ ]{_NAME}(?:,?[ ]{_NUMBER}\b)",
    rf"{_NUMBER},?[ ]{_PREFIX}[ ]{_NAME}",
    rf"\d{{3,5}}[ ]{_NAME}[ ]{_NUMBER}\b",  # a number, a name and a number again
    rf"\d{{3,5}}[ ]{_NUMBER}[ ]{_NAME}",
    rf"\d{{3,5}}[ ]{_NAME}(?=,?[ \n]+{_UNIT})",
    rf"{_UNIT}",
    r"(?:P\.?[ ]?O\.?[ ]Box|PSC|Unit|USS)[ ](?:\d{1,5}|[A-Z][a-z]+)(?:,?[ ](?:Box|box)[ ]\d{1,5})?",
    r"(?:APO|FPO|DPO)[ ](?:AA|AE|AP)[ ]\d{5}",
)
_STREET = re.compile("|".join(rf"(?<![\w.-])(?:{street})(?!\w)" for street in _STREETS))
# What goes on with an address: a unit, a place with a post code, a country; on the same line or the next ones.
_PLACE = rf"{_CAP}(?:[ ]{_CAP}){{0,3}}"
_POSTCODE = r"(?:\d{3,6}(?:-\d{3,4})?|\d{3}[ ]\d{2}|[A-Z]{1,2}\d[\dA-Z]?[ ]\d[A-Z]{2}|[A-Z]\d[A-Z][ ]\d[A-Z]\d)"
_LINE = rf"(?:\n[>? ]*){{1,2}}{_PLACE}(?:[ ]?,?[ ]{_POSTCODE})?[ ]*(?=\n|$)"
_MORE = re.compile(
    rf"(?:{_LINE}|,[ ]*{_PLACE}|,?[ ]*\n?[>? ]*,?[ ]*(?:{_UNIT}|{_POSTCODE}(?:[ ]{_PLACE})?|{_PLACE}[ ]{_POSTCODE}|"
    rf"(?:APO|FPO|DPO)[ ](?:AA|AE|AP)[ ]\d{{5}}))(?!\w)"
)
_REACH = 5  # parts that may follow a street


def addresses(text: str) -> list[Span]:
    """Spans of STREET_ADDRESS; none in a text without digits."""
    if not any(map(str.isdigit, text)):
        return []
    spans: list[Span] = []
    end = 0
    for match in _STREET.finditer(text):
        if match.start() < end:
            continue
        end = match.end()
        for _ in range(_REACH):
            more = _MORE.match(text, end)
            if more is None:
                break
            end = more.end()
        spans.append(Span(match.start(), end, "STREET_ADDRESS"))
    return spans
