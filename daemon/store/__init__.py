"""The SQLite truth."""
