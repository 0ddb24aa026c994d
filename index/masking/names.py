"""Names of persons that nobody told us, by their form: titles, words that introduce a name, lists of names.

This is a help, not a promise: without a language model some names are missed, and some words are taken for names.
The names that the workspace knows are found by `index.masking.known`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from index.masking.fold import fold
from index.masking.given import given_names, surnames
from index.masking.spans import Span

_TOKEN = re.compile(r"[^\W\d_][\w'’-]*|[.,:;!?\n()\"“”>|/]|\S")
_TITLES = frozenset(
    "mr mrs ms miss mx dr prof professor sir madam mme mlle herr frau señor señora sra signor signora don doña".split()
)
_INTRODUCE = re.compile(
    r"(?:\b(?:name(?:'s| is)|called|named|calls? me|dear|regards,|sincerely,|cheers,|i am|i'm|this is|signed|says|said|"
    r"follow up with|hi|hello)|\b(?:name|attn|contact|from|to|cc|by|author|signed):)\s{1,8}$",
    re.IGNORECASE,
)
_SPEECH = re.compile(
    r"\s?:\s?[\"“]|,? (?:says|said|told|asked|wrote|replied|lives (?:at|in|on)|began|was born|is from|shouted)\b"
    r"|['’]s (?:name|wife|husband|son|daughter|kid|e-?mail|phone)\b"
)
_PARTICLES = frozenset("de da di del della van von der den la le du dos das bin al el ten ter zu af y e".split())
_COMPANY = re.compile(
    r"(?:[ ,]+(?:and|&)[ ]\w+)?[ ,]+(?:Inc|INC|Ltd|LTD|LLC|PLC|plc|GmbH|AG|Corp|Corporation|Company|Co\.|Group|Sons|"
    r"Bank|University|Foundation|Holdings?|Partners|Associates|Institute|AB|Oy|AS|SA|BV|NV|SpA|Srl|Orchestra|"
    r"Street|Avenue|Road)\b"
)
# Names that are more often something else: ordinary words, months, places, peoples.
_ORDINARY = frozenset(
    fold(word)
    for word in """
    a about account african after again all also am america american an and answer any april are art as asia ask at
    august australia austria autumn baby baker banks bar bay be belgium bell best bill black blue bond book bot both
    box branch brand brazil britain british brook brown bush but by call camp can canada canadian canyon carolina
    carry case cash chance chase china chinese church city clay cliff close cole color colour company contact cook
    country court croatia croatian cross cuba customer cyprus czech dakota danish date day days dean dear december
    deer denmark desk do dollar drew drive dublin duke dutch each early earth east else email ember england english
    estonia europe even ever every fair faith farmer fax february field finnish first fish fisher florida flower for
    forest fortune fox france free french friday frost gene general georgia german germany give go gold good grace
    grand grant gray great greece greek green greenland grove guy had hall hand harbor hardy has have he head heart
    hello help her here hi hill him his holiday hope house how hungarian hungary hunter i iban iceland if in india
    invoice iran iraq ireland irish is israel it italian italy its jacket jamaica january japan japanese job jordan
    joy judge july june just kenya key kind king knight know lake land lane last latvia law lead let life light like
    line list lithuania little london long look lord love low made madrid main major malta man many march marine
    mark mars may me meadow mean meet mercy messe mexico mine miss mobile monday montana moon more most mountain mr
    mrs ms much my nation netherlands new nice night no noble nor north norway norwegian not note november now
    october of off office old on one only or order other our out over own page paris park pay peace phone piece ping
    place please point poland polish pool poor pope portugal portuguese post power press price prince princess
    product public queen rain rainbow read red rest rice rich ridge river road rock roman romania rose royal russia
    russian sage sale same saturday say scotland scottish sea season see send september ser serbia service she ship
    shop short should silver size sky slovakia slovenia small so some son song south spain spanish spring st star
    state still stone storm street strong such sue summer sun sunday support sure swan sweden swedish swiss
    switzerland sydney take team tell temple tent texas than thank that the their them then there they this thursday
    ticket to today tom too town trail tube tuesday turkey turkish two ukraine under up uruguay us usa use valley
    van very via victory vienna virginia wales wall war was washington way we wednesday week well were west what
    when where which white who why will winter wise with wolf wood word work worth would write yes yet york you
    young your zealand zip
    """.split()
)  # fmt: skip


@dataclass(frozen=True)
class _Word:
    start: int
    end: int
    text: str
    folded: str

    @property
    def capital(self) -> bool:
        return self.text[0].isupper()

    @property
    def initial(self) -> bool:
        return len(self.text) == 1 and self.text.isupper()


def persons(text: str) -> list[Span]:
    """Spans of PERSON: capitalised words that a title, an introduction or the lists of names make a name."""
    words = [_Word(m.start(), m.end(), m[0], fold(_bare(m[0]))) for m in _TOKEN.finditer(text)]
    small = {word.text for word in words if word.text.islower()}  # "list" says that "List" is no name here
    spans: list[Span] = []
    at = 0
    while at < len(words):
        run = _run(text, words, at)
        if run:
            spans += _named(text, words, at, run, small)
        at += max(len(run), 1)
    return spans


def _bare(token: str) -> str:
    """The token without a possessive ending."""
    return re.sub(r"['’]s?$", "", token)


def _run(text: str, words: list[_Word], at: int) -> list[_Word]:
    """Capitalised words from `at` on, with initials, their points and particles between them."""
    run: list[_Word] = []
    for place in range(at, len(words)):
        word = words[place]
        if run and not _joined(text[run[-1].end : word.start]):
            break
        last = run[-1] if run else None
        if word.capital and word.text[0].isalpha() and word.folded not in _TITLES:
            run.append(word)
            if word.text != _bare(word.text):
                break
        elif last is not None and (
            (word.text == "." and last.initial) or (word.folded in _PARTICLES and word.text.isalpha())
        ):
            run.append(word)
        else:
            break
    while run and not (run[-1].capital and run[-1].text[0].isalpha()):
        run.pop()
    return run


def _joined(between: str) -> bool:
    return between in ("", " ", "  ")


def _named(text: str, words: list[_Word], at: int, run: list[_Word], small: set[str]) -> list[Span]:
    """The person that a run of words names, if it names one."""
    start, end = run[0].start, run[-1].start + len(_bare(run[-1].text))
    if _COMPANY.match(text, end):
        return []
    titled = _titled(words, at)
    spoken = _SPEECH.match(text, end) is not None
    kept = run if titled else _trimmed(run)
    if not kept:
        return []
    start = kept[0].start
    told = _INTRODUCE.search(text, max(0, start - 20), start) is not None
    given, family = given_names(), surnames()
    full = [word for word in kept if word.text != "." and not word.initial and word.folded not in _PARTICLES]
    rare = [w for w in full if w.folded not in _ORDINARY]
    known_given = [w for w in rare if _any(w.folded, given)]
    known = [w for w in rare if w in known_given or _any(w.folded, family)]
    several = 2 <= len(full) <= 4
    whole = (
        titled
        or (several and ((known_given and len(full) == 2) or full[-1] in known))
        or (len(rare) == len(full) and (told or spoken or (several and any(w.initial for w in kept[1:-1]))))
        or (len(full) == 1 and known and not _shouted(full[0].text) and full[0].text.lower() not in small)
    )
    if whole and full:
        return [Span(start, end, "PERSON")]
    if len(full) == 3:  # a given name before two words that are none: a thing that is called so
        return []
    return [Span(w.start, w.start + len(_bare(w.text)), "PERSON") for w in known_given if w.text.lower() not in small]


def _shouted(word: str) -> bool:
    return len(word) <= 4 and word.isupper()


def _titled(words: list[_Word], at: int) -> bool:
    before = words[at - 1] if at else None
    if before is not None and before.text == ".":
        before = words[at - 2] if at > 1 else None
    return before is not None and before.folded in _TITLES and before.capital


def _trimmed(run: list[_Word]) -> list[_Word]:
    """The run without ordinary words at its front ("The", "When", "Dear")."""
    at = 0
    while at < len(run) and (run[at].folded in _ORDINARY or not run[at].text[0].isalpha()) and len(run) > at:
        at += 1
    return run[at:]


def _any(folded: str, names: frozenset[str]) -> bool:
    """True for a name of the list, or a double name of two of them."""
    return folded in names or ("-" in folded and all(part in names for part in folded.split("-")))
