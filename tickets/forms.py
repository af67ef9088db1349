"""Owns what people type: the forms of the record, with limits said in words and an example."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.db.models import Q, QuerySet

from tickets.models import Blocker, Category, Criterion, Deployment, Event, Problem, Section, Ticket
from tickets.scoring import Status
from tickets.tones import STATUS_WORDS

SAYABLE = [
    (status.value, STATUS_WORDS[status.value])
    for status in Status
    if status not in {"unknown", "not_applicable"}
]
DATE_HELP = "Write the date as 2026-02-28."
LONG = forms.Textarea(attrs={"class": "in", "rows": 3})


def dress(form: forms.BaseForm) -> None:
    """Give every field of a form the sheet's class and tie its error to it."""
    for name, field in form.fields.items():
        if not isinstance(field.widget, forms.CheckboxInput):
            field.widget.attrs.setdefault("class", "in")
        if name in form.errors:
            field.widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"id_{name}_error"}
        elif field.help_text:
            field.widget.attrs["aria-describedby"] = f"id_{name}_help"


class BlockerForm(forms.ModelForm):  # type: ignore[type-arg]  # takes no parameter when it runs
    """A new blocker: what, where, why it matters and what would fix it."""

    class Meta:
        model = Blocker
        fields: ClassVar = ["title", "priority", "location", "issue", "risk", "fix", "assignee", "due"]
        widgets: ClassVar = {
            "location": forms.TextInput(),
            "issue": forms.Textarea(attrs={"rows": 3}),
            "risk": forms.Textarea(attrs={"rows": 2}),
            "fix": forms.Textarea(attrs={"rows": 2}),
            "due": forms.DateInput(attrs={"type": "date"}),
        }
        help_texts: ClassVar = {
            "title": "A few words, such as “Hardcoded secrets”.",
            "location": "A file, an address or a service.",
            "fix": "What would have to be true for this to be gone.",
        }

    def __init__(self, *args: Any, deployment: Deployment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        narrow_people(self, deployment)
        dress(self)


class FindingForm(forms.Form):
    """A new finding by a person: a statement, with what was seen."""

    subject = forms.CharField(
        max_length=300, label="What was looked at", help_text="Such as “REDIS_URL” or “Backups”."
    )
    status = forms.ChoiceField(choices=SAYABLE, initial="failing")
    notes = forms.CharField(
        widget=LONG, label="What you saw", help_text="This is kept as the evidence of your statement."
    )
    category = forms.ModelChoiceField(Category.objects.none(), required=False, empty_label="In no score")
    section = forms.ModelChoiceField(Section.objects.none(), required=False, empty_label="Found since")
    severity = forms.ChoiceField(choices=[("", "None"), *Criterion.Severity.choices], required=False)
    fix = forms.CharField(widget=LONG, required=False, label="What would fix it")

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "category", ticket.categories.all())
        offer(self, "section", ticket.sections.all())
        dress(self)


