from typing import Any

from django.db import migrations

from readiness.intake.models import new_public_id


def give_addresses(apps: Any, _: Any) -> None:
    """Give every source that has none an address of its own."""
    for source in apps.get_model("readiness", "Source").objects.filter(public_id=None):
        source.public_id = new_public_id()
        source.save(update_fields=["public_id"])


class Migration(migrations.Migration):
    """Step two of three: data, apart from schema."""

    dependencies = [("readiness", "0003_sources_have_addresses")]

    operations = [migrations.RunPython(give_addresses, migrations.RunPython.noop)]
