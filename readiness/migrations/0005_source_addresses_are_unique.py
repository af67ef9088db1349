from django.db import migrations, models

import readiness.intake.models


class Migration(migrations.Migration):
    """Step three of three: every source has an address, and no two the same."""

    dependencies = [("readiness", "0004_give_sources_addresses")]

    operations = [
        migrations.AlterField(
            model_name="source",
            name="public_id",
            field=models.SlugField(default=readiness.intake.models.new_public_id, max_length=40, unique=True),
        ),
    ]
