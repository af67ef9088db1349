"""Owns Target: a deployment as a probe sees it, with its way to ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self
from urllib.parse import urlsplit

from readiness.outside.egress import DEADLINE, Client
from readiness.outside.exchange import Exchange, origin
from readiness.probes.outcomes import NotApplicable
from readiness.probes.sharing import Answers, Question, question

DEFAULT_PORTS = {"http": 80, "https": 443}


@lru_cache(maxsize=4096)
def split(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an address; each look asks, and there are few addresses."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the owner of a deployment declared about it, in typed fields.

    `base_url` is where it answers, `host_header` the Host to send when that is not the name in `base_url`.
    `environment` decides how strict a probe is: "production" is the strictest. `public_api` says that any
    origin may call it without credentials; `cors_credentials` that the frontend sends cookies.
    `docs` and `metrics` are the policies for API documents and for metrics: "public", "private", "off", or ""
    when nobody decided. `page_paths` are pages for browsers; `ports_open`, `ports_closed`, `postgres_address`
    and `redis_address` are "host:port". `vantage` names where the worker stands that looks. `rate_limit` is
    after how many requests within ten seconds `rate_limit_path` refuses, asked where `allow_intrusive`.
    `token` is an access token that somebody gave for one look; it is never kept.
    """

    base_url: str
    environment: str = "production"
    host_header: str = ""
    frontend_origins: tuple[str, ...] = ()
    health_path: str = ""
    login_path: str = ""
    api_paths: tuple[str, ...] = ()
    protected_paths: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    expected_commit: str = ""
    public_api: bool = False
    cors_credentials: bool = False
    docs: str = ""
    page_paths: tuple[str, ...] = ()
    version_path: str = ""
    metrics_path: str = ""
    metrics: str = ""
    error_tracker: str = ""
    ip_families: str = ""
    ports_open: tuple[str, ...] = ()
    ports_closed: tuple[str, ...] = ()
    postgres_address: str = ""
    redis_address: str = ""
    bucket_url: str = ""
    vantage: str = ""
    test_username: str = ""
    test_password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    token_path: str = ""
    allow_intrusive: bool = False
    rate_limit_path: str = ""
    rate_limit_method: str = "GET"
    rate_limit: int | None = None
    client: Client | None = field(default=None, compare=False, repr=False)
    exchanges: list[Exchange] = field(default_factory=list, compare=False, repr=False)
    answers: Answers | None = field(default=None, compare=False, repr=False)
    put: set[Question] = field(default_factory=set, compare=False, repr=False)

    def bound(self, client: Client, answers: Answers | None = None) -> Self:
        """Return the same target with a way to ask and an empty record of what was exchanged.

        With `answers`, what other probes of the same batch have asked is not asked again.
        """
        made = object.__new__(type(self))
        # As `replace` does in a tenth of its time: every look binds a target, and it has many fields.
        made.__dict__.update(self.__dict__, client=client, exchanges=[], answers=answers, put=set())
        return made

    @property
    def scheme(self) -> str:
        """ "http" or "https"."""
        return split(self.base_url)[0]

    @property
    def host(self) -> str:
        """The name or address that is dialled."""
        return split(self.base_url)[1]

    @property
    def port(self) -> int:
        """The port that is dialled."""
        return split(self.base_url)[2] or DEFAULT_PORTS[self.scheme]

    @property
    def name(self) -> str:
        """The name under which the deployment is known: the Host header's, else the address's."""
        return urlsplit(f"//{self.host_header}").hostname or self.host

    @property
    def is_production(self) -> bool:
        """Tell whether faults that only annoy in development count in full."""
        return self.environment == "production"

    def url(self, path: str) -> str:
        """Return the absolute address of a path under the base URL. An absolute address stays as it is."""
        if path.startswith(("http://", "https://")):
            return path
        return f"{self.base_url.rstrip('/')}/{path.removeprefix('/')}"

    async def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        body: bytes | None = None,
        follow: bool = False,
        private: bool = False,
        fresh: bool = False,
        deadline: float = DEADLINE,
        is_long: bool = False,
    ) -> Exchange:
        """Ask the deployment and keep the exchange for the record. Raises as `Client.ask` does.

        With `private` the record gets neither body nor anything else that may hold a secret: where one may be
        found, none is kept. With `fresh` the answer is never one that another probe has just got; an answer
        that `is_long` never is, and may have 2 MiB.
        """
        url = self.url(path)
        host = self.host_header if self.host_header and self.is_own(url) else ""

        async def put() -> Exchange:
            return await self.way_out.ask(
                method,
                url,
                headers,
                host=host,
                body=body,
                follow=follow,
                deadline=deadline,
                is_long=is_long,
            )

        is_shared = self.answers and not (fresh or private or is_long)
        asked = question(method, url, headers, body) if is_shared else None
        if self.answers and asked and asked not in self.put:
            self.put.add(asked)
            exchange = await self.answers.ask(asked, put, follow=follow, deadline=deadline)
        else:
            exchange = await put()
        kept = exchange.shortened() if is_long else exchange
        self.exchanges.append(kept.without_secrets() if private else kept)
        return exchange

    def is_own(self, url: str) -> bool:
        """Tell whether an absolute address is of the deployment's own origin."""
        return origin(url) == origin(self.base_url)

    @property
    def way_out(self) -> Client:
        """The client that the runner bound."""
        if self.client is None:
            raise RuntimeError("This target was not bound to a client: only a runner may ask it.")
        return self.client

    def needs_https(self) -> None:
        """Raise NotApplicable unless the deployment is reached over https."""
        if self.scheme != "https":
            raise NotApplicable(f"{self.base_url} is not an https address.")
