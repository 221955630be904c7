from django.contrib import admin
from django.urls import path
from shop import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("orders", views.place_order),
    path("orders/done", views.done),
    path("orders/<uuid:task_id>", views.order),
]
