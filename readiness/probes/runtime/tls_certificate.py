"""The certificate is trusted, names the host, is strong enough and lasts for more than 21 days."""

import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from readiness.outside import addresses
from readiness.outside.failures import CannotTell
from readiness.outside.tls import Handshake, has_system_roots
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

SOON = timedelta(days=21)
TOO_SOON = timedelta(days=7)
WEAK_HASHES = frozenset({"md5", "sha1"})
# OpenSSL's verify codes for "nobody I trust signed this": a private authority looks the same from here.
UNKNOWN_ISSUER = frozenset({2, 18, 19, 20, 21})


@probe(
    "tls-certificate",
    title="TLS certificate",
    every=timedelta(days=1),
    criteria=("tls.cert",),
    why="On the day it expires, or when its chain is incomplete, every client refuses to connect.",
    fix="Renew the certificate automatically, serve the whole chain, and alert before it expires.",
)
async def tls_certificate(target: Target) -> list[Finding]:
    """Shake hands as a careful client does, and read the certificate that is shown."""
    target.needs_https()
    try:
        shown = await target.way_out.handshake(target.host, target.port, name=target.name)
    except ssl.SSLError as error:
        if error.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"}:
            return [Finding("tls.cert", Status.FAILING, f"{target.host}:{target.port} does not speak TLS.")]
        reason = (error.reason or "no reason").lower().replace("_", " ")
        raise CannotTell(f"The handshake with {target.host} failed: {reason}.") from None
    certificate = x509.load_der_x509_certificate(shown.certificate)
    status, detail = judged(target, shown, certificate, datetime.now(UTC))
    return [Finding("tls.cert", status, detail, facts(shown, certificate))]


def judged(
    target: Target, shown: Handshake, certificate: x509.Certificate, now: datetime
) -> tuple[Status, str]:
    """Return what the certificate is worth. Raises CannotTell where trust is not ours to judge."""
    left = certificate.not_valid_after_utc - now
    until = f"{certificate.not_valid_after_utc:%d %B %Y}"
    if left < timedelta():
        return Status.FAILING, f"The certificate of {target.name} expired on {until}."
    if shown.distrust in UNKNOWN_ISSUER:
        return untrusted(target, shown)
    if shown.distrust:
        return Status.FAILING, f"Clients refuse the certificate of {target.name}: {shown.reason}."
    if weakness := weak(certificate):
        return Status.FAILING, f"The certificate of {target.name} {weakness}."
    if left < TOO_SOON:
        return Status.FAILING, f"The certificate of {target.name} expires on {until}, in less than 7 days."
    if left < SOON:
        return Status.RISKY, f"The certificate of {target.name} expires on {until}, in less than 21 days."
    return Status.OK, f"The certificate of {target.name} is trusted and lasts until {until}."


def untrusted(target: Target, shown: Handshake) -> tuple[Status, str]:
    """Return the verdict on a chain that ends at nobody we know."""
    if not has_system_roots():
        raise CannotTell("This machine has no root certificates, so no certificate can be judged.")
    address = addresses.parse(shown.address)
    if address and not addresses.is_public(addresses.unwrap(address)):
        raise CannotTell(
            f"The certificate of {target.name} is signed by an authority that is not known here. "
            "If it is your own, an administrator can add its root certificate."
        )
    return Status.FAILING, f"Clients refuse the certificate of {target.name}: {shown.reason}."


def weak(certificate: x509.Certificate) -> str:
    """Return what is too weak about a certificate, or ""."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048:
        return f"has an RSA key of {key.key_size} bits; 2048 are the least"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < 256:
        return f"has an elliptic key of {key.key_size} bits; 256 are the least"
    hashed = certificate.signature_hash_algorithm
    return f"is signed with {hashed.name}" if hashed and hashed.name in WEAK_HASHES else ""


def facts(shown: Handshake, certificate: x509.Certificate) -> dict[str, Any]:
    """Return what evidence keeps of a certificate."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    return {
        "issuer": certificate.issuer.rfc4514_string(),
        "names": [str(name.value) for name in names][:50],
        "from": certificate.not_valid_before_utc.date().isoformat(),
        "until": certificate.not_valid_after_utc.date().isoformat(),
        "protocol": shown.protocol,
        "trusted": not shown.distrust,
        "reason": shown.reason,
    }
