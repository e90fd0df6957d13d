"""What to say next."""
