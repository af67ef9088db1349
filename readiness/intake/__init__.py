"""Push: what CI posts; signatures, deliveries, and one file a format."""
