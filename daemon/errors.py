"""One root for every error of the appliance.

A message says what happened, to what, and what to do about it; the command line
prints it without a traceback.
"""

from __future__ import annotations


class BranchlineError(Exception):
    """Root of the appliance's own errors."""


class ConfigError(BranchlineError):
    """The configuration file cannot be used as it is."""


class ScenarioError(BranchlineError):
    """A scenario's files contradict each other or the format."""


class StoreError(BranchlineError):
    """The database cannot be opened, read or written."""


class LeadError(BranchlineError):
    """A list of leads, or one lead, cannot be used."""
