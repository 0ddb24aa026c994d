"""E-mail drafts after they were written: the approval queue, the pictures in them, the ways out."""
