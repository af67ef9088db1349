"""Owns the sentences with which a look outside says that it saw nothing."""


class CannotTell(Exception):
    """We could not look, or what we saw decides nothing. The text is a whole sentence for a person."""


class Unreachable(CannotTell):
    """The target itself refused or broke the connection."""


class NoAnswer(CannotTell):
    """The target took the connection and did not answer in time."""


class Silent(CannotTell):
    """Nothing took the connection in time: nobody is there, or something on the way drops it."""
