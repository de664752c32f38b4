"""Checks, drift and matured performance of what is live."""
