"""Buckets in the words of S3, Google Cloud Storage and Azure, from a server on loopback."""

import asyncio
import gzip
from typing import Any

import pytest

from readiness.outside.egress import Client
from readiness.outside.failures import CannotTell, Unreachable
from readiness.outside.policy import Blocked
from readiness.probes.outcomes import NotApplicable
from readiness.probes.runtime import bucket_exposure as module
from readiness.probes.runtime.bucket_exposure import bucket_exposure
from readiness.probes.target import Target
from tests.readiness.probes.servers import Answer, Request, refused_port, serve
from tests.readiness.probes.targets import LOOPBACK, look
from tickets.findings import Finding
from tickets.scoring import Status

XML = {"Content-Type": "application/xml"}
S3_LISTING = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<Name>uploads</Name><MaxKeys>1</MaxKeys><Contents><Key>passport-of-alice.pdf</Key></Contents></ListBucketResult>"
)
GOOGLE_LISTING = (
    "<?xml version='1.0' encoding='UTF-8'?><ListBucketResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'>"
)
GOOGLE_JSON = '{\n  "kind": "storage#objects",\n  "items": []\n}'
AZURE_LISTING = (
    '\N{ZERO WIDTH NO-BREAK SPACE}<?xml version="1.0" encoding="utf-8"?><EnumerationResults '
    'ServiceEndpoint="https://shop.blob.core.windows.net/" ContainerName="uploads">'
)


def error(code: str, more: str = "") -> str:
    said = f"<Error><Code>{code}</Code><Message>No.</Message>{more}</Error>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{said}'


def asked(answer: Answer, path: str = "/uploads", **declared: Any) -> Finding:
    with serve(lambda request: answer) as server:
        (finding,) = look(bucket_exposure, "http://127.0.0.1", bucket_url=f"{server.url}{path}", **declared)
        assert server.requests[0].method == "GET"
    assert finding.criterion == "net.bucket"
    return finding


@pytest.mark.parametrize("body", [S3_LISTING, GOOGLE_LISTING, GOOGLE_JSON, AZURE_LISTING])
def test_a_bucket_that_lists_its_content_fails_and_nothing_of_it_is_kept(body: str) -> None:
    finding = asked(Answer(200, body, XML))

    assert finding.status == Status.FAILING
    assert "passport" not in f"{finding.detail}{finding.evidence}"


def test_nothing_of_a_listing_is_in_the_exchanges_either() -> None:
    async def kept(url: str) -> str:
        async with Client(LOOPBACK) as client:
            target = Target(base_url="http://127.0.0.1", bucket_url=url).bound(client)
            await bucket_exposure(target)
            return str([exchange.evidence for exchange in target.exchanges])

    with serve(lambda request: Answer(200, S3_LISTING, XML)) as server:
        exchanges = asyncio.run(kept(f"{server.url}/uploads"))

    assert "/uploads" in exchanges
    assert "passport" not in exchanges


def test_a_listing_is_found_though_it_comes_compressed() -> None:
    packed = gzip.compress(S3_LISTING.encode())

    assert asked(Answer(200, packed, {"Content-Encoding": "gzip"})).status == Status.FAILING


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "AccessDenied"),
        (403, "AllAccessDisabled"),
        (401, "AccessDenied"),
        (401, "NoAuthenticationInformation"),
        (409, "PublicAccessNotPermitted"),
    ],
)
def test_a_bucket_that_refuses_a_stranger_passes(status: int, code: str) -> None:
    finding = asked(Answer(status, error(code), XML))

    assert finding.status == Status.OK
    assert (finding.evidence["status"], finding.evidence["code"]) == (status, code)


def test_a_bucket_that_is_gone_fails() -> None:
    finding = asked(Answer(404, error("NoSuchBucket"), XML))

    assert finding.status == Status.FAILING
    assert "who makes a bucket of that name" in finding.detail


@pytest.mark.parametrize(
    "answer",
    [
        Answer(403, "<html>Forbidden</html>"),  # a firewall in front, or no object store at all
        Answer(403, error("RequestTimeTooSkewed"), XML),
        Answer(404, error("NoSuchKey"), XML),
        Answer(404, error("ResourceNotFound"), XML),  # Azure, of what is private and of what is not there
        Answer(404, "not found"),
        Answer(400, error("InvalidArgument"), XML),
        Answer(503, error("SlowDown"), XML),
        Answer(200, "<html>Welcome</html>"),
        Answer(200, ""),
        Answer(200, S3_LISTING, {"Content-Encoding": "br"}),
    ],
)
def test_what_no_object_store_says_of_a_bucket_tells_nothing(answer: Answer) -> None:
    with pytest.raises(CannotTell):
        asked(answer)


