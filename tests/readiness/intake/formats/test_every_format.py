"""What holds for every format: it is registered once, documented, sampled, and nothing makes it crash."""

import gzip
import io
import json
from pathlib import Path
from random import Random

import pytest
from django.conf import settings as product
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.intake.formats import discover, format, read_report
from readiness.intake.reading import Context, Outcome, Reading, Unreadable
from tickets import packs

FORMATS = sorted(discover())
# What a document of any shape means, only its sender can say: it is in test_json_rule.py.
RECOGNISED = [name for name in FORMATS if name != "json"]
SAMPLES = sorted(
    path for name in RECOGNISED for path in (Path(__file__).parents[3] / "samples" / name).iterdir()
)


def test_the_formats_that_are_promised_are_there() -> None:
    assert FORMATS == [
        "cloudevents", "cobertura", "cyclonedx", "django_check", "forgejo", "generic", "github", "gitlab",
        "istanbul", "jacoco", "json", "junit", "k6", "lcov", "lighthouse", "sarif", "scorecard", "sonarqube",
    ]  # fmt: skip


def test_two_formats_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="Two formats are called junit"):
        format("junit", title="again", recognise=lambda head: False)(
            lambda body, context: Reading("", Outcome.PASS, {})
        )


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_documented_and_sampled(name: str) -> None:
    assert f"`{name}`" in (product.BASE_DIR / "docs" / "ci.md").read_text()
    assert name not in RECOGNISED or any(path.parent.name == name for path in SAMPLES)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_sample_is_recognised_by_its_content_and_speaks_to_claims_of_the_pack(path: Path) -> None:
    reading = read_report(path.read_bytes())

    assert reading.format == path.parent.name
    known = {claim.claim for claim in packs.load(packs.DEFAULT).claims}
    assert {finding.criterion for finding in reading.findings} <= known


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_sample_says_the_same_compressed_from_a_stream_and_by_name(path: Path) -> None:
    data = path.read_bytes()
    plain = read_report(data)

    assert read_report(io.BytesIO(gzip.compress(data))) == plain
    with path.open("rb") as stream:
        assert read_report(stream, format=path.parent.name) == plain


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_commit_and_the_category_reach_every_finding(path: Path) -> None:
    reading = read_report(path.read_bytes(), context=Context(commit="a" * 40))

    # A provider's event names its own commit, and that one is signed.
    expected = reading.origin.commit if reading.origin else "a" * 40
    assert {finding.commit for finding in reading.findings} <= {expected}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_damaged_sample_is_read_or_refused_and_never_crashes(path: Path) -> None:
    data, random = path.read_bytes(), Random(path.name)

    for _ in range(60):
        damaged = bytearray(data)
        start = random.randrange(len(damaged))
        damaged[start : start + random.randrange(1, 40)] = random.randbytes(random.randrange(4))
        try:
            read_report(bytes(damaged), format=path.parent.name)
        except Unreadable as refused:
            assert refused.message


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(FORMATS), st.binary(max_size=120))
def test_no_bytes_crash_any_format(name: str, data: bytes) -> None:
    try:
        reading = read_report(data, format=name)
    except Unreadable as refused:
        assert refused.message
    else:
        assert reading.outcome is not Outcome.PASS


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)
JSON_SAMPLES = [path for path in SAMPLES if path.suffix in (".json", ".sarif")]


def swapped(random: Random, value: object, into: object) -> object:
    """The JSON value with one of its parts, chosen at random, replaced."""
    if not isinstance(value, dict | list) or not value or random.random() < 0.15:
        return into
    if isinstance(value, list):
        place = random.randrange(len(value))
        return [swapped(random, each, into) if n == place else each for n, each in enumerate(value)]
    chosen = random.choice(list(value))
    return {key: swapped(random, each, into) if key == chosen else each for key, each in value.items()}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(JSON_SAMPLES), json_values, st.randoms())
def test_a_sample_with_one_part_replaced_never_crashes(path: Path, value: object, random: Random) -> None:
    document = json.dumps(swapped(random, json.loads(path.read_bytes()), value)).encode()

    try:
        read_report(document, format=path.parent.name)
    except Unreadable as refused:
        assert refused.message
