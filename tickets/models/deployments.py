"""Owns deployments: what is judged, who may see it, and by which policy."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from tickets import verdict
from tickets.models.events import Actor, Chained, Refused
from tickets.models.observations import Standing
from tickets.models.people import User
from tickets.models.sealed import SealedTextField

if TYPE_CHECKING:
    from tickets.models.tickets import Ticket

# Django's URLField refuses a host of one label, and inside a network that is what a service is called.
WEB_ADDRESS = RegexValidator(
    r"^https?://(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?)(:[0-9]{1,5})?(/\S*)?$",
    "This is not a web address. Write it like https://app.example.com.",
)
COMMIT = RegexValidator(r"^[0-9a-f]{7,64}$", "Write the commit as 7 to 64 characters of 0-9 and a-f.")


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Return the deployments that the person owns or is a member of; an administrator sees all."""
        if not user.is_authenticated:
            return self.none()
        if user.is_superuser:
            return self
        return self.filter(models.Q(owner=user) | models.Q(memberships__user=user)).distinct()

    def aimed_elsewhere(self, known: "Iterable[Deployment]") -> set[int]:
        """Return the ids of those that point at something else by now than the rows that are known."""
        rows = {row.pk: row for row in known}
        now = self.filter(pk__in=rows).values_list("pk", *Deployment.TARGET)
        return {
            pk for pk, *target in now if target != [getattr(rows[pk], name) for name in Deployment.TARGET]
        }


