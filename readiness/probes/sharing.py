"""Owns that probes which ask one deployment the same question at the same time put it once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from readiness.outside.egress import CREDENTIALS
from readiness.outside.exchange import Exchange

SHARED_SECONDS = 5.0
Put = Callable[[], Awaitable[Exchange]]
Question = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was put: how, when, and what will be or was answered."""

    follow: bool
    deadline: float
    at: float
    answer: "asyncio.Task[Exchange]"

    def serves(self, exchange: Exchange, *, follow: bool, deadline: float) -> bool:
        """Tell whether the answer is what asking in this way would have got."""
        is_plain = not exchange.hops and not exchange.location
        return (self.follow == follow or is_plain) and exchange.seconds <= deadline


class Answers:
    """What one deployment has answered to the probes of one batch.

    Only a look's first question of a kind is shared, and only the first look: whoever asks again, or
    confirms, wants to hear it again.
    """

    def __init__(self) -> None:
        self._asked: dict[Question, Asked] = {}

    async def ask(self, question: Question, put: Put, *, follow: bool, deadline: float) -> Exchange:
        """Return the answer to a question, put by this call or by another one up to five seconds ago.

        Raises what `put` raises, whoever has put it.
        """
        asked = self._asked.get(question)
        if asked is None or monotonic() - asked.at > SHARED_SECONDS:
            task = asyncio.ensure_future(put())
            # Whoever put it may be gone when it fails, and then nobody is left to be told.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            asked = self._asked[question] = Asked(follow, deadline, monotonic(), task)
            return await asyncio.shield(asked.answer)
        try:
            exchange = await asyncio.shield(asked.answer)
        except Exception:
            if (asked.follow, asked.deadline) == (follow, deadline):
                raise
            return await put()
        return exchange if asked.serves(exchange, follow=follow, deadline=deadline) else await put()

    def end(self) -> None:
        """Let go of the questions that nobody waits for any more."""
        for asked in self._asked.values():
            asked.answer.cancel()


def question(method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None) -> Question | None:
    """Return what makes two questions the same; None for one that must not be shared.

    Asking may change something, unless it is by GET or HEAD; and what somebody with credentials is told is
    for nobody else.
    """
    names = {name.lower() for name in headers or ()}
    if method not in {"GET", "HEAD"} or body is not None or names & CREDENTIALS:
        return None
    return method, url, tuple(sorted((headers or {}).items()))
