"""Owns the test account: the only code that sends its password, and only to the deployment's own origin."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from readiness.outside import addresses
from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes import markup
from readiness.probes.target import Target

JSON = {"Content-Type": "application/json", "Accept": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# The answers that say "not in this shape"; what says "not you" is not asked again, or accounts get locked.
OTHER_SHAPE = frozenset({400, 415, 422})
NAMED = frozenset({"", "text", "email", "tel"})


def is_declared(target: Target) -> bool:
    """Tell whether there is an account to sign in with."""
    return bool(target.test_username and target.test_password)


async def token_answer(target: Target) -> Exchange:
    """Return what the token path answers to the account: asked with JSON, else with a form (RFC 6749, 4.3).

    Raises CannotTell when it does not let the account in.
    """
    named = {"username": target.test_username, "password": target.test_password}
    answer = await _posted_json(target, target.token_path, named)
    if answer.status in OTHER_SHAPE:
        answer = await _post(
            target, target.token_path, {**FORM}, urlencode({"grant_type": "password", **named})
        )
    if answer.status in OTHER_SHAPE and "@" in target.test_username:
        named = {"email": target.test_username, "password": target.test_password}
        answer = await _posted_json(target, target.token_path, named)
    return _let_in(target.token_path, answer)


async def sign_in(target: Target) -> Exchange:
    """Sign in at the login path, by its form or else with JSON, and return the answer, no redirect followed.

    Raises CannotTell when the account is not let in.
    """
    page = await target.request("GET", own_address(target, target.login_path), follow=True, private=True)
    form = next((one for one in markup.forms(page.text) if _password_of(one)), None)
    if not (markup.is_page(page) and form):
        named = {"username": target.test_username, "password": target.test_password}
        return _let_in(target.login_path, await _posted_json(target, target.login_path, named))
    if form.element.get("method").lower() != "post":
        raise CannotTell(f"The form of {target.login_path} would put the password into an address.")
    base = markup.base_of(page, markup.elements(page.text))
    where = markup.joined(base, form.element.get("action") or page.url)
    if not where:
        raise CannotTell(f"The form of {target.login_path} leads to no address.")
    cookies = cookies_of(page)
    headers = {**FORM, "Referer": page.url, **({"Cookie": cookies} if cookies else {})}
    body = urlencode(_filled(target, form))
    answer = _let_in(target.login_path, await _post(target, where, headers, body))
    if any(_password_of(one) for one in markup.forms(answer.text)) or _same_page(answer, page):
        raise CannotTell(f"{target.login_path} did not let the test account in: it asks again.")
    return answer


def cookies_of(page: Exchange) -> str:
    """Return the cookies that a page and its redirects set, as the next request sends them."""
    pairs = [text.partition(";")[0] for hop in (*page.hops, page) for text in hop.values("set-cookie")]
    return "; ".join({pair.partition("=")[0].strip(): pair.strip() for pair in pairs}.values())


def own_address(target: Target, path: str) -> str:
    """Return an address of the deployment's own origin; raises CannotTell for any other, or in the clear."""
    url = target.url(path)
    if not target.is_own(url):
        raise CannotTell("The test account's password goes to the deployment's own origin only.")
    if target.scheme == "http" and not _is_inside(target.host):
        what = "A token" if target.token else "The test account's password"
        raise CannotTell(f"{what} is not sent in the clear. Give the deployment https.")
    return url


def _is_inside(host: str) -> bool:
    """Tell whether a host is an address of this machine or of a private network."""
    literal = addresses.parse(host)
    return host == "localhost" or (literal is not None and not addresses.is_public(addresses.unwrap(literal)))


async def _posted_json(target: Target, path: str, named: Mapping[str, Any]) -> Exchange:
    return await _post(target, path, JSON, json.dumps(named))


async def _post(target: Target, path: str, headers: Mapping[str, str], body: str) -> Exchange:
    url = own_address(target, path)
    own = {"Origin": "{}://{}".format(target.scheme, target.host_header or url.split("/")[2])}
    # Redirects are not followed: a body that is sent along would carry the password to wherever they lead.
    return await target.request("POST", url, {**headers, **own}, body=body.encode(), private=True)


def _let_in(path: str, answer: Exchange) -> Exchange:
    if answer.status >= 400:
        raise CannotTell(f"{path} did not let the test account in ({answer.status}).")
    return answer


def _password_of(form: markup.Form) -> markup.Element | None:
    return next((one for one in form.fields if one.get("type").lower() == "password"), None)


def _filled(target: Target, form: markup.Form) -> list[tuple[str, str]]:
    """Return what a browser would send: hidden fields as they are, the account's name and its password."""
    password = _password_of(form)
    before = form.fields[: form.fields.index(password)] if password else ()
    name = next((one for one in reversed(before) if _is_name(one)), None)
    sent = [
        (one.get("name"), one.attributes.get("value", ""))
        for one in form.fields
        if one.get("name") and one.get("type").lower() == "hidden"
    ]
    given = ((name, target.test_username), (password, target.test_password))
    return sent + [(one.get("name"), text) for one, text in given if one and one.get("name")]


def _is_name(one: markup.Element) -> bool:
    return one.tag == "input" and one.get("type").lower() in NAMED


def _same_page(answer: Exchange, page: Exchange) -> bool:
    """Tell whether an answer sends back to the sign-in, which is a refusal with a redirect."""
    return answer.location.partition("?")[0] == page.url.partition("?")[0]
