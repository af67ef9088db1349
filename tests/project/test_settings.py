"""Tests that a test run stays away from real data."""

from django.conf import settings


def test_a_test_run_keeps_its_files_in_a_folder_of_its_own() -> None:
    assert settings.VAR_DIR.parent.parent == settings.BASE_DIR / "var" / "test"
