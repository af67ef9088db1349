from django.db import migrations, models


class Migration(migrations.Migration):
    """Step one of three: a column that may be empty. A default would give all rows the same address."""

    dependencies = [("readiness", "0002_badge_and_heartbeat")]

    operations = [
        migrations.AddField(
            model_name="source",
            name="public_id",
            field=models.SlugField(max_length=40, null=True, default=None),
        ),
    ]
