"""The demo: a little web service and its repository, with faults that can be cured while it runs."""
