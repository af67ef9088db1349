"""Owns the addresses in an answer: absolute links to the ticket's pages, worked out without a query."""

from django.conf import settings
from django.urls import reverse

from tickets.models.judging import Judgement


class Links:
    """The absolute addresses of the objects behind one judgement."""

    def __init__(self, judgement: Judgement) -> None:
        self.key = judgement.ticket.key
        self.ticket = self.absolute(judgement.ticket.get_absolute_url())
        self.blockers = {row.pk: row for row in (*judgement.blockers, *judgement.others)}
        self.waived = {row.pk: row.blocker_id for row in judgement.waivers}

    @staticmethod
    def absolute(path: str) -> str:
        return f"{settings.SITE_URL}{path}"

    def of(self, kind: str, thing: int | str) -> str:
        """Return the address of an object by its kind and id; the ticket's own for a kind without a page."""
        if kind == "waiver":
            kind, thing = "blocker", self.waived.get(int(thing), 0)
        if kind == "blocker" and thing in self.blockers:
            return self.absolute(self.blockers[int(thing)].get_absolute_url())
        if kind == "criterion":
            return self.absolute(reverse("finding-detail", args=[self.key, thing]))
        if kind == "category":
            return self.absolute(reverse("category-detail", args=[self.key, thing]))
        if kind == "checklist":
            return self.absolute(reverse("checklist", args=[self.key]))
        return self.ticket
