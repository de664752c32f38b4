"""From source tables to a candidate: what the components call, step by step, and its record."""
