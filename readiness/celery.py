"""Owns the Celery application: tasks are doorbells for rows in the database."""

import os

from celery import Celery
from celery.signals import worker_process_init
from kombu.transport import TRANSPORT_ALIASES

from readiness import garbage

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readiness.settings")

TRANSPORT_ALIASES["filesystem"] = "readiness.filebroker:Transport"
app = Celery("readiness")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["readiness"])


@worker_process_init.connect
def begin(**_: object) -> None:
    """Prepare a process that performs tasks, once all is loaded."""
    garbage.look_rarely(garbage.IN_WORKER)
