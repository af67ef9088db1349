"""TLS 1.0 and 1.1 are refused, and TLS 1.2 or 1.3 is spoken."""

import ssl
from datetime import timedelta

from readiness.outside.failures import CannotTell, Unreachable
from readiness.outside.tls import Handshake, speaking_only
from readiness.probes.outcomes import NotSupported
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

OLD = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1}
NEW = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
# These say that our own side cannot offer the version: a refusal that the server never heard of.
OUR_SIDE = frozenset({"NO_CIPHERS_AVAILABLE", "NO_PROTOCOLS_AVAILABLE", "UNSUPPORTED_SSL_VERSION"})


@probe(
    "tls-versions",
    title="TLS versions",
    every=timedelta(days=1),
    criteria=("tls.versions",),
    why="The old versions can be broken on the way, and payment rules forbid them.",
    fix="Offer TLS 1.2 and 1.3 only.",
)
async def tls_versions(target: Target) -> list[Finding]:
    """Shake hands once with each version alone."""
    target.needs_https()
    if not (ssl.HAS_TLSv1 and ssl.HAS_TLSv1_1):
        raise NotSupported(
            "This machine's OpenSSL cannot speak the old versions, so nobody knows who accepts them."
        )
    shown = {name: await shake(target, version) for name, version in {**OLD, **NEW}.items()}
    spoken = {name: handshake for name, handshake in shown.items() if handshake}
    current = [spoken[name] for name in NEW if name in spoken]
    if not current:
        raise CannotTell(f"No handshake with {target.host} succeeded in any current version.")
    # Slower, and no fault: which protocol lies above is said and not judged.
    has_http2 = any(handshake.alpn == "h2" for handshake in current)
    evidence = {"spoken": list(spoken), "http2": has_http2}
    if old := [name for name in OLD if name in spoken]:
        detail = f"{target.name} still speaks {' and '.join(old)}."
        return [Finding("tls.versions", Status.FAILING, detail, evidence)]
    above = "and HTTP/2 above it" if has_http2 else "and no HTTP/2 above it"
    detail = f"{target.name} speaks current versions of TLS only, {above}."
    return [Finding("tls.versions", Status.OK, detail, evidence)]


async def shake(target: Target, version: ssl.TLSVersion) -> Handshake | None:
    """Return a handshake in one version, None if it fails. Raises CannotTell when our side is to blame."""
    context = speaking_only(version)
    try:
        return await target.way_out.handshake(target.host, target.port, name=target.name, context=context)
    except ssl.SSLError as error:
        if error.reason in OUR_SIDE:
            raise CannotTell("This machine's OpenSSL does not offer an old version of TLS.") from None
        return None
    except Unreachable:  # some servers hang up in place of an alert
        return None
