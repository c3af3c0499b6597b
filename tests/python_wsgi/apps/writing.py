# `write`, in each way. Who waits for a piece before writing into the fifo waits for ever unless it is sent
# before `write` returns.
import itertools
import sys
import threading

PLAIN = [("Content-Type", "text/plain")]


def from_fifo():
    with open("fifo", "rb") as fifo:
        return fifo.readline()


def chunked(environ, start_response):
    write = start_response("200 OK", PLAIN)
    write(b"first\n")
    write(from_fifo())
    write(b"")
    return [b"last\n"]


def length(environ, start_response):
    write = start_response("200 OK", [*PLAIN, ("Content-Length", "18")])
    write(b"first\n")
    write(from_fifo())
    return iter([b"last\n", b"too much\n"])


def head(environ, start_response):
    start_response("201 Created", PLAIN)(b"")
    return [from_fifo()]


def within(environ, start_response):
    write = start_response("200 OK", PLAIN)
    write(b"first\n")
    yield from_fifo()
    write(b"between\n")
    yield b"last\n"


def elsewhere(environ, start_response):
    write = start_response("200 OK", PLAIN)
    for piece in (b"first\n", from_fifo):
        thread = threading.Thread(target=lambda: write(piece if piece == b"first\n" else piece()))
        thread.start()
        thread.join()
    return [b"last\n"]


def replaced(environ, start_response):
    write = start_response("200 OK", [("Content-Length", "many")])
    try:
        write(b"never\n")
    except ValueError:
        start_response("503 Service Unavailable", PLAIN, sys.exc_info())(b"instead\n")
    return []


def too_late(environ, start_response):
    start_response("200 OK", PLAIN)(b"first\n")
    try:
        raise ValueError("after something was written")
    except ValueError:
        start_response("503 Service Unavailable", PLAIN, sys.exc_info())
    return [b"never\n"]


def no_bytes(environ, start_response):
    start_response("200 OK", PLAIN)("text")
    return []


def upper(environ, start_response):
    write = start_response("200 OK", PLAIN)
    for block in iter(lambda: environ["wsgi.input"].read(1000), b""):
        write(block.upper())
    return []


def stuck(environ, start_response):
    start_response("200 OK", PLAIN)(b"first\n")
    from_fifo()
    return []


def endless(environ, start_response):
    write = start_response("200 OK", PLAIN)
    for count in itertools.count():
        try:
            write(b"x" * 65536)
        except OSError as error:
            environ["wsgi.errors"].write(f"after some: {count > 0} {type(error).__name__}\n")
            raise


WAYS = [chunked, length, head, within, elsewhere, replaced, too_late, no_bytes, upper, stuck, endless]
WAYS = {f"/{way.__name__}": way for way in WAYS}


def application(environ, start_response):
    if way := WAYS.get(environ["PATH_INFO"]):
        return way(environ, start_response)
    start_response("200 OK", [])
    return [b"ready\n"]
