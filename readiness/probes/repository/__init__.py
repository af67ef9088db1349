"""Owns the probes that read a git checkout: one file a probe. Nothing of it is ever executed."""
