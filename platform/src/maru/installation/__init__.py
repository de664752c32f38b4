"""How the platform comes onto a cluster: its secrets, charts, databases, buckets and backups."""
