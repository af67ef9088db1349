"""Owns the settings of the intake benchmark's server: the product's own with two more addresses."""

from readiness.settings import *  # noqa: F403 - all of it is wanted here

ROOT_URLCONF = "bench.door"
