"""Owns the door for jobs that report: an address with a secret in it, answered in a line of plain text.

What arrives is stored before anything is made of it. GET counts as POST does: many schedulers know no other.
"""

import re
from contextlib import suppress
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from readiness.probes.push import TEXT_KEPT, PushReport, PushToken, TooMany

METHODS = ("GET", "HEAD", "POST")
RID = re.compile(r"[A-Za-z0-9._:-]{1,64}\Z")
COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")
# Read beyond what is kept, so that a secret is masked as a whole before it is cut.
MARGIN = 4096
# Read away, so that a sender of more gets an answer and no broken pipe.
DRAINED = 1024 * 1024
KINDS = {"": PushReport.Kind.OK, "start": PushReport.Kind.START, "fail": PushReport.Kind.FAIL}


class Unusable(Exception):
    """What was said beside the report cannot be used; the text is a whole sentence."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an address says about a run beside its body."""

    kind: str
    exit_code: int | None
    rid: str
    commit: str


@csrf_exempt
def push(request: HttpRequest, token: str, said: str = "") -> HttpResponse:
    """Take in one report: 200 once it is stored, and again for the same run; 404 for a secret of nobody's."""
    found = PushToken.push_of(token)
    if found is None:
        return answer(404, "There is nothing here. The address may have been replaced or ended.")
    allowed = ("POST",) if found.post_only else METHODS
    if request.method not in allowed:
        return answer(405, f"Send it with {' or '.join(allowed)}.", Allow=", ".join(allowed))
    try:
        run = read(request, said)
        found.take(run.kind, rid=run.rid, text=text_of(request), commit=run.commit, exit_code=run.exit_code)
    except Unusable as wrong:
        return answer(400, str(wrong))
    except TooMany:
        words = "These are too many reports within a minute. Send it again later."
        return answer(429, words, Retry_After="60")
    return answer(200, "OK")


def read(request: HttpRequest, said: str) -> Said:
    """Return what the address says. Raises Unusable."""
    rid, commit = request.GET.get("rid", ""), request.GET.get("commit", "").lower()
    if rid and not RID.match(rid):
        raise Unusable("The rid cannot be used. Write 1 to 64 letters, digits and . _ : - as a run's number.")
    if commit and not COMMIT.match(commit):
        raise Unusable("The commit cannot be used. Write 7 to 64 characters of 0-9 and a-f.")
    if said in KINDS:
        return Said(KINDS[said], None, rid, commit)
    if not (said.isascii() and said.isdigit() and len(said) <= 3 and int(said) <= 255):
        raise Unusable("After the address comes nothing, /start, /fail or an exit code from /0 to /255.")
    code = int(said)
    return Said(PushReport.Kind.FAIL if code else PushReport.Kind.OK, code, rid, commit)


def text_of(request: HttpRequest) -> str:
    """Return the head of the body as text, not masked yet; one that breaks off counts as far as it came."""
    head = b""
    with suppress(OSError):
        head = request.read(TEXT_KEPT + MARGIN)
        left = DRAINED
        while left > 0 and (chunk := request.read(64 * 1024)):
            left -= len(chunk)
    return head.decode("utf-8", "replace").strip()


def answer(status: int, words: str, **headers: str) -> HttpResponse:
    """Return one line of text that nobody keeps."""
    response = HttpResponse(f"{words}\n", status=status, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "no-store"
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response
