"""Owns the Celery application: tasks are doorbells for rows in the database."""

import os

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readiness.settings")

TRANSPORT_ALIASES["filesystem"] = "readiness.filebroker:Transport"
app = Celery("readiness")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["readiness"])
