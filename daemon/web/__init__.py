"""The local status page."""
