"""Owns what people send to import an audit: a file or a text, then what becomes of it."""

from typing import Any

from django import forms

from readiness.audits.document import AuditDocument
from readiness.audits.doors import LIMIT, Unreadable, too_large
from readiness.audits.parse import read_bytes
from tickets.forms import dress
from tickets.models import Deployment, Ticket

MAPPED = 200
"""Sections whose category can be chosen in the form; those beyond keep what their words say."""

NEW = "new"


class SourceForm(forms.Form):
    """An audit: a Markdown file, or its text."""

    file = forms.FileField(
        required=False,
        label="Markdown file",
        help_text=f"At most {LIMIT // 1024 // 1024} MB.",
        widget=forms.FileInput(attrs={"accept": ".md,.markdown,.txt,text/markdown,text/plain"}),
    )
    text = forms.CharField(
        required=False,
        strip=False,
        label="Or its text",
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "class": "in mono"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)

    def clean(self) -> dict[str, Any]:
        content = super().clean() or {}
        file = content.get("file")
        if file and file.size > LIMIT:
            raise forms.ValidationError(too_large(file.size))
        data = file.read() if file else content.get("text", "").encode()
        try:
            content["document"] = read_bytes(data)
        except Unreadable as refused:
            raise forms.ValidationError(
                str(refused) if data else "Choose a Markdown file, or paste the text of an audit."
            ) from refused
        return content


class ImportForm(forms.Form):
    """What becomes of an audit that was looked at: deployment, key, and the category of every section."""

    text = forms.CharField(strip=False, widget=forms.HiddenInput)
    deployment = forms.ChoiceField()
    name = forms.CharField(
        required=False,
        max_length=200,
        label="Name of the new deployment",
        help_text="One system in one environment. Only for a new deployment.",
    )
    key = forms.CharField(required=False, max_length=24, label="Ticket key")

    def __init__(self, *args: Any, user: Any, document: AuditDocument, free: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Deployment.objects.visible_to(user).filter(archived=False).order_by("name")
        self.deployments = {row.slug: row for row in rows}
        field = self.fields["deployment"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - it is declared above
        field.choices = [
            *((slug, f"{row.name}, {row.environment}") for slug, row in self.deployments.items()),
            (NEW, "A new deployment"),
        ]
        self.fields["key"].help_text = f"Empty: the audit's own, or else {free}."
        categories = [("", "No category"), *((row.name, row.name) for row in document.categories)]
        self.labels = {finding.section: finding.category for finding in document.findings}
        for place, (label, category) in enumerate([*self.labels.items()][:MAPPED]):
            self.fields[f"section-{place}"] = forms.ChoiceField(
                choices=categories, required=False, label=label, initial=category or ""
            )
        dress(self)

    def clean(self) -> dict[str, Any]:
        content = super().clean() or {}
        if content.get("deployment") == NEW and not content.get("name", "").strip():
            self.add_error("name", "Give the new deployment a name, such as Harbour Books.")
        return content

    @property
    def mapping(self) -> dict[str, str | None]:
        """The category that was chosen for each section, by the section's label."""
        chosen = zip(list(self.labels)[:MAPPED], range(MAPPED), strict=False)
        return {label: self.cleaned_data[f"section-{place}"] or None for label, place in chosen}

    @property
    def section_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("section-")]

    @property
    def plain_fields(self) -> list[forms.BoundField]:
        return [self["deployment"], self["name"], self["key"]]


def key_to_offer(document: AuditDocument, free: str) -> str:
    """The key that stands in the form at first: the audit's own when it is free, else the next free one."""
    own = document.ticket or ""
    return free if not own or Ticket.objects.filter(key=own).exists() else own
