# When and how often `start_response` may be called.
import sys


def late(start_response):
    # A generator does nothing before the first piece is asked for.
    start_response("201 Created", [("X-When", "late")])
    yield b""
    yield b"body\n"


def replaced(start_response):
    start_response("200 OK", [("X-First", "yes")])
    try:
        raise ValueError("before anything was sent")
    except ValueError:
        start_response("503 Service Unavailable", [("X-Second", "yes")], sys.exc_info())
    return [b"instead\n"]


def too_late(start_response):
    start_response("200 OK", [("X-First", "yes")])
    yield b"sent\n"
    try:
        raise ValueError("after something was sent")
    except ValueError:
        start_response("503 Service Unavailable", [], sys.exc_info())
    yield b"never\n"


def written(start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"written, ")
    write(b"twice, ")
    return [b"returned\n"]


def written_only(start_response):
    start_response("200 OK", [])(b"all of it\n")
    return []


def by_name(start_response):
    start_response(status="202 Accepted", response_headers=[], exc_info=None)
    return (b"a tuple, ", b"in two pieces\n")


WAYS = {f"/{way.__name__}": way for way in [late, replaced, too_late, written, written_only, by_name]}


def application(environ, start_response):
    if way := WAYS.get(environ["PATH_INFO"]):
        return way(start_response)
    start_response("200 OK", [])
    return [b"ready\n"]
