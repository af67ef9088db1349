"""Owns what makes a repository a service in some language: the framework that answers requests."""

import re
from collections.abc import Iterator

from readiness.outside.failures import CannotTell
from readiness.probes import javascript, pycode
from readiness.probes.checkout import Checkout
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


def python_files(checkout: Checkout) -> list[tuple[str, str]]:
    """Return the project's Python as path and text, empty when nothing in it answers requests."""
    files = [
        (path, text) for path, text in pycode.texts(checkout, "import") if not pycode.is_development(path)
    ]
    return files if any(PYTHON.search(text) for _, text in files) else []


def javascript_files(checkout: Checkout) -> list[tuple[str, str]]:
    """Return the project's JavaScript as path and code, empty when nothing in it answers requests.

    What runs in browsers and at build time has no server's duties.
    """
    if not JAVASCRIPT & packages(checkout):
        return []
    return list(javascript.sources(checkout, development=False))


def go_files(checkout: Checkout) -> list[tuple[str, str]]:
    """Return the project's Go as path and code, empty when it is no program that answers requests."""
    files = [(path, javascript.code_of(text)) for path, text in checkout.own_texts("*.go")]
    runs = any("func main()" in code for _, code in files)
    return files if runs and any(GO.search(code) for _, code in files) else []


def packages(checkout: Checkout) -> set[str]:
    """Return the run-time dependencies of every package.json of the project."""
    return {name for path in checkout.own_files("package.json") for name in _dependencies(checkout, path)}


def _dependencies(checkout: Checkout, path: str) -> Iterator[str]:
    try:
        yield from table(load_json(checkout, path), "dependencies")
    except CannotTell:
        return


def place(path: str, text: str, found: re.Match[str]) -> str:
    """Return where a pattern was found, as people write it."""
    return f"{path}:{javascript.line_at(text, found.start())}"


def first(files: list[tuple[str, str]], pattern: re.Pattern[str]) -> str:
    """Return the first place of a pattern in the files, or ""."""
    places = (place(path, text, found) for path, text in files if (found := pattern.search(text)))
    return next(places, "")
