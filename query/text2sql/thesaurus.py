"""English that is the same for every database: words that carry no content, comparatives, and word families.

Tables, not code: a new word is one line here.
"""

from __future__ import annotations

# Words that ask, link or polish; they never count as unexplained.
FUNCTION_WORDS = frozenset(
    """a an the of in on at by to from for with within into onto about as per via and or but nor if than then so that
    this these those there here it its they their them he she his her him we our us i me my you your who whom whose
    which what when where why how is are was were be been being am do does did doing done has have had having can
    could will would shall should may might must not no none never without neither nor none yes all any some every
    each both either other another same different distinct unique such only just also too very more most less least
    fewer fewest many much few several list show give tell find return get display present provide select fetch
    retrieve report compute calculate determine identify name names names please want know like need see look us let
    count number total sum average mean minimum maximum min max highest lowest largest smallest biggest greatest
    best worst top bottom first last order ordered sort sorted ascending descending alphabetical alphabetically
    increasing decreasing lexicographical reverse rank ranked ranking group grouped between above below over under
    up down out off at exactly equal equals equaling greater higher larger lower smaller bigger longer shorter
    corresponding associated respective respectively together along including include includes included contain
    contains containing start starts starting begin begins beginning end ends ending word letter letters string
    substring text value values information info details detail record records data database entry entries row rows
    table answer question result results exist exists existing available currently current now today ever yet
    kind type kinds types sort thing things one ones it's there's what's who's s t common frequent frequently often
    popular appear appears appearing occur occurs belong belongs belonging contained located having possible
    regardless whether while after before during since until ago around across among amongst through according
    based terms term case cases use uses used using make makes made take takes taken come comes came go goes went
    put set held hold holds happen happened happens related involve involved involves share shares shared
    percentage percent proportion ratio fraction rate split breakdown broken trend compare compared versus vs
    overall altogether combined across entire whole per-cent amount amounts quantity compared previous next
    earliest latest recent recently newest oldest ones' own owned owns owning been anyone anybody someone who've
    full complete kind please exceed exceeds exceeding least greater-than descending ascending maximal minimal
    whom lot lots there're haven't hasn't don't doesn't didn't isn't aren't wasn't weren't cannot can't won't
    live lives living lived stay stays work works working worked earn earns earned say said ask call called
    named titled labelled known plus minus well still already once again much-needed excluding except apart
    either neither consist consists composed registered recorded stored belong listed mentioned given
    able currently-active along-with company our ours business us chart plot graph draw visualise visualize
    breakdown overview summary summarise summarize describe something anything everything nothing everyone
    somebody everybody nobody money whenever wherever whoever whatever""".split()
)

# Stems of words in FUNCTION_WORDS that a schema may nevertheless use as a name.
ARTICLES = frozenset({"a", "an", "the", "of", "its", "their", "his", "her", "all", "any", "some", "our", "my"})

_AGES = ("age", "birth date", "date of birth", "birth year", "birthday", "year founded", "founded", "date formed",
         "established", "built", "year built", "opening year", "opened", "year")  # fmt: skip

# unit words that end a column's name without being part of what people call it
UNITS = frozenset(
    """mph f c miles mile inches inch km kg cm mm ft feet usd eur gbp dollars pct percent percentage seconds minutes
    hours days ms lbs pounds mb gb kb m g l sqft millions billions thousands""".split()
)

# adjective -> (column words that it measures, direction of "more")
COMPARATIVES: dict[str, tuple[tuple[str, ...], int]] = {
    "older": (_AGES, 1),
    "younger": (_AGES, -1),
    "taller": (("height",), 1),
    "shorter": (("height", "length", "duration"), -1),
    "heavier": (("weight",), 1),
    "lighter": (("weight",), -1),
    "longer": (("length", "duration", "runtime", "time"), 1),
    "cheaper": (("price", "cost", "rate", "fee", "amount"), -1),
    "costlier": (("price", "cost", "rate", "fee", "amount"), 1),
    "pricier": (("price", "cost", "rate", "fee"), 1),
    "faster": (("speed", "time"), 1),
    "slower": (("speed",), -1),
    "richer": (("net worth", "assets", "money", "income", "salary"), 1),
    "bigger": (("size", "area", "population", "capacity"), 1),
    "larger": (("size", "area", "population", "capacity"), 1),
    "smaller": (("size", "area", "population", "capacity"), -1),
    "deeper": (("depth",), 1),
    "newer": (("year", "date", "built"), 1),
}

