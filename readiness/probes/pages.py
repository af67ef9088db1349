"""Owns which page of a deployment stands for all of them when a probe reads headers."""

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes.target import Target


async def page(target: Target) -> Exchange:
    """Return the first page that is really the application's: the login page, else the front page.

    A page of another origin, an error and a challenge say nothing about the application's own headers.
    Raises CannotTell when there is no such page.
    """
    paths = dict.fromkeys(path for path in (target.login_path, "/", target.health_path) if path)
    for path in paths:
        answer = await target.request("GET", path, follow=True)
        if 200 <= answer.status < 300 and answer.url.startswith(target.base_url.rstrip("/")):
            return answer
    raise CannotTell(f"No page of {target.base_url} answers 200. Name one as login path in the settings.")
