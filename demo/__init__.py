"""The demo: a little web service with three faults, each of which can be cured while it runs."""
