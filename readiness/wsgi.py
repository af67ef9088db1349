"""Owns the WSGI entry point that the web server loads."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readiness.settings")

application = get_wsgi_application()

# What is loaded by now stays for ever: looking through it for garbage again and again finds nothing.
gc.collect()
gc.freeze()
# A request leaves little behind that only a search would find: searching rarely shortens the longest answers.
gc.set_threshold(20_000, 20, 20)
