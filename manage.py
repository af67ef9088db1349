#!/usr/bin/env python
"""Runs Django's management commands with the product's settings."""

import os
import sys
from importlib import import_module

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readiness.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        # Some commands go on without settings, and stop later over something that tells nobody what to do.
        import_module(os.environ["DJANGO_SETTINGS_MODULE"])
    except ImproperlyConfigured as wrong:
        said = str(wrong).rstrip(".")
        sys.stderr.write(
            f"{said}. script/server writes a .env for one machine; .env.example lists every variable.\n"
        )
        sys.exit(2)
    execute_from_command_line(sys.argv)