# superlative -> comparative of the same row
SUPERLATIVES: dict[str, str] = {
    "oldest": "older", "eldest": "older", "youngest": "younger", "tallest": "taller", "shortest": "shorter",
    "heaviest": "heavier", "lightest": "lighter", "longest": "longer", "cheapest": "cheaper", "costliest": "costlier",
    "priciest": "pricier", "fastest": "faster", "slowest": "slower", "richest": "richer", "deepest": "deeper",
    "newest": "newer",
}  # fmt: skip

# "most expensive": the adjective alone names the column
MEASURE_ADJECTIVES: dict[str, tuple[tuple[str, ...], int]] = {
    "expensive": (("price", "cost", "rate", "fee", "amount"), 1),
    "costly": (("price", "cost"), 1),
    "populous": (("population",), 1),
    "populated": (("population",), 1),
    "spacious": (("area", "size", "capacity"), 1),
}

# words that speak of a column by another name: (word stems of the question) -> column words to look for
FAMILIES: dict[str, tuple[str, ...]] = {
    "salary": ("pay", "wage", "compensation", "earnings", "income"),
    "price": ("cost", "rate", "charge"),
    "cost": ("price", "expense"),
    "phone": ("telephone", "mobile", "phone number", "telephone number", "contact number"),
    "telephone": ("phone", "phone number", "telephone number"),
    "email": ("mail", "email address", "e mail"),
    "gender": ("sex",),
    "sex": ("gender",),
    "country": ("nation", "nationality"),
    "nationality": ("country", "nation", "citizenship"),
    "location": ("place", "address", "city", "venue"),
    "city": ("town", "location"),
    "surname": ("last name",),
    "forename": ("first name",),
    "birthday": ("date of birth", "birth date"),
    "birth date": ("date of birth", "birthday"),
    "date of birth": ("birth date", "birthday"),
    "people": ("person", "individual"),
    "person": ("people", "individual"),
    "employee": ("staff", "worker", "clerk"),
    "staff": ("employee",),
    "teacher": ("instructor", "professor", "faculty"),
    "professor": ("instructor", "teacher", "faculty"),
    "instructor": ("teacher", "professor"),
    "student": ("pupil",),
    "movie": ("film",),
    "film": ("movie",),
    "song": ("track",),
    "track": ("song",),
    "singer": ("artist",),
    "car": ("vehicle", "automobile"),
    "company": ("firm", "business", "manufacturer"),
    "manufacturer": ("maker", "company", "producer"),
    "maker": ("manufacturer",),
    "customer": ("client", "buyer", "account", "user"),
    "client": ("customer",),
    "product": ("item", "good", "goods"),
    "item": ("product",),
    "order": ("purchase",),
    "purchase": ("order",),
    "revenue": ("turnover", "sales"),
    "sale": ("revenue", "turnover"),
    "quantity": ("amount", "units"),
    "amount": ("total", "value", "sum"),
    "start date": ("date from", "from date", "begin date", "start"),
    "end date": ("date to", "to date", "end"),
    "year": ("yr",),
    "description": ("describe", "details"),
    "details": ("description", "detail"),
    "zip code": ("postal code", "post code", "zip"),
    "postal code": ("zip code", "post code", "zip"),
    "state": ("province", "county"),
    "document": ("file",),
    "course": ("class",),
    "class": ("course",),
    "degree": ("program",),
    "author": ("writer",),
    "writer": ("author",),
    "rating": ("score", "stars"),
    "score": ("rating", "points", "grade"),
    "point": ("score",),
    "grade": ("score", "mark"),
    "major": ("field of study", "subject"),
    "duration": ("length", "runtime"),
    "length": ("duration",),
    "department": ("division", "dept"),
    "doctor": ("physician",),
    "physician": ("doctor",),
    "flight": ("trip",),
    "airport": ("airfield",),
    "party": ("political party", "affiliation"),
    "theme": ("topic", "subject"),
    "team": ("club", "squad"),
    "club": ("team",),
    "title": ("name",),
    "name": ("title",),
    "capacity": ("size", "seats"),
    "manager": ("boss", "supervisor", "reports to"),
    "category": ("type", "kind"),
    "type": ("category", "kind"),
    "quarter": ("period",),
    "supplier": ("vendor",),
    "shipper": ("carrier",),
    "born": ("birth",),
    "identifier": ("id",),
    "id": ("identifier", "code"),
    "code": ("id",),
    "language": ("tongue",),
    "outcome": ("result",),
    "result": ("outcome",),
    "founded": ("established", "founding", "creation", "opened"),
    "neighborhood": ("area", "district"),
    "invoice": ("bill",),
    "bill": ("invoice",),
    "payment": ("pay",),
    "ticket": ("case", "issue"),
    "mean": ("average", "avg"),
    "rate": ("ratio", "percentage", "proportion"),
    "percentage": ("rate", "ratio", "percent"),
    "unsure": ("uncertain",),
    "nominee": ("nominated person",),
    "store": ("shop",),
    "shop": ("store",),
    "cinema": ("movie theater", "theater"),
    "attendance": ("attendances", "audience", "spectators"),
    "injured": ("injuries",),
    "killed": ("deaths", "casualties"),
    "death": ("killed", "died"),
    "longitude": ("long",),
    "latitude": ("lat",),
    "organisation": ("organization",),
    "colour": ("color",),
    "color": ("colour",),
    "enrolment": ("enrollment",),
    "enrollment": ("enrolment",),
    "hometown": ("home town",),
    "nickname": ("nick name",),
}

