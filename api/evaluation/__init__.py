"""Golden questions asked and scored, citations read again, old answers run again."""
