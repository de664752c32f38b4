"""The page that a run ends with, its charts, and the sentences that sum it up."""
