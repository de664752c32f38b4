"""The command line: arguments in, one call, words or JSON out."""
