"""Telephone lines and sound: everything that touches a wire."""
