"""Owns which pages of a deployment probes read: one that stands for all, or those that are declared."""

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes import markup
from readiness.probes.outcomes import NotApplicable
from readiness.probes.target import Target

MOST_PAGES = 5
READABLE = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})


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


async def html_pages(target: Target) -> list[Exchange]:
    """Return the declared pages, or the front page when none is declared, as browsers get them.

    Raises CannotTell when one does not answer from where it was declared, NotApplicable when none is a page.
    """
    answers = []
    for path in target.page_paths[:MOST_PAGES] or ("/",):
        answer = await target.request("GET", path, {"Accept": "text/html,*/*;q=0.5"}, follow=True)
        if not 200 <= answer.status < 300 or not answer.is_at(target.url(path)):
            raise CannotTell(f"{path} answers {answer.status} at {answer.url}, which is no page to read.")
        if answer.header("content-encoding").lower() not in READABLE:
            raise CannotTell(
                f"{answer.url} is sent in an encoding that nobody asked for, so it was not read."
            )
        answers.append(answer)
    found = [answer for answer in answers if markup.is_page(answer)]
    if not found:
        raise NotApplicable(
            f"{answers[0].url} answers with {answers[0].media_type or 'no type'}, not with a page."
        )
    return found


def whole(pages: list[Exchange]) -> None:
    """Raise CannotTell when a page was cut: what it does not hold is not known then."""
    for page in pages:
        if not page.complete:
            raise CannotTell(f"{page.url} is longer than what is read of it, so not all of it was judged.")
