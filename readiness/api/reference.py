"""Owns how the API is described: the document for programs, the page for people, and what is not there."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_safe

from readiness.api.describing import chapters, shapes
from readiness.api.document import as_text, document
from readiness.api.door import NOT_FOUND, tag
from readiness.intake.problems import Problem


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """Serve the OpenAPI document; it is the same in every installation, so anybody may read it."""
    content = as_text().encode()
    response = HttpResponse(content, content_type="application/json")
    response["ETag"] = tag(content)
    response["Cache-Control"] = "public, max-age=300"
    return get_conditional_response(request, etag=response["ETag"], response=response) or response


@require_GET
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """Show every operation with its parameters, its answers and a command to try."""
    told = document()
    found = shapes(told)
    context = {
        "area": "reference",
        "about": told["info"]["description"],
        "chapters": chapters(told),
        "shapes": found,
        "names": {shape.name for shape in found},
    }
    return render(request, "readiness/api/reference.html", context)


@csrf_exempt
def nothing(request: HttpRequest) -> HttpResponse:
    """Answer for every address of the API that does not exist."""
    return Problem(404, "Not found", NOT_FOUND).response()
