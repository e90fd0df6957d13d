"""One call from dial to hang-up."""
