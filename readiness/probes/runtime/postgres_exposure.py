"""The PostgreSQL server offers TLS, and the internet does not reach that of a production deployment."""

from datetime import timedelta

from readiness.outside.failures import CannotTell
from readiness.probes.endpoints import Endpoint, is_from_the_internet, vantage
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

PORT = 5432
# Length 8, code 80877103 (PostgreSQL, "Message Formats", SSLRequest): asked before any name or password.
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
ANSWERS = {b"S": True, b"N": False}


@probe(
    "postgres-exposure",
    title="PostgreSQL exposure",
    every=timedelta(hours=6),
    criteria=("net.postgres",),
    why="Without TLS passwords and rows can be read on the way; on the internet anybody may try passwords.",
    fix="Turn ssl on in PostgreSQL, and let only the deployment's own network reach its port.",
)
async def postgres_exposure(target: Target) -> list[Finding]:
    """Ask whether it would speak TLS, and hang up. No credentials are sent."""
    if not target.postgres_address:
        raise NotApplicable("No PostgreSQL address is declared.")
    endpoint = Endpoint.of(target.postgres_address, PORT)
    heard = await target.way_out.converse(endpoint.host, endpoint.port, SSL_REQUEST)
    if heard.data not in ANSWERS:
        raise CannotTell(f"{endpoint} does not answer as PostgreSQL does.")
    offers_tls = ANSWERS[heard.data]
    is_exposed = target.is_production and is_from_the_internet(target, heard.address)
    status, detail = judged(target, str(endpoint), offers_tls, is_exposed)
    evidence = {
        "endpoint": str(endpoint),
        "tls": offers_tls,
        "reached": heard.address,
        "vantage": vantage(target),
    }
    return [Finding("net.postgres", status, detail, evidence)]


def judged(target: Target, endpoint: str, offers_tls: bool, is_exposed: bool) -> tuple[Status, str]:
    """Return what an answer is worth; `is_exposed` where everybody reaches the database of production."""
    tls = "offers TLS" if offers_tls else "offers no TLS"
    if is_exposed:
        status = Status.RISKY if offers_tls else Status.FAILING
        return status, f"The production database at {endpoint} is reached from the internet, and {tls}."
    if offers_tls:
        return Status.OK, f"PostgreSQL at {endpoint} {tls}."
    return (
        Status.FAILING if target.is_production else Status.RISKY,
        f"PostgreSQL at {endpoint} {tls}: what is asked and answered can be read on the way.",
    )
