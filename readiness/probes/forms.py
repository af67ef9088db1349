"""Owns what people type about a deployment: typed fields, each address judged by the egress policy first.

What is refused here could be saved and would then be refused at every look; it is said here because here
somebody can do something about it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.utils.crypto import salted_hmac

from readiness.outside import addresses, egress
from readiness.outside.failures import CannotTell
from readiness.outside.policy import Blocked
from readiness.probes import git, subjects
from tickets.forms import dress
from tickets.models import Deployment
from tickets.models.editing import digest

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?\Z")
WORD = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}\Z")
LINES_SHOWN = 3
MOST_LINES = 50
TAKEN_BY_US = frozenset({"new"})
SLUG_HELP = "Letters, digits and hyphens, such as shop. It is part of addresses and cannot be changed later."
SEALED = "Stored encrypted, never shown, sent only to the sign-in and token paths."
AGAIN = "It is not shown again here: type it once more."


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together on the page; what few deployments need is folded away."""

    title: str
    names: tuple[str, ...]
    says: str = ""


GROUPS = (
    Group("What it is", ("name", "slug", "environment")),
    Group(
        "Where it answers",
        ("base_url", "host_header", "health_path", "login_path", "page_paths", "version_path"),
    ),
    Group("Who calls it", ("frontend_origins", "api_paths", "public_api", "cors_credentials")),
    Group("What it needs, and what it keeps to itself", ("dependencies", "protected_paths", "docs_policy")),
    Group("Where its code is", ("repository_url", "branch", "deployed_commit")),
)
FOLDED = (
    Group(
        "Metrics and errors",
        ("metrics_path", "metrics_policy", "error_tracker"),
        "For probes that ask whether somebody would notice.",
    ),
    Group(
        "Network",
        (
            "ip_families", "ports_open", "ports_closed", "postgres_address", "redis_address", "bucket_url",
            "vantage",
        ),
        "For probes that knock at ports, databases and stores. They never sign in.",
    ),
    Group(
        "An account for probes",
        ("test_username", "test_password", "forget_password", "token_path"),
        "For probes that look at sessions and tokens. Make an account that can do nothing that matters.",
    ),
    Group(
        "Probes that strain it",
        ("allow_intrusive", "rate_limit_path", "rate_limit_method", "rate_limit"),
        "They run only when somebody asks for them by name, and only where this is ticked.",
    ),
)  # fmt: skip
# On the page, but no columns of the deployment.
NO_COLUMNS = frozenset({"seen", "forget_password"})

EMPTY_CHOICES = {
    "docs_policy": "Nobody decided",
    "metrics_policy": "Nobody decided",
    "error_tracker": "Nobody said",
    "ip_families": "Whichever it has",
    "rate_limit_method": "GET",
}

if TYPE_CHECKING:
    DeploymentModelForm = forms.ModelForm[Deployment]
else:
    DeploymentModelForm = forms.ModelForm


