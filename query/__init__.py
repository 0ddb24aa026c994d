"""Question to plan to evidence to answer to draft."""
