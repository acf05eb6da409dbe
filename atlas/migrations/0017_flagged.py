from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("atlas", "0016_saved_searches")]

    operations = [
        migrations.AddIndex(
            model_name="foothold",
            index=models.Index(fields=["id"], condition=~Q(flags=[]), name="footholds_with_flags"),
        ),
    ]
