"""Who may see what: the policy file, its row rules, its documents."""
