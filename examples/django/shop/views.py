import json

from celery.result import AsyncResult
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from django_celery_results.models import TaskResult

from .tasks import total


@csrf_exempt  # the example's client is a script
@require_POST
def place_order(request):
    result = total.delay(json.loads(request.body)["lines"])
    return JsonResponse({"id": result.id}, status=202)


def order(request, task_id):
    result = AsyncResult(str(task_id))
    answer = {"state": result.state}
    if result.successful():
        answer["invoice"] = result.get()
    elif result.failed():
        answer["error"] = f"{type(result.result).__name__}: {result.result}"
    return JsonResponse(answer)


def done(request):
    """What the workers made of the orders, by the ORM."""
    orders = TaskResult.objects.filter(task_name="shop.total", status="SUCCESS")
    return JsonResponse({"orders": orders.count(), "newest": orders.first().as_dict() if orders else None})
