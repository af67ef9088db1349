"""Owns how TLS is spoken and what a handshake shows. Contexts only: connections are `egress`'s."""

import ssl
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a handshake showed.

    `protocol` is OpenSSL's name ("TLSv1.3"), `certificate` the leaf in DER, `distrust` OpenSSL's verify code
    (0: trusted) and `reason` its words; `address` is what was dialled, `alpn` the protocol that the server
    chose of those that were offered to lie above TLS ("h2", RFC 7301), if any.
    """

    protocol: str
    certificate: bytes
    distrust: int = 0
    reason: str = ""
    address: str = ""
    alpn: str = ""


@cache
def trusting(roots: str = "") -> ssl.SSLContext:
    """Return the context that verifies, with `roots` (PEM) beside the system's. Made once a process."""
    context = ssl.create_default_context()
    if roots:
        context.load_verify_locations(cadata=roots)
    return context


@cache
def trusting_anybody() -> ssl.SSLContext:
    """Return a context that verifies nothing: to look at a certificate that was already found untrusted."""
    context = ssl.create_default_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@cache
def speaking_only(version: ssl.TLSVersion) -> ssl.SSLContext:
    """Return a context that offers one protocol version and verifies nothing.

    Without SECLEVEL=0 OpenSSL 3 refuses the old versions on our own side, which would look like a server
    that refuses them.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        # Python warns of the very versions that nobody should offer, which is what is asked.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def has_system_roots() -> bool:
    """Tell whether this machine has any root certificates; without them nothing at all can be trusted."""
    paths = ssl.get_default_verify_paths()
    folder = Path(paths.capath) if paths.capath else None
    return bool(paths.cafile) or bool(folder and folder.is_dir() and any(folder.iterdir()))
