"""Load a bundle by digest, validate a request, predict."""
