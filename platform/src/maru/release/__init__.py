"""Bundles, golden rows, the gate and what git's history says is live."""
