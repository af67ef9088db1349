"""Owns the snippets that connect a pipeline: text to paste, with a deployment's own addresses filled in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from textwrap import indent
from urllib.parse import quote

from django.conf import settings

from tickets.models import Deployment

# Other names would have to be quoted, differently in each of the three.
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")

POST = r"""curl --fail-with-body --silent --show-error --retry 3 --data-binary @junit.xml \
  -H "Authorization: Bearer $READINESS_TOKEN" \
  "$READINESS_URL/api/v1/deployments/~slug/evidence?format=junit&category=unit&commit=$COMMIT&run_id=$RUN_ID&run_attempt=$RUN_ATTEMPT"
"""

# Only 204 is a yes, 425 is "not counted yet", and everything else is no: a server out of reach as well.
ASK = r"""for attempt in $(seq 30); do
  status=$(curl --silent --show-error --output answer.txt --write-out '%{http_code}' \
    -H "Authorization: Bearer $READINESS_TOKEN" \
    "$READINESS_URL/api/v1/gate/~slug/~environment/check?sha=$COMMIT") || status=none
  [ "$status" = 425 ] || break
  sleep 10
done
[ ! -s answer.txt ] || cat answer.txt
if [ "$status" != 204 ]; then
  echo "The gate does not say yes ($status)."
  exit 1
fi
"""

SHELL = """set -eu
READINESS_URL=~site
# READINESS_TOKEN holds the token, from wherever your pipeline keeps its secrets.
COMMIT=$(git rev-parse HEAD)
RUN_ID=by-hand-$(date +%s)
RUN_ATTEMPT=1

# Post the results, whether the tests have passed or not.
~post
# May it go?
~ask"""

GITHUB = """name: Readiness
on:
  push:
    branches: ["~branch"]
jobs:
  readiness:
    runs-on: ubuntu-latest
    env:
      READINESS_URL: "~site"
      READINESS_TOKEN: ${{ secrets.READINESS_TOKEN }}
      COMMIT: ${{ github.sha }}
      RUN_ID: ${{ github.run_id }}
      RUN_ATTEMPT: ${{ github.run_attempt }}
    steps:
      - uses: actions/checkout@v4
      - name: Test
        run: make test  # whatever writes junit.xml
      - name: Post the results
        if: always()
        run: |
~post10
      - name: May it go?
        run: |
~ask10"""

GITLAB = """readiness:
  stage: .post
  rules:
    - if: $CI_COMMIT_BRANCH == "~branch"
  variables:
    READINESS_URL: "~site"
    COMMIT: $CI_COMMIT_SHA
    RUN_ID: $CI_PIPELINE_ID
    RUN_ATTEMPT: "1"
  # READINESS_TOKEN is a masked variable of the project. An earlier job leaves junit.xml as an artifact.
  script:
    - |
~post6
    - |
~ask6"""


class Filled(Template):
    """A template whose places begin with ~: a shell script is full of dollar signs."""

    delimiter = "~"


@dataclass(frozen=True, slots=True)
class Snippet:
    """One text to paste, and where it goes."""

    key: str
    title: str
    where: str
    text: str


def snippets_for(deployment: Deployment) -> list[Snippet]:
    """Return the snippets in the order of the page, ready to paste."""
    places = {
        "site": settings.SITE_URL,
        "slug": quote(deployment.slug),
        "environment": quote(deployment.environment),
        "branch": deployment.branch if PLAIN.fullmatch(deployment.branch) else "main",
    }
    post, ask = (Filled(text).substitute(places) for text in (POST, ASK))
    places |= {"post": post, "ask": ask}
    for depth in (6, 10):
        places |= {f"post{depth}": _deep(post, depth), f"ask{depth}": _deep(ask, depth)}
    return [
        _snippet("github", "GitHub Actions", ".github/workflows/readiness.yml", GITHUB, places),
        _snippet("gitlab", "GitLab CI", ".gitlab-ci.yml, beside your own jobs", GITLAB, places),
        _snippet("shell", "Any shell", "a script of your pipeline; it needs curl", SHELL, places),
    ]


def _snippet(key: str, title: str, where: str, text: str, places: Mapping[str, str]) -> Snippet:
    return Snippet(key, title, where, Filled(text).substitute(places))


def _deep(text: str, depth: int) -> str:
    """Return lines as a YAML block scalar wants them, without the newline that the template brings."""
    return indent(text.rstrip("\n"), " " * depth)