class Deployment(Chained):
    """One system in one environment: what probes look at, CI posts to and the gate decides on."""

    class Environment(models.TextChoices):
        PRODUCTION = "production", "production"
        STAGING = "staging", "staging"
        TESTING = "testing", "testing"
        DEVELOPMENT = "development", "development"

    # What a probe looks at follows from these.
    TARGET = (
        "base_url", "host_header", "health_path", "repository_url", "branch", "dependencies", "vantage",
        "postgres_address", "redis_address", "bucket_url", "version_path", "metrics_path",
    )  # fmt: skip
    # What the log may know of only that it was changed.
    SECRET = ("test_password",)

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    environment = models.CharField(max_length=20, choices=Environment, default=Environment.PRODUCTION)
    base_url = models.CharField(
        blank=True,
        max_length=500,
        validators=[WEB_ADDRESS],
        help_text="Where it runs, such as https://shop.example.com.",
    )
    frontend_origins = models.JSONField(
        default=list,
        blank=True,
        help_text="Origins that browsers call it from, such as https://shop.example.com.",
    )
    host_header = models.CharField(
        max_length=255,
        blank=True,
        help_text="The Host to send when it is asked by address. Empty: the address's own.",
    )
    health_path = models.CharField(max_length=200, default="/health")
    login_path = models.CharField(max_length=200, blank=True)
    api_paths = models.JSONField(
        default=list, blank=True, help_text="Paths that browsers call across origins."
    )
    protected_paths = models.JSONField(
        default=list, blank=True, help_text="Paths that must refuse a stranger."
    )
    public_api = models.BooleanField(
        default=False, help_text="Any website may call it without credentials, on purpose."
    )
    cors_credentials = models.BooleanField(
        "frontend sends credentials",
        default=False,
        help_text="Browsers send cookies with calls across origins.",
    )
    docs_policy = models.CharField(
        "API documentation",
        max_length=8,
        blank=True,
        choices=[("public", "public"), ("private", "for signed-in people"), ("off", "off")],
        help_text="Who may see the interactive documentation. Empty: nobody decided.",
    )
    dependencies = models.JSONField(
        default=list, blank=True, help_text="What it cannot run without, such as postgres, redis, s3."
    )
    page_paths = models.JSONField(
        default=list, blank=True, help_text="Pages that people open in a browser. Empty: the first page."
    )
    version_path = models.CharField(
        max_length=200, blank=True, help_text="The path that tells which commit runs, such as /version."
    )
    metrics_path = models.CharField(
        max_length=200, blank=True, help_text="The path of its metrics, such as /metrics. Empty: none."
    )
    metrics_policy = models.CharField(
        "metrics",
        max_length=8,
        blank=True,
        choices=[("public", "public"), ("private", "from inside only")],
        help_text="Who may read the metrics. Empty: nobody decided.",
    )
    error_tracker = models.CharField(
        max_length=20,
        blank=True,
        choices=[
            ("sentry", "Sentry"),
            ("glitchtip", "GlitchTip"),
            ("rollbar", "Rollbar"),
            ("bugsnag", "Bugsnag"),
            ("honeybadger", "Honeybadger"),
            ("none", "none"),
        ],
        help_text="Where its errors are reported. Empty: nobody said.",
    )
    ip_families = models.CharField(
        "addresses",
        max_length=4,
        blank=True,
        choices=[("4", "IPv4"), ("6", "IPv6"), ("both", "IPv4 and IPv6")],
        help_text="Which addresses its name has to have. Empty: whichever it has.",
    )
    ports_open = models.JSONField(
        default=list, blank=True, help_text="Ports that must take a connection, such as mail.example.com:587."
    )
    ports_closed = models.JSONField(
        default=list, blank=True, help_text="Ports that must not, such as shop.example.com:5432."
    )
    postgres_address = models.CharField(
        "PostgreSQL",
        max_length=255,
        blank=True,
        help_text="Its database's host and port, if a probe may ask.",
    )
    redis_address = models.CharField(
        "Redis", max_length=255, blank=True, help_text="Its Redis's host and port, if a probe may ask."
    )
    bucket_url = models.URLField(
        "object store", max_length=500, blank=True, help_text="The address of its bucket, if a probe may ask."
    )
    vantage = models.SlugField(
        max_length=40,
        blank=True,
        help_text="Which workers look at it: those started with this vantage. Empty: any.",
    )
    test_username = models.CharField(
        max_length=200, blank=True, help_text="An account made for probes, without rights that matter."
    )
    test_password = SealedTextField(
        blank=True, default="", help_text="Stored encrypted, sent only to the sign-in and token paths."
    )
    token_path = models.CharField(
        max_length=200,
        blank=True,
        help_text="The path that answers username and password, sent as JSON, with a token.",
    )
    allow_intrusive = models.BooleanField(
        "intrusive probes",
        default=False,
        help_text="Probes that strain it, such as sixty requests in ten seconds, may run when somebody asks.",
    )
    rate_limit_path = models.CharField(
        max_length=200, blank=True, help_text="A path of its own that is limited, such as /api/login."
    )
    rate_limit_method = models.CharField(
        max_length=4,
        blank=True,
        choices=[("POST", "POST, with nothing in it")],
        help_text="How that path is asked. An empty POST tries a sign-in without naming anybody. Empty: GET.",
    )
    rate_limit = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
        help_text="After how many requests within ten seconds it has to refuse: 1 to 60.",
    )
    repository_url = models.CharField(max_length=500, blank=True)
    branch = models.CharField(max_length=200, blank=True)
    deployed_commit = models.CharField(max_length=64, blank=True, validators=[COMMIT])
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="deployments")
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="tickets.Membership", related_name="member_deployments"
    )
    archived = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("deployment-detail", args=[self.slug])

    def chain(self) -> tuple[int, int | None]:
        return self.pk, None

    @property
    def current_ticket(self) -> "Ticket | None":
        """Return the ticket that speaks for the deployment: its newest audit that was not dropped."""
        return self.tickets.speaking().first()

    def locked_ticket(self) -> "Ticket | None":
        """Return the ticket that speaks for it, held until the transaction ends."""
        ticket = self.tickets.speaking().select_for_update(of=("self",)).first()
        if ticket is not None:
            ticket.deployment, ticket.is_held = self, True
        return ticket

    @property
    def policy(self) -> verdict.Policy:
        return Policy.of(self.environment)

    def people(self) -> models.QuerySet[User]:
        """Return everybody a blocker can be assigned to: the owner and the members."""
        return User.objects.filter(
            models.Q(pk=self.owner_id) | models.Q(memberships__deployment=self), is_active=True
        ).distinct()

    @classmethod
    def register(cls, *, by: Actor, owner: User, **fields: Any) -> "Deployment":
        """Store a new deployment and its first event; `fields` are the model's own and are validated."""
        with transaction.atomic():
            deployment = cls(owner=owner, **fields)
            deployment.full_clean(exclude=["event_head"])
            deployment.save()
            deployment.write_event(by, "registered", deployment, after={"slug": deployment.slug})
        return deployment

    @transaction.atomic
    def change(self, *, by: Actor, **fields: Any) -> None:
        """Set fields and write what they were and are; raises ValidationError for a wrong value."""
        before = {name: getattr(self, name) for name in fields}
        for name, value in fields.items():
            setattr(self, name, value)
        self.full_clean(exclude=["event_head"])
        self.save(update_fields=list(fields))
        after = {name: getattr(self, name) for name in fields}
        if before == after:
            return
        self.write_event(by, "changed", self, before=_without_secrets(before), after=_without_secrets(after))
        if any(before[name] != after[name] for name in self.TARGET if name in before):
            self._forget_what_passed()
        elif before.get("deployed_commit") != after.get("deployed_commit"):
            self._rescore()

    def _forget_what_passed(self) -> None:
        """Let no passing probe of the old target speak for the new one; what failed stands until asked."""
        of_probes = models.Q(source__startswith="probe:") | models.Q(source__startswith="push:")
        passed = Standing.objects.filter(
            of_probes, criterion__ticket__deployment=self, observation__status="ok"
        )
        passed.delete()
        self._rescore()

    def _rescore(self) -> None:
        for ticket in self.tickets.all():
            ticket.rescore()

    @transaction.atomic
    def admit(self, user: User, *, by: Actor) -> None:
        """Make the person a member; a second time changes nothing."""
        _, new = Membership.objects.get_or_create(deployment=self, user=user)
        if new:
            self.write_event(by, "admitted", self, after={"member": str(user)})

    @transaction.atomic
    def dismiss(self, user: User, *, by: Actor) -> None:
        """Take the person off the team; what they did stays in the log. A second time changes nothing."""
        gone, _ = self.memberships.filter(user=user).delete()
        if gone:
            self.write_event(by, "dismissed", self, before={"member": str(user)})

    def expire_snapshots(self, at: datetime) -> None:
        """Let no snapshot taken so far be shown as current after the moment."""
        for ticket in self.tickets.exclude(snapshot=None).select_related("snapshot").defer("source_document"):
            if ticket.snapshot is not None:
                ticket.snapshot.expire(at)

    def is_run_by(self, user: User) -> bool:
        """Tell whether the person may change the deployment itself: its owner, or an administrator."""
        return user.is_superuser or user.pk == self.owner_id


