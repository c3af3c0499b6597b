"""The least that an application can be, in each of Python's interfaces, and with Flask."""

HELLO = b"Hello, world!\n"
PLAIN = ("Content-Type", "text/plain; charset=utf-8")
LENGTH = ("Content-Length", str(len(HELLO)))
RAW = [(name.lower().encode(), value.encode()) for name, value in (PLAIN, LENGTH)]


def wsgi(environ, start_response):
    start_response("200 OK", [PLAIN, LENGTH])
    return [HELLO]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    await send({"type": "http.response.start", "status": 200, "headers": RAW})
    await send({"type": "http.response.body", "body": HELLO})


try:
    from flask import Flask
except ImportError:
    pass
else:
    flask = Flask(__name__)

    @flask.route("/")
    def hello():
        return "Hello, world!\n"
