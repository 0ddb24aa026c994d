"""What holds before an answer leaves: slots and quotes against their sources, queries against themselves, links."""
