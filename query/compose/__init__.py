"""Evidence to what is told: sentences of fixed words and slots, items, charts, Markdown with its citations."""
