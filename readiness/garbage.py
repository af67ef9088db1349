"""Owns how seldom a process that lives long looks for garbage."""

import gc


def look_rarely() -> None:
    """Never look through what is loaded by now, which stays for ever, and rarely through what comes.

    A request and a probe leave little behind that only a search would find, and searching lengthens the
    longest answers. Called once a process, when all is loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
