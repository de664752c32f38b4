"""Prove on a running hub that one user can't harm, read or reach another."""
