"""Models and how they are fetched, verified and run."""
