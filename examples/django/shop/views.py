import json

from celery.result import AsyncResult
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

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
