# ruff: noqa: E501 - a sentence a line reads better than a sentence cut
"""The texts of the library: warranty terms, care advice, playbooks, policies, product lines, contract clauses."""

from __future__ import annotations

Sections = tuple[tuple[str, str], ...]
"""Heading and text."""

WARRANTY: dict[str, tuple[str, Sections]] = {
    "Summit": (
        "10 years",
        (
            (
                "Term",
                "Products of warranty class Summit carry a warranty of 10 years from the day the end customer bought them.",
            ),
            (
                "What is covered",
                "Frames, buckles, forged parts and vacuum insulation are repaired or replaced free of charge. "
                "If a part is no longer made, we give a successor of at least the same value.",
            ),
            (
                "What is not covered",
                "Wear of foam and fabric, dents that do not affect use, and changes made by the owner.",
            ),
            (
                "How to claim",
                "The retailer files the claim in the portal with receipt and two photos. We decide within 10 working days "
                "and pay freight both ways.",
            ),
        ),
    ),
    "Ridge": (
        "5 years",
        (
            (
                "Term",
                "Products of warranty class Ridge carry a warranty of 5 years from the day the end customer bought them.",
            ),
            (
                "What is covered",
                "Seams, zips, membranes, poles and down fill. A delaminated membrane is replaced, not patched.",
            ),
            ("What is not covered", "Damage by fire, sharp edges or washing against the care label."),
            (
                "How to claim",
                "The retailer files the claim in the portal with receipt. Repairs take 15 working days in Munich; "
                "freight to us is paid by the retailer, freight back by us.",
            ),
        ),
    ),
    "Trail": (
        "3 years",
        (
            (
                "Term",
                "Products of warranty class Trail carry a warranty of 3 years from the day the end customer bought them.",
            ),
            (
                "What is covered",
                "Faults in material and workmanship: seams, zips, soles that come loose, valves and burners.",
            ),
            (
                "What is not covered",
                "Normal wear of soles and coatings, and use in rental fleets for more than 60 days a year.",
            ),
            (
                "How to claim",
                "The retailer files the claim in the portal with receipt and serial number. We repair first; "
                "a replacement follows when a repair is not possible.",
            ),
        ),
    ),
    "Basecamp": (
        "2 years",
        (
            (
                "Term",
                "Products of warranty class Basecamp carry a warranty of 2 years from the day the end customer bought them.",
            ),
            ("What is covered", "Faults in material and workmanship that show in normal use."),
            ("What is not covered", "Pilling, fading, shrinking and chipped enamel."),
            (
                "How to claim",
                "The retailer replaces the piece from stock and gets a credit note of the net price on the next invoice.",
            ),
        ),
    ),
    "Spark": (
        "1 year",
        (
            (
                "Term",
                "Products of warranty class Spark carry a warranty of 1 year from the day the end customer bought them; "
                "built-in batteries carry 6 months.",
            ),
            ("What is covered", "Electronics, switches, charging ports and sealing."),
            ("What is not covered", "Leaking third-party batteries and water damage below the rated depth."),
            (
                "How to claim",
                "The retailer files the claim in the portal with serial number. We replace the piece within 5 working days.",
            ),
        ),
    ),
}
CARE: dict[str, str] = {
    "Jackets": "Wash at 30 degrees with liquid detergent, no softener. Tumble dry warm for 20 minutes to revive the water repellency.",
    "Trousers": "Close all zips and wash inside out at 30 degrees. Do not iron the taped seams.",
    "Base Layers": "Wash merino at 30 degrees on a wool cycle and dry flat. Never use bleach.",
    "Footwear": "Remove the insoles, brush off dirt and dry slowly away from heaters. Wax nubuck leather every eight weeks.",
    "Backpacks": "Wash by hand with soap and a soft brush; no washing machine, because it harms the coating.",
    "Tents": "Dry fully before storing and never pack wet for more than two days. Reseal the floor seams every third season.",
    "Sleeping Bags": "Store loosely in the cotton sack. Wash down bags once a year with down soap and dry with tennis balls.",
    "Cookware": "Clean the burner jet with the needle after ten fuel cartridges. Do not scrub anodised pots with steel wool.",
    "Climbing": "Retire harnesses after ten years at the latest and helmets after any hard fall. Keep away from acids.",
    "Lighting": "Remove batteries before storage of more than three months. Rinse the seals with fresh water after use at sea.",
    "Bottles & Mugs": "Insulated bottles are not for the dishwasher. Remove smells with baking soda and warm water.",
    "Trekking Poles": "Take the segments apart to dry. Do not grease the locks.",
}
PLAYBOOKS: dict[str, tuple[str, Sections]] = {
    "falling-usage": (
        "Retention playbook: falling portal usage",
        (
            ("When to use", "Portal sessions of an account fall by more than 30 percent against the quarter before."),
            (
                "First step",
                "Call the primary contact within three days and ask which buyers have stopped ordering through the portal and why.",
            ),
            (
                "What to offer",
                "Book a 45 minute portal workshop with the buyers, set up saved baskets and stock alerts for their top products, "
                "and name a portal coach for 60 days.",
            ),
            (
                "Measure",
                "Sessions are back at 80 percent of the old level within eight weeks, else escalate to the regional sales manager.",
            ),
        ),
    ),
    "unresolved-tickets": (
        "Retention playbook: unresolved tickets",
        (
            ("When to use", "An account has two or more open tickets, or one that is open for more than ten days."),
            (
                "First step",
                "Name one owner for all open tickets of the account and send a summary with a promised date the same day.",
            ),
            (
                "What to offer",
                "A weekly call with the head of support until every ticket is closed, and express replacement for wrong or missing goods.",
            ),
            ("Measure", "No ticket older than ten days after three weeks."),
        ),
    ),
    "service-recovery": (
        "Retention playbook: unhappy customers and negative feedback",
        (
            ("When to use", "The tone of the tickets turns negative or a customer speaks of leaving."),
            (
                "First step",
                "The account owner apologises by phone within 24 hours, repeats the complaint in the customer's own words and agrees on the remedy.",
            ),
            (
                "What to offer",
                "A visit by the regional sales manager and a goodwill credit of up to 3 percent of the last quarter's orders.",
            ),
            ("Measure", "The next three tickets are neutral or better."),
        ),
    ),
    "late-payment": (
        "Retention playbook: late payment and billing dispute",
        (
            ("When to use", "One or more invoices are overdue, or the customer disputes an invoice."),
            (
                "First step",
                "Check with finance whether the invoices are disputed before any reminder goes out; stop dunning while a dispute is open.",
            ),
            (
                "What to offer",
                "Correct wrong invoices within five working days, and offer a payment plan of three instalments for amounts above 20,000 euro.",
            ),
            ("Measure", "No disputed invoice after 30 days."),
        ),
    ),
    "low-seat-use": (
        "Retention playbook: low seat use",
        (
            ("When to use", "Fewer than 45 percent of the portal seats are used."),
            (
                "First step",
                "Send the list of seats without a login in 30 days to the account's administrator and offer to hand them over.",
            ),
            (
                "What to offer",
                "Train new buyers in a group session, and move unused seats to other stores instead of cutting the contract.",
            ),
            ("Measure", "Seat use above 60 percent at the next review."),
        ),
    ),
    "price-pressure": (
        "Retention playbook: price pressure and competitor offers",
        (
            ("When to use", "The customer writes about prices, asks for a better discount or names a competitor."),
            ("First step", "Prepare a margin comparison for their ten best sellers before talking about discounts."),
            (
                "What to offer",
                "A volume bonus of up to 4 percent against a 24 month commitment. Discounts beyond 4 points need the approval of the sales director.",
            ),
            ("Measure", "Signed renewal without a discount beyond the corridor."),
        ),
    ),
    "renewal": (
        "Renewal playbook: the last 90 days",
        (
            ("Day 90", "Open the renewal in the CRM, review usage, tickets, payments and seats, and set the health."),
            ("Day 60", "Present the business review and the proposal for the next term."),
            (
                "Day 30",
                "Close open points with legal and get the signature; escalate unsigned renewals above 200,000 euro to the sales director.",
            ),
        ),
    ),
    "onboarding": (
        "Onboarding playbook: the first 60 days of a new account",
        (
            ("Week 1", "Set up the portal, import the price list and invite all buyers."),
            ("Week 3", "Train the store staff on the current collection and the warranty process."),
            ("Day 60", "Hold the first review with order history and open questions."),
        ),
    ),
    "upsell": (
        "Upsell playbook: growing healthy accounts",
        (
            ("When to use", "Orders have grown two quarters in a row and the account has no open complaint."),
            (
                "What to offer",
                "The coming collection with an early-order bonus of 5 percent, and shop-in-shop furniture from 150,000 euro annual value.",
            ),
            ("Do not", "Never offer more to an account with an overdue invoice."),
        ),
    ),
    "win-back": (
        "Win-back playbook: churned accounts",
        (
            ("When to use", "Between 90 and 365 days after an account has left."),
            ("What to offer", "A trial order with free return of unsold goods and three months of portal coaching."),
        ),
    ),
    "collection-launch": (
        "Launch playbook: a new collection",
        (
            ("Eight weeks before", "Send lookbooks to enterprise accounts and open the pre-order."),
            ("Two weeks before", "Ship displays; no order of the collection is delivered before its launch date."),
            ("After four weeks", "Compare sell-out with the plan and move slow sizes between stores."),
        ),
    ),
    "delivery-delays": (
        "Service playbook: delivery delays",
        (
            ("When to use", "An order is more than three days later than the requested delivery date."),
            ("First step", "Inform the customer before they ask, with a new date from the warehouse."),
            (
                "What to offer",
                "Free express freight for the rest of the order, and 2 percent credit for each week of delay up to 6 percent.",
            ),
        ),
    ),
}
POLICIES: dict[str, tuple[str, Sections]] = {
    "returns": (
        "Returns policy",
        (
            (
                "Unsold goods",
                "Enterprise accounts may return up to 8 percent of a seasonal order within 120 days; others up to 4 percent within 60 days.",
            ),
            (
                "Condition",
                "Goods must be in their original packing. The restocking fee is 10 percent, waived for faulty goods.",
            ),
        ),
    ),
    "discounts": (
        "Discount policy",
        (
            (
                "Corridor",
                "Account managers may grant up to 5 percent, sales managers up to 12 percent on top of the contract discount for a single order.",
            ),
            ("Approval", "Anything beyond is approved by the sales director in writing."),
        ),
    ),
    "data-protection": (
        "Data protection policy",
        (
            (
                "Personal data",
                "Contact data of customers is used for orders, service and agreed information only, and is deleted 24 months after the last contact.",
            ),
            (
                "External models",
                "No customer record may be sent to an external AI model unless personal data is masked and the purpose is recorded.",
            ),
        ),
    ),
    "dunning": (
        "Dunning policy",
        (
            (
                "Steps",
                "A friendly reminder goes out 7 days after the due date, a first notice after 21 days, a second after 35 days.",
            ),
            ("Hold", "Deliveries are put on hold 45 days after the due date, except while a dispute is open."),
        ),
    ),
    "minimum-order": (
        "Minimum order policy",
        (
            (
                "Values",
                "The minimum order is 500 euro for SMB, 1,500 euro for Mid-Market and 5,000 euro for Enterprise accounts.",
            ),
            ("Freight", "Freight is free above 3,000 euro net; below, 49 euro are charged."),
        ),
    ),
    "sustainability": (
        "Sustainability policy",
        (
            (
                "Materials",
                "By 2028, 80 percent of all textiles will be recycled or organic. Fluorocarbon finishes were dropped in 2024.",
            ),
            ("Repairs", "Our Munich workshop repairs 14,000 pieces a year."),
        ),
    ),
    "e-mail-tone": (
        "House style for customer e-mails",
        (
            ("Tone", "Write short, warm and concrete. Name the problem before the remedy. No exclamation marks."),
            ("Promises", "Promise only dates that the warehouse or finance has confirmed."),
        ),
    ),
    "support-hours": (
        "Support hours and response times",
        (
            (
                "Hours",
                "Support answers from Monday to Friday, 8:00 to 18:00 in the customer's time zone; urgent tickets of Enterprise accounts also on Saturday.",
            ),
            (
                "Response",
                "Urgent tickets get a first answer in 4 hours, high in 8 hours, all others in two working days.",
            ),
        ),
    ),
    "price-changes": (
        "Price change policy",
        (
            ("Notice", "List prices change twice a year, on 1 March and 1 September, with a notice of 60 days."),
            ("Open orders", "Orders confirmed before the change keep their price."),
        ),
    ),
    "travel": (
        "Travel policy for our sales team",
        (
            (
                "Trains first",
                "Journeys below five hours are made by train. Flights need the approval of the regional sales manager.",
            ),
            ("Expenses", "Meals are paid up to 45 euro a day against receipt."),
        ),
    ),
}
CLAUSES: tuple[tuple[str, str], ...] = (
    ("Price protection", "List prices stay fixed for the running term; increases take effect at renewal only."),
    (
        "Delivery penalty",
        "For each full week of delay beyond the confirmed date the supplier credits 1.5 percent of the late goods.",
    ),
    (
        "Return right",
        "The customer may return up to 10 percent of unsold seasonal goods within 90 days after the season.",
    ),
    ("Exclusive styles", "Two styles a season are reserved for the customer in its country."),
    (
        "Volume bonus",
        "Above 110 percent of the agreed annual volume a bonus of 3 percent is credited at the end of the term.",
    ),
    ("Named support", "The customer has a named support engineer and a quarterly service review."),
)
LINES: dict[str, str] = {
    "Jackets": "{article} {material} jacket that keeps wind and showers out and packs into its own pocket.",
    "Trousers": "Light {material} trousers with a gusset for long steps and a seat that dries fast.",
    "Base Layers": "A soft {material} layer that stays fresh for days on the trail.",
    "Footwear": "{material} footwear with a grippy sole for wet rock and a roomy toe box.",
    "Backpacks": "{article} {material} pack whose back panel breathes and whose hip belt carries the load.",
    "Tents": "{article} {material} tent that stands in four minutes and sheds a night of rain.",
    "Sleeping Bags": "{article} {material} bag with a warm foot box and a two-way zip.",
    "Cookware": "{material} cookware that boils a litre in under four minutes.",
    "Climbing": "Climbing gear of {material}, light enough to forget and strong enough to trust.",
    "Lighting": "{article} {material} light with three levels and a warm camp mode.",
    "Bottles & Mugs": "{material} drinkware that keeps tea hot on the summit and water cold in the valley.",
    "Trekking Poles": "{material} poles with cork grips that fold to the length of a forearm.",
}
ORIGINS = ("Portugal", "Italy", "Vietnam", "Slovenia")
NOTES = (
    "Visited the {city} store with {contact}. Staff knows the collection well; the shop floor gives us two walls. {extra} Next visit in autumn.",
    "Call with {contact}. They plan {count} new stores and want {product} in the window. {extra}",
    "Quarterly review with {contact} in {city}. Best seller is the {product}. {extra} Send the lookbook for Summer 2026.",
)
NOTE_EXTRAS = (
    "They asked for smaller cartons because their stock room is tiny.",
    "They would like to test rental tents with us next season.",
    "They want to order colour cards in French.",
    "They asked for a training on the warranty process for six new colleagues.",
    "Their buyer goes on parental leave in July; the deputy takes over.",
    "They complained mildly about freight cost for small orders.",
)
