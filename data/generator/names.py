"""Words that names are made of: accounts, places, people, products."""

from __future__ import annotations

PREFIXES = (
    "Nord Alpen Berg Fell Glen Stein Pine Cedar Falk Wolf Silber Frost Elk Raven Adler Fjord Polar Granit "
    "Lark Wild Moor Amber Birken Kestrel Hazel Arve Bram Corrie Tarn Vindel Skar Ulven Rowan Juniper"
).split()
SUFFIXES = (
    "wand field gate crest haven horn brook wick dale vik holm mark land path fjell point strand ton burn spitz "
    "mere quist thal berg lund moen"
).split()
AVOID = frozenset(
    {
        "Wolfberg",
        "Pineland",
        "Moorland",
        "Wildland",
        "Nordland",
        "Bergberg",
        "Alpenland",
        "Adlerberg",
        "Alpenhorn",
        "Elkhorn",
        "Bergmark",
        "Steinberg",
        "Wildfield",
        "Rowanton",
        "Pinecrest",
    }
)

COUNTRIES: dict[str, tuple[tuple[str, tuple[str, ...], str], ...]] = {
    "EMEA": (
        ("Germany", ("Munich", "Hamburg", "Stuttgart", "Leipzig"), "Sport GmbH|Outdoor AG|Bergsport GmbH|Handels GmbH"),
        ("France", ("Lyon", "Grenoble", "Annecy"), "Montagne SA|Plein Air SARL|Randonnée SAS"),
        ("United Kingdom", ("Leeds", "Manchester", "Edinburgh"), "Outfitters Ltd|Outdoor plc|Trading Ltd"),
        ("Switzerland", ("Zürich", "Bern", "Chur"), "Bergsport AG|Sport AG|Alpin AG"),
        ("Austria", ("Innsbruck", "Graz", "Salzburg"), "Sport GmbH|Alpin KG"),
        ("Italy", ("Turin", "Bolzano", "Milan"), "Montagna SpA|Sport Srl"),
        ("Spain", ("Madrid", "Bilbao"), "Montaña SL|Deportes SA"),
        ("Norway", ("Oslo", "Bergen"), "Friluft AS|Sport AS"),
        ("Sweden", ("Stockholm", "Malmö"), "Friluft AB|Outfitters AB"),
        ("Netherlands", ("Utrecht", "Rotterdam"), "Buitensport BV|Outdoor BV"),
        ("Poland", ("Kraków", "Gdynia"), "Sport Sp. z o.o.|Outdoor SA"),
        ("South Africa", ("Cape Town",), "Adventure Pty|Outdoor Ltd"),
    ),
    "AMER": (
        (
            "United States",
            ("Denver", "Portland", "Seattle", "Boulder", "Salt Lake City"),
            "Outfitters Inc|Outdoor LLC|Gear Co|Supply Corp",
        ),
        ("Canada", ("Calgary", "Vancouver", "Montréal"), "Outfitters Ltd|Gear Inc"),
    ),
    "APAC": (
        ("Japan", ("Tokyo", "Sapporo"), "Sports KK|Outdoor KK"),
        ("Australia", ("Melbourne", "Brisbane"), "Adventure Pty|Camping Pty"),
        ("New Zealand", ("Christchurch", "Queenstown"), "Outdoor Ltd|Tramping Ltd"),
        ("South Korea", ("Seoul",), "Mountain Co|Outdoor Co"),
        ("Singapore", ("Singapore",), "Adventure Pte|Trading Pte"),
    ),
    "LATAM": (
        ("Chile", ("Santiago", "Puerto Montt"), "Montaña SpA|Aventura SA"),
        ("Argentina", ("Bariloche", "Mendoza"), "Montaña SA|Aventura SRL"),
        ("Brazil", ("São Paulo", "Curitiba"), "Aventura Ltda|Esportes SA"),
        ("Mexico", ("Monterrey", "Mexico City"), "Montaña SA|Deportes SA"),
    ),
}
INDUSTRIES = ("Specialty Retail", "Department Store", "Online Retail", "Rental and Guiding", "Sporting Goods Chain")

FIRST_NAMES = (
    "Anna Lukas Marie Jonas Claire Antoine Emma Oliver Sophie James Isla Harry Laura Marco Giulia Matteo Ingrid "
    "Lars Astrid Erik Femke Daan Zofia Piotr Thandi Sipho Emily Michael Jessica David Ashley Ryan Chloe Liam "
    "Yuki Haruto Sakura Kenji Olivia Jack Ruby Noah Minji Joon Mei Wei Camila Diego Valentina Mateo Luiza Pedro "
    "Lucia Javier Carmen Pablo Hanna Felix Elin Oskar Nadia Karim Greta Tobias Helena Bruno"
).split()
LAST_NAMES = (
    "Keller Brandt Vogel Hartmann Dubois Lefèvre Moreau Girard Hughes Bennett Fletcher Marsh Meier Baumann "
    "Gruber Hofer Rossi Conti Ferrari Marino García Navarro Iglesias Olsen Haugen Lindqvist Nyström "
    "Vermeer Bakker Kowalski Nowak Dlamini Botha Carter Brooks Sullivan Hayes Tremblay Gagnon Tanaka Sato "
    "Yamamoto Walker Murray Harper Whitaker Kim Park Lim Tan Rojas Fuentes Pereyra Álvarez Silva Oliveira "
    "Ramírez Herrera Schäfer Winter Jansen Petrov Andersson Okafor Rinaldi Costa"
).split()
TITLES = (
    "Head of Purchasing",
    "Buyer",
    "Category Manager",
    "Store Operations Manager",
    "Finance Manager",
    "Managing Director",
    "Logistics Coordinator",
    "Merchandising Lead",
)

