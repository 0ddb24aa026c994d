"""Sources to records and documents to the two indices; syncs, quarantine, reindex."""
