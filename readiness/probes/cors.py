"""Owns how CORS answers are read: what a browser would make of them."""

from dataclasses import dataclass

from readiness.outside.exchange import Exchange, origin
from readiness.outside.failures import CannotTell
from readiness.probes.target import Target

# Where an API usually lives; asked when nobody declared a path.
USUAL_PATHS = ("/", "/api/", "/api/v1/")
LOCAL_ORIGINS = ("http://localhost:3000", "http://localhost:5173")


@dataclass(frozen=True, slots=True)
class Preflight:
    """A preflight for a POST with a JSON body from an origin, and the answer."""

    asked_origin: str
    path: str
    answer: Exchange

    @property
    def allowed_origin(self) -> str:
        """The value of Access-Control-Allow-Origin. Only this lets anybody in, whatever else is said."""
        return self.answer.header("access-control-allow-origin")

    @property
    def with_credentials(self) -> bool:
        """Tell whether cookies may come along."""
        return self.answer.header("access-control-allow-credentials").lower() == "true"

    @property
    def reflects(self) -> bool:
        """Tell whether exactly this origin is let in."""
        return self.allowed_origin == self.asked_origin

    @property
    def is_handled(self) -> bool:
        """Tell whether something here decides about origins at all, be it by refusing."""
        names = {name for name, _ in self.answer.headers}
        refusal = "cors" in self.answer.text[:200].lower()
        varies = "origin" in self.answer.header("vary").lower()
        return refusal or varies or any(name.startswith("access-control-") for name in names)


async def preflight(target: Target, path: str, asking: str) -> Preflight:
    """Ask as a browser does before a POST of JSON. Raises CannotTell when the server is in trouble."""
    answer = await target.request(
        "OPTIONS",
        path,
        {
            "Origin": asking,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    if answer.status >= 500 or answer.status == 429:
        raise CannotTell(f"{answer.url} answers a preflight with {answer.status}.")
    return Preflight(asking, path, answer)


def paths_of(target: Target) -> tuple[str, ...]:
    """Return the declared API paths, else the usual ones."""
    return target.api_paths or USUAL_PATHS


def foreign_origins(target: Target) -> list[str]:
    """Return the declared frontend origins that differ from the deployment's own, where CORS plays a part."""
    own = (target.scheme, target.name, target.port)
    return [text.rstrip("/") for text in target.frontend_origins if origin(text) != own]


def refusal_of(asked: Preflight, credentials: bool) -> str:
    """Return why a browser would not send the request, or "" when it would."""
    if not asked.allowed_origin:
        return "is not let in"
    if asked.allowed_origin == "*" and credentials:
        return "is let in by “*”, which browsers refuse when cookies are sent"
    if asked.allowed_origin not in {asked.asked_origin, "*"}:
        return f"is not let in: only {asked.allowed_origin[:100]} is"
    if not 200 <= asked.answer.status < 300:
        return (
            f"is let in, but the preflight answers {asked.answer.status}, which browsers take for a refusal"
        )
    if credentials and not asked.with_credentials:
        return "is let in without cookies, which this frontend sends"
    allowed = {
        name.strip().lower() for name in asked.answer.header("access-control-allow-headers").split(",")
    }
    if "content-type" not in allowed and (credentials or "*" not in allowed):
        return "is let in, but may not send JSON (Content-Type is not among the allowed headers)"
    return ""
