"""Tables with a contract: read, checked, digested."""
