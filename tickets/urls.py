"""Owns the addresses of the record's pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from tickets.views import (
    blockers,
    categories,
    checklist,
    decisions,
    deployments,
    findings,
    people,
    policies,
    portfolio,
    search,
    summary,
)

ticket = [
    path("", summary.detail, name="ticket-detail"),
    path("parts/", summary.fresh_parts, name="ticket-parts"),
    path("blockers/", blockers.listing, name="blocker-list"),
    path("blockers/new/", blockers.add, name="blocker-add"),
    path("blockers/<int:number>/", blockers.detail, name="blocker-detail"),
    path("blockers/<int:number>/field/<slug:name>/", blockers.field, name="blocker-field"),
    path("blockers/<int:number>/state/", blockers.move, name="blocker-move"),
    path("blockers/<int:number>/about/", blockers.about, name="blocker-about"),
    path("blockers/<int:number>/comments/", blockers.comment, name="blocker-comment"),
    path("blockers/<int:number>/waiver/", decisions.waivers, name="waivers"),
    path("blockers/<int:number>/waiver/<int:pk>/", decisions.waiver, name="waiver"),
    path("blockers/<int:number>/duplicate/", decisions.duplicate, name="blocker-duplicate"),
    path("blockers/<int:number>/proof/", decisions.proof, name="blocker-proof"),
    path("findings/", findings.listing, name="finding-list"),
    path("findings/new/", findings.add, name="finding-add"),
    path("findings/<int:pk>/", findings.detail, name="finding-detail"),
    path("findings/<int:pk>/state/", findings.state, name="finding-state"),
    path("findings/<int:pk>/not-applicable/", findings.skip, name="finding-skip"),
    path("findings/<int:pk>/resolve/", findings.resolve, name="finding-resolve"),
    path("categories/<slug:category>/", categories.detail, name="category-detail"),
    path("checklist/", checklist.listing, name="checklist"),
    path("checklist/<int:pk>/", checklist.tick, name="checklist-tick"),
    path("recommendations/", summary.recommendations, name="recommendation-list"),
    path("activity/", summary.activity, name="activity"),
    path("undo/<int:event>/", summary.take_back, name="undo"),
    path("score/", summary.score, name="score"),
    path("override/", decisions.overrides, name="overrides"),
    path("override/<int:pk>/", decisions.override, name="override"),
    path("lower/", decisions.lower, name="lower-verdict"),
]

urlpatterns = [
    path("", portfolio.listing, name="portfolio"),
    path("d/<slug:slug>/", deployments.detail, name="deployment-detail"),
    path("t/<slug:key>/", include(ticket)),
    path("blockers/", blockers.everywhere, name="blockers"),
    path("policies/", policies.listing, name="policy-list"),
    path("policies/<slug:environment>/", policies.edit, name="policy-edit"),
    path("search/", search.results, name="search"),
    path("shortcuts/", people.shortcuts, name="shortcuts"),
    path("preferences/", people.preferences, name="preferences"),
    path("sign-in/", LoginView.as_view(redirect_authenticated_user=True), name="sign-in"),
    path("sign-in/<slug:token>/", people.sign_in_by_link, name="sign-in-link"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
]
