"""Owns the test run's password hashes: quick to make, and still checked by the product's own hasher."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class QuickArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2 at its lowest cost; the cost is written in the hash, so a real web server accepts it too."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
