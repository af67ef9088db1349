"""TLS 1.0 and 1.1 are refused, and TLS 1.2 or 1.3 is spoken."""

import ssl
from datetime import timedelta

from readiness.outside.failures import CannotTell, Unreachable
from readiness.outside.tls import speaking_only
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
    spoken = {name: await speaks(target, version) for name, version in {**OLD, **NEW}.items()}
    evidence = {"spoken": [name for name, is_spoken in spoken.items() if is_spoken]}
    if not any(spoken[name] for name in NEW):
        raise CannotTell(f"No handshake with {target.host} succeeded in any current version.")
    if old := [name for name in OLD if spoken[name]]:
        detail = f"{target.name} still speaks {' and '.join(old)}."
        return [Finding("tls.versions", Status.FAILING, detail, evidence)]
    return [
        Finding("tls.versions", Status.OK, f"{target.name} speaks current versions of TLS only.", evidence)
    ]


async def speaks(target: Target, version: ssl.TLSVersion) -> bool:
    """Tell whether a handshake in one version succeeds. Raises CannotTell when our own side is to blame."""
    context = speaking_only(version)
    try:
        await target.way_out.handshake(target.host, target.port, name=target.name, context=context)
    except ssl.SSLError as error:
        if error.reason in OUR_SIDE:
            raise CannotTell("This machine's OpenSSL does not offer an old version of TLS.") from None
        return False
    except Unreachable:  # some servers hang up in place of an alert
        return False
    return True
