"""The HTTP API for machines: the gate, and everything under /api/v1 that reads and changes the record."""
