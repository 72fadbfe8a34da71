"""Who may ask, and what an outsider may read."""
