"""Owns the WSGI entry point that the web server loads."""

import os

from django.core.wsgi import get_wsgi_application

from readiness import garbage

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readiness.settings")

application = get_wsgi_application()

garbage.look_rarely()
