"""A Kubernetes node out of its own sources, for tests: one process tree in its own namespaces."""
