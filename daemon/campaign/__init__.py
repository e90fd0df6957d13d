"""Who may be called, when, in which order."""
