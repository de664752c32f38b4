"""The declared kinds of model file: one module a kind, each with its validator."""
