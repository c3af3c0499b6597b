"""The demo application's routes for Python servers: what `server bench` compares with."""
import time
from urllib.parse import parse_qs

PLAIN = [("Content-Type", "text/plain; charset=utf-8")]
WAITS = {"/read": ("read", 5), "/write": ("wrote", 50)}


def application(environ, start_response):
    path = environ["PATH_INFO"]
    query = parse_qs(environ.get("QUERY_STRING", ""))
    number = lambda name, default: int(query.get(name, [default])[0])
    status, body = "200 OK", b"Hello, world!\n"
    if path in WAITS:
        did, default = WAITS[path]
        ms = number("ms", default)
        time.sleep(ms / 1000)
        body = f"{did} for {ms} ms\n".encode()
    elif path == "/cpu":
        ms, wait = number("ms", 5), number("wait", 0)
        until = time.thread_time() + ms / 1000
        while time.thread_time() < until:
            pass
        time.sleep(wait / 1000)
        body = f"computed for {ms} ms\n".encode()
    elif path == "/bytes":
        body = b"x" * number("n", 1024)
    elif path != "/":
        status, body = "404 Not Found", b"there is nothing here\n"
    start_response(status, PLAIN + [("Content-Length", str(len(body)))])
    return [body]