class Lines(forms.CharField):
    """Several short texts, one a line; empty lines and repetitions are dropped."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            widget=forms.Textarea(attrs={"rows": LINES_SHOWN, "spellcheck": "false"}),
            **kwargs,
        )

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = [line.strip() for line in str(value or "").splitlines()]
        found = list(dict.fromkeys(line for line in lines if line))
        if len(found) > MOST_LINES:
            raise forms.ValidationError(f"These are {len(found)} lines. Give the {MOST_LINES} that matter.")
        return found


class DeploymentForm(DeploymentModelForm):
    """What is judged, where it runs and what probes may take for granted about it."""

    frontend_origins = Lines(
        label="Frontend origins",
        help_text="Where browsers call it from, one a line, such as https://shop.example.com.",
    )
    api_paths = Lines(
        label="API paths",
        help_text="What browsers call across origins, one a line, such as /api/v1/products.",
    )
    protected_paths = Lines(
        label="Protected paths",
        help_text="What a stranger must be refused, one a line, such as /api/v1/orders.",
    )
    dependencies = Lines(
        label="Dependencies", help_text="What it cannot run without, one a line, such as postgres or redis."
    )
    page_paths = Lines(
        label="Pages", help_text="Pages that people open, one a line, such as /shop. Empty: the first page."
    )
    ports_open = Lines(
        label="Ports that must be open", help_text="Host and port, one a line, such as mail.example.com:587."
    )
    ports_closed = Lines(
        label="Ports that must be closed",
        help_text="Host and port, one a line, such as shop.example.com:5432.",
    )
    forget_password = forms.BooleanField(
        required=False, label="Forget the stored password", help_text="Probes then sign in no more."
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Deployment
        fields: ClassVar = [
            name for group in (*GROUPS, *FOLDED) for name in group.names if name not in NO_COLUMNS
        ]
        widgets: ClassVar = {
            "test_username": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            "test_password": forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        }
        labels: ClassVar = {
            "slug": "Short name",
            "base_url": "Base URL",
            "host_header": "Host header",
            "repository_url": "Repository",
            "public_api": "Open to every website",
            "cors_credentials": "The frontend sends credentials",
            "docs_policy": "API documentation",
            "metrics_policy": "Who may read the metrics",
            "error_tracker": "Error tracker",
            "ip_families": "Addresses",
            "postgres_address": "PostgreSQL",
            "redis_address": "Redis",
            "bucket_url": "Object store",
            "test_username": "User name",
            "test_password": "Password",
            "allow_intrusive": "Intrusive probes may run",
            "rate_limit_path": "Path that is limited",
            "rate_limit_method": "It is asked by",
            "rate_limit": "Requests until it refuses",
        }
        help_texts: ClassVar = {
            "slug": SLUG_HELP,
            "environment": "Decides which policy the gate goes by.",
            "health_path": "The path that says whether it works, such as /health.",
            "login_path": "The path of its sign-in, such as /login. Empty: none.",
            "repository_url": "An https:// address that git can clone without a password.",
            "branch": "The branch that is deployed. Empty: the repository's own default.",
            "deployed_commit": "7 to 64 characters of 0-9 and a-f. CI may keep it up to date.",
            "postgres_address": "Host and port, such as db.internal:5432. A probe asks for TLS.",
            "redis_address": "Host and port, such as cache.internal:6379. A probe asks without a password.",
            "bucket_url": "The bucket's https:// address. A probe asks whether strangers may list it.",
            "rate_limit": "Within ten seconds: 1 to 60.",
        }
        error_messages: ClassVar = {
            "slug": {"unique": "This short name is taken. Choose another."},
            "base_url": {"invalid": "This is not a web address. Write it like https://app.example.com."},
        }
        field_classes: ClassVar = {"base_url": forms.CharField, "bucket_url": forms.CharField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, nothing in EMPTY_CHOICES.items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                column = Deployment._meta.get_field(name)
                field.choices = column.get_choices(blank_choice=[("", nothing)])
        self.initial.pop("test_password", None)
        has_password = bool(self.instance.test_password)
        kept = " Empty: the stored one is kept." if has_password else ""
        self.fields["test_password"].help_text = AGAIN if self.data.get("test_password") else SEALED + kept
        if not has_password:
            del self.fields["forget_password"]
        if self.instance.pk:
            del self.fields["slug"]
            self.fields["seen"].initial = mark_of(self.instance, self.wanted_fields)

    @property
    def wanted_fields(self) -> list[str]:
        """Return the names of the fields that are the deployment's own."""
        return [name for name in self.fields if name not in NO_COLUMNS]

    def groups(self) -> Iterator[tuple[str, list[forms.BoundField]]]:
        """Yield the fields that stand open on the page: a heading, and what stands under it."""
        for group in GROUPS:
            yield group.title, self._fields_of(group)

    def folded(self) -> Iterator[tuple[Group, list[forms.BoundField], int, bool]]:
        """Yield the folded groups: its fields, how many are filled in, and whether one needs another look."""
        for group in FOLDED:
            fields = self._fields_of(group)
            filled = sum(bool(getattr(self.instance, field.name, "")) for field in fields)
            yield group, fields, filled, any(field.errors for field in fields)

    def _fields_of(self, group: Group) -> list[forms.BoundField]:
        return [self[name] for name in group.names if name in self.fields]

    def values(self) -> dict[str, Any]:
        """Return what was typed, as the deployment's verbs take it; call on a valid form.

        An empty password is none that was typed: the stored one stays, unless it is to be forgotten.
        """
        values = {name: self.cleaned_data[name] for name in self.wanted_fields}
        if not values["test_password"] and not self.cleaned_data.get("forget_password"):
            del values["test_password"]
        return values

    def dressed(self) -> "DeploymentForm":
        dress(self)
        return self

    def clean(self) -> dict[str, Any]:
        """Refuse what only makes sense together with something that is missing."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if said.get("test_password") and not said.get("test_username"):
            self.add_error("test_username", "Name the account that the password belongs to.")
        if said.get("test_password") and said.get("forget_password"):
            self.add_error("forget_password", "Type a new password or forget the stored one, not both.")
        if said.get("rate_limit") and not said.get("rate_limit_path"):
            self.add_error("rate_limit_path", "Name the path that is limited, such as /api/login.")
        return said

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug in TAKEN_BY_US:
            raise forms.ValidationError(f"“{slug}” is an address of ours. Choose another short name.")
        return slug

    def clean_base_url(self) -> str:
        url: str = self.cleaned_data["base_url"].strip()
        if url:
            judged(egress.check_url, url)
        return url

    def clean_repository_url(self) -> str:
        url: str = self.cleaned_data["repository_url"].strip()
        if url:
            judged(repository_may_be_read, url)
        return url

    def clean_host_header(self) -> str:
        host: str = self.cleaned_data["host_header"].strip()
        if host and not HOST.match(host):
            raise forms.ValidationError("Write a host name alone, such as shop.example.com.")
        return host

    def clean_health_path(self) -> str:
        return path_or_url(self.cleaned_data["health_path"].strip())

    def clean_login_path(self) -> str:
        return path_or_url(self.cleaned_data["login_path"].strip())

    def clean_version_path(self) -> str:
        return path_or_url(self.cleaned_data["version_path"].strip())

    def clean_metrics_path(self) -> str:
        return path_or_url(self.cleaned_data["metrics_path"].strip())

    def clean_token_path(self) -> str:
        return path_alone(self.cleaned_data["token_path"].strip())

    def clean_rate_limit_path(self) -> str:
        return path_alone(self.cleaned_data["rate_limit_path"].strip())

    def clean_page_paths(self) -> list[str]:
        return [path_or_url(path) for path in self.cleaned_data["page_paths"]]

    def clean_ports_open(self) -> list[str]:
        return [host_and_port(text) for text in self.cleaned_data["ports_open"]]

    def clean_ports_closed(self) -> list[str]:
        return [host_and_port(text) for text in self.cleaned_data["ports_closed"]]

    def clean_postgres_address(self) -> str:
        return host_and_port(self.cleaned_data["postgres_address"].strip())

    def clean_redis_address(self) -> str:
        return host_and_port(self.cleaned_data["redis_address"].strip())

    def clean_bucket_url(self) -> str:
        url: str = self.cleaned_data["bucket_url"].strip()
        if url:
            judged(egress.check_url, url)
        return url

    def clean_api_paths(self) -> list[str]:
        return [path_or_url(path) for path in self.cleaned_data["api_paths"]]

    def clean_protected_paths(self) -> list[str]:
        return [path_or_url(path) for path in self.cleaned_data["protected_paths"]]

    def clean_frontend_origins(self) -> list[str]:
        return list(dict.fromkeys(origin_of(text) for text in self.cleaned_data["frontend_origins"]))

    def clean_dependencies(self) -> list[str]:
        words = [word.lower() for word in self.cleaned_data["dependencies"]]
        if wrong := [word for word in words if not WORD.match(word)]:
            raise forms.ValidationError(f"“{wrong[0]}” is not a name. Write one a line, such as postgres.")
        return words


def mark_of(deployment: Deployment, names: list[str]) -> str:
    """Return the digest of what stands in these fields: a form says by it what its writer was looking at.

    A secret goes in under the installation's key: from the digest alone nobody can try passwords.
    """
    values = [getattr(deployment, name) for name in names]
    return digest(
        [
            sealed(value) if name in Deployment.SECRET else value
            for name, value in zip(names, values, strict=True)
        ]
    )


def sealed(secret: str) -> str:
    """Return a name for a secret that only this installation can make of it."""
    return salted_hmac("readiness.probes.forms", secret, algorithm="sha256").hexdigest()


def repository_may_be_read(where: str) -> None:
    """Raise Blocked or CannotTell, with one clear sentence, for a repository that probes would not read."""
    if "://" in where or not where.startswith("/"):
        git.check_remote(where, egress.from_settings())
    else:
        subjects.local(where)


def judged(check: Callable[[str], None], text: str) -> None:
    """Run an egress check over a text and turn its refusal into an error beside the field."""
    try:
        check(text)
    except (Blocked, CannotTell) as refused:
        raise forms.ValidationError(str(refused)) from None


def path_or_url(text: str) -> str:
    """Return a path of the deployment, or an address elsewhere that probes may ask."""
    if not text or (text.startswith("/") and not text.startswith("//")):
        if any(ord(character) <= 32 or character == "\\" for character in text):
            raise forms.ValidationError("A path has no spaces or backslashes. Write it like /health.")
        return text
    if "://" not in text:
        raise forms.ValidationError(f"“{text}” is not a path. Write it like /health.")
    judged(egress.check_url, text)
    return text


def path_alone(text: str) -> str:
    """Return a path of the deployment itself: what is sent there must reach nobody else."""
    if "://" in text:
        raise forms.ValidationError("Only the deployment itself is asked this. Write a path like /api/token.")
    return path_or_url(text)


def host_and_port(text: str) -> str:
    """Return "host:port" in lower case once the egress policy agrees, an IPv6 host in brackets; "" as is."""
    if not text:
        return ""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    is_alone = text.lower() in {f"{host}:{port}", f"[{host}]:{port}"}
    if not host or not port or not is_alone:
        raise forms.ValidationError(f"“{text}” is not host and port. Write it like db.example.com:5432.")
    # The policy judges web addresses, and asks of them host and port alone.
    judged(egress.check_url, f"http://{text}")
    return text.lower()


def origin_of(text: str) -> str:
    """Return an origin as browsers send it: scheme, host and port, in lower case, without a slash.

    Nobody dials an origin, so one in a private network is fine; one that is no web origin at all is not.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname or ""
    rest = (parts.path.strip("/"), parts.query, parts.fragment, parts.username, parts.password)
    if parts.scheme not in {"http", "https"} or not HOST.match(host) or any(rest):
        raise forms.ValidationError(
            f"“{text}” is not an origin. Write scheme and host, such as https://shop.example.com."
        )
    literal = addresses.parse(host)
    if literal and (what := addresses.never(addresses.unwrap(literal))):
        raise forms.ValidationError(f"{host} cannot be a frontend: it is {what}.")
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")
