from django.conf import settings
from django.db import models


class Seed(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name='seeds')
    name = models.CharField(max_length=100)
    packets = models.PositiveIntegerField(default=1)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ['added_at', 'id']


class Tip(models.Model):
    """Made by supabase/migrations; read here."""

    text = models.TextField()

    class Meta:
        managed = False
        db_table = 'growing_tips'
