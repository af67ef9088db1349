"""The object store's bucket exists, and does not list its content to a stranger."""

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

AZURE = ".blob.core.windows.net"
LISTINGS = re.compile(rb'<ListBucketResult[\s>]|<EnumerationResults[\s>]|"kind"\s*:\s*"storage#objects"')
CODE = re.compile(r"<Code>(\w{1,60})</Code>")
ENDPOINT = re.compile(r"<Endpoint>([A-Za-z0-9.-]{1,255})</Endpoint>")
# Where the bucket is a part of the host's name, what follows it is an object and no bucket.
IN_THE_NAME = re.compile(
    r"(?i).+\.(?:s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com(?:\.cn)?|storage\.googleapis\.com"
    r"|[a-z0-9-]+\.digitaloceanspaces\.com)"
)
# In the words of S3, Google Cloud Storage, Azure and what speaks like them: it is there, and not for you.
REFUSALS = frozenset(
    {"AccessDenied", "AllAccessDisabled", "AuthenticationRequired", "NoAuthenticationInformation"}
    | {"PublicAccessNotPermitted", "UnauthorizedAccess"}
)


@probe(
    "bucket-exposure",
    title="Bucket exposure",
    every=timedelta(hours=6),
    criteria=("net.bucket",),
    why="A bucket that lists its content hands out every upload; one that is gone can be made by anybody.",
    fix="Block public access to the bucket, hand out signed addresses, and remove what points to none.",
)
async def bucket_exposure(target: Target) -> list[Finding]:
    """Ask for one line of the listing, without credentials. Nothing of a listing is kept."""
    if not target.bucket_url:
        raise NotApplicable("No bucket is declared.")
    answer = await listing(target, listing_url(target.bucket_url))
    status, detail = judged(answer)
    code = CODE.search(answer.text)
    evidence = {"bucket": address_of(answer.url), "status": answer.status, "code": code[1] if code else ""}
    return [Finding("net.bucket", status, detail, evidence)]


def listing_url(url: str) -> str:
    """Return the address of a bucket's listing, of one object at most.

    What was declared beyond the bucket is left out: refusing an object is not refusing the listing.
    """
    parts = urlsplit(url)
    host, first = parts.hostname or "", parts.path.lstrip("/").partition("/")[0]
    query = "restype=container&comp=list&maxresults=1" if host.endswith(AZURE) else "list-type=2&max-keys=1"
    path = "/" if IN_THE_NAME.fullmatch(host) else f"/{first}"
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def address_of(url: str) -> str:
    """Return an address without its query."""
    return url.partition("?")[0]


async def listing(target: Target, url: str) -> Exchange:
    """Return the answer of the region that holds the bucket. S3 may name it without a Location."""
    answer = await asked(target, url)
    elsewhere = ENDPOINT.search(answer.text) if answer.status == 301 else None
    if elsewhere is None:
        return answer
    there = urlsplit(url)._replace(netloc=elsewhere[1])
    if elsewhere[1].startswith(f"{there.path.strip('/')}."):
        there = there._replace(path="/")
    return await asked(target, urlunsplit(there))


async def asked(target: Target, url: str) -> Exchange:
    """Ask once and put the exchange on record, without the body."""
    answer = await target.way_out.ask("GET", url, follow=True)
    target.exchanges.append(replace(answer, body=b""))
    return answer


def judged(answer: Exchange) -> tuple[Status, str]:
    """Return what an answer says of the bucket. Raises CannotTell for what no object store says."""
    bucket = address_of(answer.url)
    found = CODE.search(answer.text)
    code = found[1] if found else ""
    if answer.status == 200 and LISTINGS.search(answer.body):
        return Status.FAILING, f"{bucket} lists its content to whoever asks."
    if answer.status == 404 and code == "NoSuchBucket":
        return (
            Status.FAILING,
            f"{bucket} does not exist: who makes a bucket of that name answers in its place.",
        )
    if answer.status in {401, 403, 409} and code in REFUSALS:
        return Status.OK, f"{bucket} exists and does not list its content to a stranger."
    raise CannotTell(
        f"{bucket} answers {answer.status}{f' ({code})' if code else ''}, from which nothing follows."
    )
