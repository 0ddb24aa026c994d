"""Long work on a workspace: first set-up, syncs, jobs and schedules, training scores."""
