"""A new project folder from the template."""