RANGES = (
    "Föhn Sirocco Mistral Zephyr Bora Chinook Cirrus Nimbus Aurora Solstice Tundra Boreal Moraine Serac Couloir "
    "Karst Scree Arête Ibex Chamois Condor Harrier Puffin Ptarmigan Saxifrage Gentian Edelweiss Larkspur Lichen "
    "Basalt Gneiss Quartz Obsidian Pumice Meridian Azimuth Waypoint Cairn Bivouac Traverse Belvedere Refuge Canyon "
    "Mesa Fathom Drift Ember Kindle Halcyon Equinox Perigee Zenith Borealis Cornice Firn Spindrift Rime Hoar"
).split()

Noun = tuple[str, int, str]
"""A product noun, its list price in euro before variation, its warranty class."""
CATEGORIES: dict[str, tuple[Noun, ...]] = {
    "Jackets": (
        ("Shell Jacket", 280, "Ridge"),
        ("Down Jacket", 320, "Ridge"),
        ("Rain Jacket", 160, "Trail"),
        ("Softshell Jacket", 190, "Trail"),
        ("Fleece Jacket", 110, "Basecamp"),
    ),
    "Trousers": (("Trekking Trousers", 120, "Trail"), ("Rain Trousers", 95, "Trail"), ("Shorts", 60, "Basecamp")),
    "Base Layers": (
        ("Merino Shirt", 85, "Basecamp"),
        ("Thermal Leggings", 65, "Basecamp"),
        ("Trail Tee", 45, "Basecamp"),
    ),
    "Footwear": (
        ("Hiking Boots", 210, "Trail"),
        ("Mountain Boots", 340, "Ridge"),
        ("Trail Shoes", 140, "Basecamp"),
        ("Approach Shoes", 150, "Trail"),
    ),
    "Backpacks": (("Trekking Pack 60", 230, "Summit"), ("Daypack 24", 95, "Ridge"), ("Alpine Pack 38", 170, "Summit")),
    "Tents": (("Two-Person Tent", 390, "Ridge"), ("Family Tent", 620, "Ridge"), ("Ultralight Tent", 540, "Trail")),
    "Sleeping Bags": (
        ("Down Sleeping Bag", 330, "Ridge"),
        ("Synthetic Sleeping Bag", 150, "Trail"),
        ("Summer Quilt", 120, "Trail"),
    ),
    "Cookware": (("Gas Stove", 75, "Trail"), ("Cooking Set", 65, "Ridge"), ("Coffee Press", 35, "Basecamp")),
    "Climbing": (("Harness", 80, "Trail"), ("Helmet", 70, "Trail"), ("Carabiner Set", 55, "Summit")),
    "Lighting": (("Headlamp", 60, "Spark"), ("Camp Lantern", 50, "Spark")),
    "Bottles & Mugs": (("Insulated Bottle", 38, "Summit"), ("Camp Mug", 18, "Basecamp")),
    "Trekking Poles": (("Carbon Poles", 130, "Ridge"), ("Folding Poles", 110, "Ridge")),
}
COLOURS: dict[str, str] = {
    "Alpine Blue": "#2f6fb0",
    "Moss Green": "#5f7d3a",
    "Rust Orange": "#c8622d",
    "Charcoal": "#4a4f55",
    "Glacier Grey": "#9fb3bd",
    "Sunset Red": "#b83a3a",
    "Mustard": "#d2a32c",
    "Night Navy": "#25304f",
    "Heather Purple": "#7a5a8c",
    "Sand": "#c9b48a",
    "Pine": "#2f5d50",
    "Coral": "#e07a67",
}
MATERIALS: dict[str, tuple[str, ...]] = {
    "Jackets": ("recycled nylon", "three-layer polyester", "organic cotton blend"),
    "Trousers": ("stretch nylon", "recycled polyester"),
    "Base Layers": ("merino wool", "recycled polyester"),
    "Footwear": ("nubuck leather", "recycled mesh"),
    "Backpacks": ("ripstop nylon", "recycled polyester"),
    "Tents": ("silicone-coated nylon", "recycled polyester"),
    "Sleeping Bags": ("recycled nylon", "organic cotton"),
    "Cookware": ("anodised aluminium", "stainless steel", "titanium"),
    "Climbing": ("nylon webbing", "forged aluminium"),
    "Lighting": ("recycled polycarbonate", "aluminium"),
    "Bottles & Mugs": ("stainless steel", "enamelled steel"),
    "Trekking Poles": ("carbon fibre", "aluminium"),
}
