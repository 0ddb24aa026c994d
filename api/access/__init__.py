"""Who is let in, as whom and how much: sign-in, keys, tokens, the policy file on watch, limits."""
