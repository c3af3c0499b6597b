# Counts in a context variable, in a generator, and in what belongs to the thread.
import contextvars
import threading

COUNT = contextvars.ContextVar("count", default=0)
OWN = threading.local()


def pieces():
    COUNT.set(COUNT.get() + 1)
    yield b"%d " % COUNT.get()
    COUNT.set(COUNT.get() + 1)
    yield b"%d\n" % COUNT.get()


def application(environ, start_response):
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/context":
        return pieces()
    OWN.count = getattr(OWN, "count", 0) + 1
    return [f"{threading.current_thread().name} {OWN.count}\n".encode()]
