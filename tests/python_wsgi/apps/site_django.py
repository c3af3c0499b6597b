# A Django project in one file.
import time

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for tests",
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    LOGGING_CONFIG=None,
)


def hello(request):
    return HttpResponse("Hello from Django\n", content_type="text/plain")


def form(request):
    return JsonResponse(request.POST.dict())


def size(request):
    return JsonResponse({"size": len(request.body)})


def stream(request):
    def pieces():
        for number in range(3):
            yield f"piece {number}\n"
            time.sleep(0.001)

    return StreamingHttpResponse(pieces(), content_type="text/plain")


def file(request):
    return FileResponse(open("data", "rb"))


def fails(request):
    raise ValueError("in a view")


urlpatterns = [
    path("", hello),
    path("form", form),
    path("size", size),
    path("stream", stream),
    path("file", file),
    path("fails", fails),
]
application = get_wsgi_application()
