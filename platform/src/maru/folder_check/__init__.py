"""What ``maru check`` looks for in a project folder."""
