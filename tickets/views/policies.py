"""Owns the pages of policies: the thresholds of an environment, and what a change of them would change."""

from collections.abc import Iterator
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from tickets import verdict
from tickets.forms import dress
from tickets.models import Deployment, Event, Policy, Refused
from tickets.views.access import actor, person, sent

PREVIEWED = 100


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # takes no parameter when it runs
    """The thresholds of one environment, and why they are changed."""

    reason = forms.CharField(
        max_length=500,
        required=False,
        help_text="Needed to save. It goes into the log of every deployment there.",
    )

    class Meta:
        model = Policy
        fields = Policy.THRESHOLDS
        help_texts = {
            "overall_floor": "Below it: not ready.",
            "overall_goal": "Below it: ready with conditions.",
            "category_floor": "For every category. Below it: not ready.",
            "category_goal": "For every category. Below it: ready with conditions.",
            "coverage_floor": "Per cent of what applies. Below it: not ready.",
            "coverage_goal": "Per cent of what applies. Below it: ready with conditions.",
            "audit_days": "An older audit is a condition.",
            "allow_ancestors": "How many commits behind the asked one evidence may be. 0: only its own.",
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        dress(self)

    def values(self) -> verdict.Policy:
        """Return what was typed as the values that the rules take."""
        return self.instance.values()  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a policy would change for one deployment: the verdict, and the conditions that flip."""

    deployment: Deployment
    before: str
    after: str
    cleared: tuple[str, ...]
    raised: tuple[str, ...]

    @property
    def is_one(self) -> bool:
        return bool(self.cleared or self.raised) or self.before != self.after


def policy_of(environment: str) -> Policy:
    """Return the environment's policy, unsaved where the default holds. Http404 for no environment."""
    if environment not in Deployment.Environment.values:
        raise Http404
    return Policy.objects.filter(environment=environment).first() or Policy(environment=environment)


def for_administrators(request: HttpRequest) -> None:
    """Raise PermissionDenied, with one sentence, for everybody else."""
    if not person(request).is_superuser:
        raise PermissionDenied("Only an administrator can change a policy: it decides for every team.")


@login_required
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Show the policy of every environment; only administrators can open one."""
    rows = [policy_of(environment) for environment in Deployment.Environment.values]
    return render(request, "tickets/policy_list.html", {"area": "policies", "policies": rows})


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, environment: str) -> HttpResponse:
    """Show the form; `preview` shows what would change; `save` and `reset` change the policy."""
    for_administrators(request)
    before = policy_of(environment).values()
    form = PolicyForm(sent(request), instance=policy_of(environment))
    change, effects = request.POST.get("change", ""), None
    if change == "reset":
        form = PolicyForm(
            instance=Policy(environment=environment), initial={"reason": request.POST.get("reason")}
        )
        effects = list(effects_of(request, before, form.values()))
    elif request.method == "POST" and form.is_valid():
        if change == "save" and save(request, form):
            return redirect("policy-edit", environment)
        effects = list(effects_of(request, before, form.values()))
    context = {
        "area": "policies",
        "environment": environment,
        "form": form,
        "effects": effects,
        "changed": [effect for effect in effects or () if effect.is_one],
        "events": history(environment),
    }
    return render(request, "tickets/policy_form.html", context, status=422 if form.errors else 200)


def save(request: HttpRequest, form: PolicyForm) -> bool:
    """Save the policy; False, with what is wrong on the form, when it cannot be."""
    try:
        Policy.set(form.values(), by=actor(request), reason=form.cleaned_data["reason"])
    except Refused as why:
        form.add_error("reason", str(why))
        dress(form)
        return False
    except ValidationError as why:
        form.add_error(None, why)
        return False
    messages.success(request, "Saved. The scores of every ticket there are worked out again within a minute.")
    return True


def effects_of(request: HttpRequest, before: verdict.Policy, after: verdict.Policy) -> Iterator[Effect]:
    """Yield what the change would do to each deployment that the person can see, by name."""
    at = timezone.now()
    rows = Deployment.objects.visible_to(person(request)).filter(environment=after.name, archived=False)
    for deployment in rows[:PREVIEWED]:
        ticket = deployment.tickets.speaking().select_related("deployment").first()
        if ticket is None:
            continue
        facts = ticket.judge(at).facts
        old, new = verdict.decide(facts, before, at), verdict.decide(facts, after, at)
        unmet = {row.key: row.title for row in old.conditions if not row.met}
        still = {row.key: row.title for row in new.conditions if not row.met}
        yield Effect(
            deployment,
            old.word,
            new.word,
            tuple(unmet[key] for key in unmet if key not in still),
            tuple(still[key] for key in still if key not in unmet),
        )


def history(environment: str) -> list[Event]:
    """Return the last changes of the policy, newest first, each once although every deployment has it."""
    rows = Event.objects.filter(object_type="policy", object_label=environment).order_by("-at", "-id")
    once = {(row.at, row.actor): row for row in rows[:200]}
    return list(once.values())[:10]