# question words that stand for a kind of column
QUESTION_COLUMNS: dict[str, tuple[str, ...]] = {
    "where": ("location", "city", "address", "place", "country", "venue"),
    "when": ("date", "time", "year"),
}

# stored values that are letters for words, in columns that hold nothing else
VALUE_WORDS: tuple[dict[str, tuple[str, ...]], ...] = (
    {
        "m": ("male", "men", "man", "boy", "boys", "males"),
        "f": ("female", "women", "woman", "girl", "girls", "females"),
        "male": ("men", "man", "boys", "males"),
        "female": ("women", "woman", "girls", "females"),
        "o": (), "u": (), "other": (), "x": (), "unknown": (),
    },
)  # fmt: skip

# verbs and the tables that record them
VERB_NOUNS: dict[str, tuple[str, ...]] = {
    "buy": ("order", "purchase", "sale"),
    "sell": ("order", "sale", "purchase"),
    "purchas": ("order", "purchase"),
    "pay": ("payment",),
    "view": ("view", "visit"),
    "enrol": ("enrolment", "enrollment"),
    "enroll": ("enrolment", "enrollment"),
    "visit": ("visit",),
    "review": ("review",),
    "rate": ("rating", "review"),
}

# irregular verb forms, which may stand in a question without naming anything
PARTICIPLES = frozenset(
    """sold bought made held won lost paid spent sent taken given written taught led ran run kept met left got built
    grown grew shown seen saw done gone went flown flew drawn driven rode ridden spoken chosen born wrote took gave
    brought caught found felt heard hit cut put let read said told thought understood became become began begun broke
    broken fell fallen forgotten hid hidden knew known laid lent rose risen sang set shut slept stood stolen swam
    swept swore thrown threw wore worn teach teaches teach owe owes spend spends buy buys sell sells bring
    brings""".split()
)

TRUE_VALUES = ("1", "true", "t", "yes", "y")
FALSE_VALUES = ("0", "false", "f", "no", "n")
