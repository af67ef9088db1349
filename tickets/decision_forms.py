"""Owns the forms of what people sign, with limits said in words."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.db.models import Exists, OuterRef
from django.utils import timezone

from tickets.forms import DATE_HELP, LONG, dress, offer
from tickets.models import Blocker, User, Waiver
from tickets.models.overrides import BREAK_GLASS_LIFE, OVERRIDE_LIFE
from tickets.models.waivers import WAIVER_LIFE

COMMIT = RegexValidator(r"^[0-9a-fA-F]{7,64}$", "Write the commit as 7 to 64 characters of 0-9 and a-f.")


class Dressed(forms.Form):
    """A form of the sheet's look."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


class OverrideForm(Dressed):
    """A question for an override: broken glass for one deployment, or an override until a date."""

    KINDS = (
        ("glass", "Break the glass: one deployment, within a day"),
        ("override", "Override: until a day within two weeks"),
    )
    kind = forms.ChoiceField(choices=KINDS, label="What")
    commit = forms.CharField(
        max_length=64, validators=[COMMIT], help_text="In full, exactly as the pipeline sends it."
    )
    reason = forms.CharField(widget=LONG, label="Reason", help_text="Printed wherever the verdict is.")
    incident = forms.URLField(
        required=False, assume_scheme="https", max_length=500, label="Incident",
        help_text="Its address. Needed to break the glass.",
    )  # fmt: skip
    hours = forms.IntegerField(
        min_value=1, max_value=int(BREAK_GLASS_LIFE.total_seconds() // 3600), initial=4, required=False,
        label="Hours", help_text="For broken glass: 1 to 24.",
    )  # fmt: skip
    days = forms.IntegerField(
        min_value=1, max_value=OVERRIDE_LIFE.days, initial=3, required=False, label="Days",
        help_text="For an override: 1 to 14.",
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Ask for what the chosen kind needs."""
        said = super().clean() or {}
        glass = said.get("kind") == "glass"
        if glass and not said.get("incident") and "incident" not in self.errors:
            self.add_error("incident", "Name the incident that the glass is broken for.")
        needed = "hours" if glass else "days"
        if not said.get(needed) and needed not in self.errors:
            self.add_error(needed, f"Say for how many {needed} it holds.")
        return said


class LowerForm(forms.Form):
    """A lower verdict than the conditions give."""

    WORDS = (("NOT READY", "Not ready"), ("READY WITH CONDITIONS", "Ready with conditions"))
    word = forms.ChoiceField(label="Verdict")
    reason = forms.CharField(widget=LONG, label="Reason", help_text="What you saw.")

    def __init__(self, *args: Any, lowered: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        back = (("", "As the conditions say"),) if lowered else ()
        if isinstance(field := self.fields["word"], forms.ChoiceField):
            field.choices, field.required = [*self.WORDS, *back], not lowered
        dress(self)


class WaiverForm(Dressed):
    """A question for a waiver."""

    reason_code = forms.ChoiceField(choices=Waiver.ReasonCode.choices, label="Why")
    text = forms.CharField(widget=LONG, label="In words", help_text="What is accepted, and why now.")
    control = forms.CharField(
        widget=LONG,
        label="What limits the risk",
        help_text="Such as a rule of the proxy, or somebody who watches.",
    )
    ends_on = forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}), label="Last day", help_text="Within 89 days.",
        error_messages={"invalid": DATE_HELP},
    )  # fmt: skip

    def clean_ends_on(self) -> date:
        """Return the last day on which it holds."""
        day: date = self.cleaned_data["ends_on"]
        today = timezone.now().date()
        if not today <= day <= today + WAIVER_LIFE - timedelta(days=1):
            raise forms.ValidationError("A waiver ends within 90 days. Choose a day from today on.")
        return day


class Named(forms.ModelChoiceField):  # type: ignore[type-arg]  # takes no parameter when it runs
    """A choice among blockers, each with its ticket and its urgency."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.priority} {obj} ({obj.ticket.key})"


class DuplicateForm(forms.Form):
    """Which blocker it is the same as."""

    of = Named(Blocker.objects.none(), label="The same as", empty_label="Choose a blocker")

    def __init__(self, *args: Any, blocker: Blocker, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Blocker.objects.open().visible_to(person).select_related("ticket")
        rows = rows.filter(ticket__deployment=blocker.ticket.deployment_id).exclude(pk=blocker.pk)
        offer(self, "of", rows.order_by("priority", "ticket", "number"))
        dress(self)


class ProofForm(forms.Form):
    """Which findings prove that a blocker is fixed: `criteria` are their ids."""

    criteria = forms.TypedMultipleChoiceField(
        coerce=int, label="Findings", required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "check"}),
    )  # fmt: skip

    def __init__(self, *args: Any, blocker: Blocker, **kwargs: Any) -> None:
        mine = Blocker.criteria.through.objects.filter(blocker=blocker, criterion=OuterRef("pk"))
        rows = blocker.ticket.criteria.filter(removed_at=None).annotate(linked=Exists(mine))
        found = list(rows.order_by("subject", "pk").values_list("pk", "subject", "linked"))
        super().__init__(
            *args, **{"initial": {"criteria": [pk for pk, _, linked in found if linked]}, **kwargs}
        )
        if isinstance(field := self.fields["criteria"], forms.TypedMultipleChoiceField):
            field.choices = [(pk, subject) for pk, subject, _ in found]
        dress(self)
