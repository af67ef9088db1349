"""The room that owns gate."""