def test_the_region_that_holds_the_bucket_is_asked_when_it_is_named_in_a_redirect() -> None:
    with serve(lambda request: Answer(200, S3_LISTING, XML)) as there:
        location = {"Location": f"{there.url}/uploads?list-type=2"}
        for status in (301, 307):
            assert asked(Answer(status, error("TemporaryRedirect"), location)).status == Status.FAILING


def test_the_region_is_asked_too_when_s3_names_it_in_its_words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    body = error("PermanentRedirect", "<Endpoint>127.0.0.2</Endpoint><Bucket>uploads</Bucket>")
    followed = []

    async def ask(target: Any, url: str) -> Any:
        followed.append(url)
        return await asked_for_real(target, url if len(followed) == 1 else f"{region.url}/uploads")

    asked_for_real = module.asked
    monkeypatch.setattr(module, "asked", ask)
    with serve(lambda request: Answer(403, error("AccessDenied"), XML)) as region:
        assert asked(Answer(301, body, XML)).status == Status.OK

    assert followed[1] == "http://127.0.0.2/uploads?list-type=2&max-keys=1"


def test_a_redirect_to_where_probes_never_go_is_not_followed() -> None:
    body = error("PermanentRedirect", "<Endpoint>169.254.169.254</Endpoint>")

    with pytest.raises(Blocked, match="never ask"):
        asked(Answer(301, body, XML))


def test_neither_the_deployments_host_nor_a_declared_query_is_sent_along() -> None:
    requests: list[Request] = []

    def app(request: Request) -> Answer:
        requests.append(request)
        return Answer(403, error("AccessDenied"), XML)

    with serve(app) as server:
        url = f"{server.url}/uploads/2026/a.pdf?X-Amz-Signature=abc"
        look(bucket_exposure, "http://127.0.0.1", bucket_url=url, host_header="app.example.com")

    assert requests[0].path == "/uploads?list-type=2&max-keys=1"
    assert requests[0].headers["host"] == f"127.0.0.1:{server.port}"
    assert "authorization" not in requests[0].headers


@pytest.mark.parametrize(
    ("declared", "asked_for"),
    [
        ("https://up.s3.amazonaws.com", "https://up.s3.amazonaws.com/?list-type=2&max-keys=1"),
        (
            "https://up.s3.eu-west-1.amazonaws.com/a/b.png",
            "https://up.s3.eu-west-1.amazonaws.com/?list-type=2&max-keys=1",
        ),
        (
            "https://my.up.s3-eu-west-1.amazonaws.com/a",
            "https://my.up.s3-eu-west-1.amazonaws.com/?list-type=2&max-keys=1",
        ),
        (
            "https://s3.eu-west-1.amazonaws.com/up/a",
            "https://s3.eu-west-1.amazonaws.com/up?list-type=2&max-keys=1",
        ),
        ("https://up.storage.googleapis.com/a", "https://up.storage.googleapis.com/?list-type=2&max-keys=1"),
        ("https://storage.googleapis.com/up/", "https://storage.googleapis.com/up?list-type=2&max-keys=1"),
        ("https://files.example.com/", "https://files.example.com/?list-type=2&max-keys=1"),
        (
            "https://shop.blob.core.windows.net/up/a",
            "https://shop.blob.core.windows.net/up?restype=container&comp=list&maxresults=1",
        ),
    ],
)
def test_the_bucket_itself_is_asked_whatever_object_was_declared(declared: str, asked_for: str) -> None:
    assert module.listing_url(declared) == asked_for


def test_a_store_that_refuses_the_connection_tells_nothing() -> None:
    with pytest.raises(Unreachable):
        look(bucket_exposure, "http://127.0.0.1", bucket_url=f"http://127.0.0.1:{refused_port()}/uploads")


def test_without_a_bucket_there_is_nothing_to_ask() -> None:
    with pytest.raises(NotApplicable):
        look(bucket_exposure, "http://127.0.0.1")
