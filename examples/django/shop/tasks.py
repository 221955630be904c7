from celery import shared_task


@shared_task(name="shop.total")
def total(lines):
    """A name and parameters; the body is in tasks.cpp."""
    raise NotImplementedError("shop.total is run by a lovage worker: it has a queue of its own")
