from celery import shared_task


@shared_task(name="shop.total")
def total(lines):
    """A name and parameters; the body is in tasks.cpp."""
    raise NotImplementedError("shop.total is run by a lovage worker: it has a queue of its own")


@shared_task(name="shop.restock")
def restock(item, count):
    """The admin offers it by this declaration; the body is in tasks.cpp, too."""
    raise NotImplementedError("shop.restock is run by a lovage worker")
