"""Owns what people type about a deployment: typed fields, each address judged by the egress policy first.

What is refused here could be saved and would then be refused at every look; it is said here because here
somebody can do something about it.
"""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from django import forms

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

GROUPS = (
    ("What it is", ("name", "slug", "environment")),
    ("Where it answers", ("base_url", "host_header", "health_path", "login_path")),
    ("Who calls it", ("frontend_origins", "api_paths", "public_api", "cors_credentials")),
    ("What it needs, and what it keeps to itself", ("dependencies", "protected_paths", "docs_policy")),
    ("Where its code is", ("repository_url", "branch", "deployed_commit")),
)

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
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Deployment
        fields: ClassVar = [name for _, names in GROUPS for name in names]
        labels: ClassVar = {
            "slug": "Short name",
            "base_url": "Base URL",
            "host_header": "Host header",
            "repository_url": "Repository",
            "public_api": "Open to every website",
            "cors_credentials": "The frontend sends credentials",
        }
        help_texts: ClassVar = {
            "slug": SLUG_HELP,
            "environment": "Decides which policy the gate goes by.",
            "health_path": "The path that says whether it works, such as /health.",
            "login_path": "The path of its sign-in, such as /login. Empty: none.",
            "repository_url": "An https:// address that git can clone without a password.",
            "branch": "The branch that is deployed. Empty: the repository's own default.",
            "deployed_commit": "7 to 64 characters of 0-9 and a-f. CI may keep it up to date.",
        }
        error_messages: ClassVar = {
            "slug": {"unique": "This short name is taken. Choose another."},
            "base_url": {"invalid": "This is not a web address. Write it like https://app.example.com."},
        }
        field_classes: ClassVar = {"base_url": forms.CharField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        docs = self.fields["docs_policy"]
        if isinstance(docs, forms.ChoiceField):
            column = Deployment._meta.get_field("docs_policy")
            docs.choices = column.get_choices(blank_choice=[("", "Nobody decided")])
        if self.instance.pk:
            del self.fields["slug"]
            self.fields["seen"].initial = mark_of(self.instance, self.wanted_fields)

    @property
    def wanted_fields(self) -> list[str]:
        """Return the names of the fields that are the deployment's own."""
        return [name for name in self.fields if name != "seen"]

    def groups(self) -> Iterator[tuple[str, list[forms.BoundField]]]:
        """Yield the fields as the page shows them: a heading, and what stands under it."""
        for title, names in GROUPS:
            yield title, [self[name] for name in names if name in self.fields]

    def values(self) -> dict[str, Any]:
        """Return what was typed, as the deployment's verbs take it; call on a valid form."""
        return {name: self.cleaned_data[name] for name in self.wanted_fields}

    def dressed(self) -> "DeploymentForm":
        dress(self)
        return self

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
    """Return the digest of what stands in these fields: a form says by it what its writer was looking at."""
    return digest([getattr(deployment, name) for name in names])


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
