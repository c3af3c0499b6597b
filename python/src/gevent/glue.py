# What greenlets can only be told in Python: a frame that rests between two requests, and a wait.

from gevent import Timeout
from greenlet import greenlet


class RequestTimeout(BaseException):
    """The request has taken longer than the server's `timeout`."""


def make(hub):
    loop = hub.loop

    # Nothing of Rust is on a greenlet's stack while it rests.
    def body(serve):
        while serve():
            hub.switch()

    def spawn(serve):
        worker = greenlet(body, hub)
        worker.switch(serve)

    def wait(fd, events, seconds):
        watcher = loop.io(fd, events)
        try:
            if seconds is None:
                hub.wait(watcher)
                return True
            with Timeout(seconds, False):
                hub.wait(watcher)
                return True
            return False
        finally:
            watcher.close()

    return spawn, wait
