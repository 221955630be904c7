import os

SECRET_KEY = "only for this example"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = ["shop"]
ROOT_URLCONF = "website.urls"
USE_TZ = True

# As for any Celery project. The lovage worker reads the same two variables.
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "redis://localhost:6379/0")
CELERY_RESULT_BACKEND = os.environ.get("CELERY_RESULT_BACKEND", "redis://localhost:6379/1")

# What runs in C++ has a queue of its own, which only the lovage worker serves.
CELERY_TASK_ROUTES = {"shop.*": {"queue": "cpp"}}