class StatementForm(forms.Form):
    """What a person says about an existing finding."""

    status = forms.ChoiceField(choices=SAYABLE)
    reason = forms.CharField(
        widget=LONG,
        label="What you saw",
        help_text="Your statement counts beside the probes, not above them.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


class ReasonForm(forms.Form):
    """A reason, for what must not happen without one."""

    reason = forms.CharField(widget=LONG, label="Reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


class AssessForm(forms.Form):
    """The auditor's score of a category, with the reason."""

    score = forms.DecimalField(
        min_value=Decimal(0), max_value=Decimal(10), max_digits=3, decimal_places=1,
        label="Score out of 10", help_text="From 0 to 10, such as 6.5.",
    )  # fmt: skip
    rationale = forms.CharField(
        widget=LONG, label="Reason", help_text="Shown beside the score, together with what probes and CI add."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["score"].widget.attrs |= {"inputmode": "decimal", "step": "0.1", "min": "0", "max": "10"}
        dress(self)


class PortfolioForm(forms.Form):
    """The filter of the portfolio; an unknown value is dropped, so that an old link still opens."""

    VERDICTS: ClassVar = [
        ("", "Any verdict"),
        ("not-ready", "Not ready"),
        ("conditions", "Ready with conditions"),
        ("ready", "Ready"),
        ("unknown", "Expired or not assessed"),
    ]
    SORTS: ClassVar = [
        ("verdict", "Verdict, then P0"),
        ("name", "Name"),
        ("score", "Lowest score"),
        ("p0", "Most P0 open"),
        ("evidence", "Oldest evidence"),
    ]
    q = forms.CharField(required=False, max_length=200)
    verdict = forms.ChoiceField(choices=VERDICTS, required=False)
    env = forms.ChoiceField(
        choices=[("", "Any environment"), *Deployment.Environment.choices], required=False
    )
    p0 = forms.BooleanField(required=False)
    sort = forms.ChoiceField(choices=SORTS, required=False)

    def wanted(self) -> dict[str, Any]:
        """Return the filter's values, each empty when it was not given or not understood."""
        self.full_clean()
        return {name: self.cleaned_data.get(name) or "" for name in self.fields}


class DecisionForm(forms.Form):
    """What a person decides about a problem that a tool reports."""

    decision = forms.ChoiceField(choices=[("", "Choose"), *Problem.Decision.choices], label="Decision")
    until = forms.DateField(
        required=False, label="Until", widget=forms.DateInput(attrs={"type": "date"}),
        help_text="For a waiver: a day within 90 days. Afterwards the problem counts again.",
        error_messages={"invalid": DATE_HELP},
    )  # fmt: skip
    reason = forms.CharField(widget=LONG, label="Reason", help_text="Shown beside the problem.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


class ProblemFilter(forms.Form):
    """The filter of the problems; an unknown value is dropped, so that an old link still opens."""

    STANDINGS: ClassVar = [
        ("", "Open"),
        ("all", "All"),
        *Problem.Decision.choices,
        *[choice for choice in Problem.State.choices if choice[0] != Problem.State.OPEN],
    ]
    q = forms.CharField(required=False, max_length=200)
    standing = forms.ChoiceField(choices=STANDINGS, required=False)
    severity = forms.ChoiceField(choices=[("", "Any"), *Problem.Severity.choices], required=False)
    source = forms.ChoiceField(required=False)
    report = forms.CharField(required=False, max_length=40)

    def __init__(self, *args: Any, problems: QuerySet[Problem], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.problems = problems
        sources = problems.order_by("source").values_list("source", flat=True).distinct()
        if isinstance(field := self.fields["source"], forms.ChoiceField):
            field.choices = [("", "Any"), *((source, source.removeprefix("ci:")) for source in sources)]

    def wanted(self) -> dict[str, str]:
        """Return the filter's values, each empty when it was not given or not understood."""
        self.full_clean()
        return {name: self.cleaned_data.get(name) or "" for name in self.fields}

    def found(self, at: datetime) -> QuerySet[Problem]:
        """Return the problems that the filter asks for, worst first; those of a report whatever they are."""
        wanted = self.wanted()
        standing = wanted["standing"] or ("all" if wanted["report"] else Problem.State.OPEN)
        rows = Problem.objects.filter(pk__in=self.problems.values("pk"))
        if standing != "all":
            rows = rows.standing_as(standing, at)
        exact = {"severity": wanted["severity"], "source": wanted["source"], "changed_in": wanted["report"]}
        rows = rows.filter(**{name: value for name, value in exact.items() if value})
        words = wanted["q"]
        held = Q(title__icontains=words) | Q(path__icontains=words) | Q(rule__icontains=words)
        return rows.filter(held) if words else rows


class HistoryFilter(forms.Form):
    """The filter of a deployment's history; an unknown value is dropped, so that an old link still opens."""

    kind = forms.ChoiceField(required=False, label="What")
    person = forms.ChoiceField(required=False, label="Who")
    since = forms.DateField(required=False, label="From", help_text=DATE_HELP)
    until = forms.DateField(required=False, label="To", help_text=DATE_HELP)

    def __init__(self, *args: Any, deployment: Deployment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.events = Event.objects.filter(deployment=deployment)
        for name, column, every in (("kind", "verb", "Everything"), ("person", "actor", "Everybody")):
            values = self.events.order_by(column).values_list(column, flat=True).distinct()
            if isinstance(field := self.fields[name], forms.ChoiceField):
                field.choices = [("", every), *((value, value) for value in values)]

    def wanted(self) -> dict[str, Any]:
        """Return the filter's values, each empty when it was not given or not understood."""
        self.full_clean()
        return {name: self.cleaned_data.get(name) or "" for name in self.fields}

    def unread(self) -> list[str]:
        """Return the names of the fields whose value was not understood."""
        return [str(self.fields[name].label) for name in self.errors]

    def found(self) -> QuerySet[Event]:
        """Return the events that the filter asks for, newest first."""
        wanted = self.wanted()
        exact = {"verb": wanted["kind"], "actor": wanted["person"]}
        rows = self.events.filter(**{name: value for name, value in exact.items() if value})
        return rows.between(wanted["since"] or None, wanted["until"] or None).newest_first()


def offer(form: forms.BaseForm, name: str, rows: QuerySet[Any]) -> None:
    """Let a field choose among these rows only."""
    field = form.fields.get(name)
    if isinstance(field, forms.ModelChoiceField):
        field.queryset = rows


def narrow_people(form: forms.BaseForm, deployment: Deployment) -> None:
    """Offer only people who may see the deployment as assignees."""
    offer(form, "assignee", deployment.people())
    if isinstance(field := form.fields.get("assignee"), forms.ModelChoiceField):
        field.empty_label = "Nobody"


def field_form(blocker: Blocker, name: str, data: Any = None) -> "forms.ModelForm[Blocker]":
    """Return the form of one editable field of a blocker, holding what stands there or what was sent."""
    long = {"issue", "risk", "fix"}
    widget: forms.Widget | None = forms.Textarea(attrs={"rows": 4}) if name in long else None
    if name == "due":
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    if name == "location":
        widget = forms.TextInput()
    made = forms.modelform_factory(Blocker, fields=[name], widgets={name: widget} if widget else None)
    form = made(data, instance=blocker)
    form.fields[name].widget.attrs["id"] = f"blocker-{blocker.number}-{name}"
    if name not in {"priority", "assignee", "due"}:
        form.fields[name].widget.attrs["data-focus"] = True
    if name == "due":
        form.fields[name].error_messages["invalid"] = DATE_HELP
    if isinstance(field := form.fields.get("priority"), forms.ChoiceField):
        # Without the empty choice that a form for a new row has.
        field.choices = Blocker.Priority.choices
    narrow_people(form, blocker.ticket.deployment)
    dress(form)
    return form
