"""Owns how a process that lives long looks for garbage."""

import gc

# How many new objects make a search worth while. Every thread waits while it goes on: in a web server, whose
# requests leave some seventy behind each, half of all answers would be 30 ms late twice a second with the
# larger number (bench.intake). In a worker nobody waits, and rare searches cost less (bench.probes).
IN_WEB, IN_WORKER = 2_000, 20_000


def look_rarely(among: int) -> None:
    """Never look through what is loaded by now, which stays for ever, and rarely through what lives on.

    Called once a process, when all is loaded; `among` is IN_WEB or IN_WORKER.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(among, 20, 20)
