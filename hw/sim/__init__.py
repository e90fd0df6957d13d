"""Simulated customers: real SIP peers on loopback, no hardware."""
