"""Owns how a process that lives long looks for garbage."""

import gc


def look_rarely() -> None:
    """Never look through what is loaded by now, which stays for ever, and rarely through what lives on.

    A request leaves some seventy objects behind that only a search finds. Every thread waits meanwhile, so it
    is a little at a time: of 20,000 objects at once half of all answers would be 30 ms late, twice a second.
    Called once a process, when all is loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 20, 50)
