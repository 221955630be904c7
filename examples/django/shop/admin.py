from django.contrib import admin
from django_celery_beat.admin import PeriodicTaskAdmin
from django_celery_beat.models import PeriodicTask

admin.site.unregister(PeriodicTask)


@admin.register(PeriodicTask)
class CountedTaskAdmin(PeriodicTaskAdmin):
    """With how often an entry ran beside when it ran last."""

    list_display = (*PeriodicTaskAdmin.list_display, "total_run_count")
