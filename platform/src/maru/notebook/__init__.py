"""A project in a notebook: its tables, features, training and runs, as pandas frames.

``maru.project("charge")`` opens one; see ``maru.notebook.opened``.
"""
