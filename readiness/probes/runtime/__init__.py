"""Owns the probes that ask a running deployment: one file a probe."""
