"""Owns what name servers said: the records of one name, and what they deny. Pure; `egress` asks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Records:
    """The answer to one question about one name.

    `kind` is the kind of record ("A", "AAAA", "CAA"), `values` what there is of it, sorted. `aliases` are the
    names that the name leads to by CNAME, in order. `exists` tells whether the last of these names exists at
    all. `zone` is who denies it, when there is no value: the owner of the SOA that a denial carries
    (RFC 2308, section 2), "." for the root; "" when nobody vouched for it.
    """

    name: str
    kind: str
    values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    exists: bool = True
    zone: str = ""

    @property
    def last(self) -> str:
        """The name at the end of the aliases: the one that the values belong to."""
        return self.aliases[-1] if self.aliases else self.name
