"""Measuring the box on simulated calls: `branchline bench`."""
