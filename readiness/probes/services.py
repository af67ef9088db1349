"""Owns what makes a repository a service in some language: the framework that answers requests."""

import re
from collections.abc import Iterable, Iterator, Mapping

from readiness.outside.failures import CannotTell
from readiness.probes import javascript, pycode
from readiness.probes.checkout import Checkout, text_of
from readiness.probes.facts import Fact, fact
from readiness.probes.manifests import load_json, table

PYTHON = re.compile(
    r"(?m)^\s*(?:from|import)\s+(?:django|flask|fastapi|starlette|aiohttp\.web|aiohttp|tornado|sanic|litestar|falcon"
    r"|bottle|quart|pyramid|celery|connexion|ninja|rest_framework|blacksheep|robyn|grpc)\b"
)
JAVASCRIPT = frozenset(
    {
        "express",
        "fastify",
        "koa",
        "@nestjs/core",
        "@hapi/hapi",
        "restify",
        "hono",
        "@apollo/server",
        "@adonisjs/core",
    }
    | {
        "apollo-server",
        "apollo-server-express",
        "@trpc/server",
        "@feathersjs/feathers",
        "sails",
        "@loopback/core",
    }
    | {"moleculer", "polka", "@nestjs/microservices", "@strapi/strapi"}
)
GO = re.compile(
    r"\"(?:net/http|github\.com/(?:gin-gonic/gin|labstack/echo|gofiber/fiber|go-chi/chi|gorilla/mux)"
    r"|google\.golang\.org/grpc)[\"/]"
)


Signs = Mapping[str, int]
"""What was found in one file, by name, with its line; what is not there was not found."""


def in_python(checkout: Checkout, signs: Fact) -> list[tuple[str, Signs]]:
    """Return what a fact says of the project's Python, nothing when nothing in it answers requests."""
    parts = {
        path: checkout.told(part_of_python, path)
        for path in checkout.own_files("*.py")
        if not pycode.is_development(path)
    }
    if "answers" not in parts.values():
        return []
    return [(path, checkout.told(signs, path)) for path, part in parts.items() if part]


@fact
def part_of_python(_path: str, content: bytes) -> str:
    """Return "answers" for a module that imports what answers requests, "imports" for others that import."""
    text = text_of(content)
    if PYTHON.search(text):
        return "answers"
    return "imports" if "import" in text else ""


def in_javascript(checkout: Checkout, signs: Fact) -> list[tuple[str, Signs]]:
    """Return what a fact says of the project's JavaScript, nothing when nothing in it answers requests.

    What runs in browsers and at build time has no server's duties.
    """
    if not JAVASCRIPT & packages(checkout):
        return []
    parts = javascript.told(checkout, is_written, development=False)
    return [(path, checkout.told(signs, path)) for path, written in parts if written]


@fact
def is_written(_path: str, content: bytes) -> bool:
    """Tell whether somebody wrote a file of JavaScript, and no tool did."""
    return not javascript.is_generated(text_of(content))


def in_go(checkout: Checkout, signs: Fact) -> list[tuple[str, Signs]]:
    """Return what a fact says of the project's Go, nothing when it is no program that answers requests."""
    parts = [part for _, part in checkout.own_told(part_of_go, "*.go")]
    if any(part["runs"] for part in parts) and any(part["answers"] for part in parts):
        return list(checkout.own_told(signs, "*.go"))
    return []


@fact
def part_of_go(_path: str, content: bytes) -> dict[str, bool]:
    """Return whether a file of Go starts a program, and whether it imports what answers requests."""
    code = javascript.code_of(text_of(content))
    return {"runs": "func main()" in code, "answers": bool(GO.search(code))}


def signs_in(text: str, patterns: Mapping[str, re.Pattern[str]]) -> dict[str, int]:
    """Return the line of the first place of each pattern that is found in a text."""
    found = {name: pattern.search(text) for name, pattern in patterns.items()}
    return {name: javascript.line_at(text, one.start()) for name, one in found.items() if one}


def first_sign(files: Iterable[tuple[str, Signs]], name: str) -> str:
    """Return the first place of what has a name in the files, or ""."""
    return next((f"{path}:{signs[name]}" for path, signs in files if name in signs), "")


def packages(checkout: Checkout) -> set[str]:
    """Return the run-time dependencies of every package.json of the project."""
    return {name for path in checkout.own_files("package.json") for name in _dependencies(checkout, path)}


def _dependencies(checkout: Checkout, path: str) -> Iterator[str]:
    try:
        yield from table(load_json(checkout, path), "dependencies")
    except CannotTell:
        return
