"""The machine: finds out, takes in, decides for others and reports; the project package."""

from readiness.celery import app as celery_app

__all__ = ["celery_app"]
