"""Owns the WSGI entry point that the web server loads."""

import os
import sys

from django.core.wsgi import get_wsgi_application

from readiness import garbage

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readiness.settings")

application = get_wsgi_application()

garbage.look_rarely(garbage.IN_WEB)
# A thread that has its answer from the database waits this long, in seconds, while another one computes. With
# Python's own 0.005 the slowest answers are a tenth slower (bench.intake).
sys.setswitchinterval(0.001)
