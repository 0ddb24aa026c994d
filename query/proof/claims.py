"""Words that promise or claim something, which a letter may not do on its own."""

from __future__ import annotations

import re

PROMISE = re.compile(
    r"\b(?:guarantee\w*|promis\w*|warrant(?:s|ed)|free of charge|for free|at no cost|refund\w*|discount\w*|rebate\w*|"
    r"credit note|cheapest|lowest price|best (?:price|in|on)|market leader|number one|certified|award\w*|"
    r"always|never|risk[- ]free|fully insured|legally|"
    r"garantier\w*|garantie\w*|versprech\w*|versproch\w*|kostenlos\w*|gratis|umsonst|rabatt\w*|gutschrift\w*|erstatt\w*|"
    r"günstigst\w*|marktführer\w*|zertifiziert\w*|immer|niemals)\b",
    re.IGNORECASE,
)
