"""Benchmarks: run by hand with `python -m bench.<name>`; each prints what it measured in one run."""