def _without_secrets(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields for the log: of a secret it says only whether there is one."""
    return {name: bool(value) if name in Deployment.SECRET else value for name, value in fields.items()}


class Membership(models.Model):
    """A person's place on a deployment's team."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deployment", "user"], name="one_membership")
        ]

    def __str__(self) -> str:
        return f"{self.user} on {self.deployment}"


def _score(default: str) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(
        max_digits=3,
        decimal_places=1,
        default=Decimal(default),
        validators=[MinValueValidator(0), MaxValueValidator(10)],
    )


class Policy(models.Model):
    """The gate's thresholds for one environment; an environment without a row goes by the default policy."""

    THRESHOLDS = (
        "overall_floor", "overall_goal", "category_floor", "category_goal", "coverage_floor", "coverage_goal",
        "audit_days", "allow_ancestors",
    )  # fmt: skip

    environment = models.CharField(max_length=20, choices=Deployment.Environment, unique=True)
    overall_floor = _score("6.5")
    overall_goal = _score("8.0")
    category_floor = _score("4.0")
    category_goal = _score("6.0")
    coverage_floor = models.PositiveSmallIntegerField(default=60, validators=[MaxValueValidator(100)])
    coverage_goal = models.PositiveSmallIntegerField(default=80, validators=[MaxValueValidator(100)])
    audit_days = models.PositiveSmallIntegerField(default=90)
    allow_ancestors = models.PositiveSmallIntegerField(
        default=0, help_text="How many commits behind the asked one evidence may be."
    )

    class Meta:
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return self.environment

    @classmethod
    def of(cls, environment: str) -> verdict.Policy:
        """Return the environment's policy as the values that the rules take."""
        row = cls.objects.filter(environment=environment).first()
        return verdict.Policy(name=environment) if row is None else row.values()

    def values(self) -> verdict.Policy:
        """Return the row, saved or not, as the values that the rules take."""
        return verdict.Policy(
            name=self.environment, **{name: getattr(self, name) for name in self.THRESHOLDS}
        )

    def clean(self) -> None:
        """Refuse a goal below its floor: what is ready would then not be allowed."""
        for name, what in (
            ("overall", "overall score"),
            ("category", "categories"),
            ("coverage", "coverage"),
        ):
            floor, goal = getattr(self, f"{name}_floor"), getattr(self, f"{name}_goal")
            if floor is not None and goal is not None and goal < floor:
                raise ValidationError(
                    {f"{name}_goal": f"The goal of {what} is not below the floor, {floor}."}
                )

    @classmethod
    @transaction.atomic
    def set(cls, new: verdict.Policy, *, by: Actor, reason: str, at: datetime | None = None) -> None:
        """Let these thresholds hold for the environment of their name. Raises ValidationError or Refused.

        Every deployment there gets the change into its log, and the snapshots taken by the old thresholds
        expire at once: nothing shows them as current, and the scheduler takes new ones.
        """
        if not reason.strip():
            raise Refused("Say why the policy is changed: everybody it concerns can read it.")
        at = at or timezone.now()
        row, _ = cls.objects.select_for_update().get_or_create(environment=new.name)
        before = {name: getattr(row, name) for name in cls.THRESHOLDS}
        after = {name: getattr(new, name) for name in cls.THRESHOLDS}
        changed = [name for name in cls.THRESHOLDS if before[name] != after[name]]
        if not changed:
            return
        for name in changed:
            setattr(row, name, after[name])
        row.full_clean()
        row.save()
        told = {name: before[name] for name in changed}, {name: after[name] for name in changed}
        for deployment in Deployment.objects.filter(environment=new.name):
            deployment.write_event(
                by, "changed the policy", row, before=told[0], after=told[1], reason=reason, at=at
            )
            deployment.expire_snapshots(at)
