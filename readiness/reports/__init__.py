"""The room that owns reports."""
