"""What can go wrong that a person can mend: printed as one sentence, without a traceback."""


class NodeError(Exception):
    """The node can't do what was asked; the message says why and what to do."""
