# What is different when requests are greenlets.
import socket
import threading
import time

import gevent
from gevent import monkey

PATCHED = monkey.is_module_patched("socket") and monkey.is_module_patched("threading")
FINISHED = []
# The hub exists before the fork, with the descriptors of the process that has made it.
AT_IMPORT = gevent.spawn(lambda: "at import")
gevent.sleep(0)


def stubborn():
    while True:
        try:
            time.sleep(60)
        except BaseException:
            FINISHED.append("caught")
            if len(FINISHED) > 2:
                raise


def spawns():
    jobs = [gevent.spawn(lambda n=n: n * n) for n in range(3)]
    gevent.joinall(jobs)
    return [b"%d" % sum(job.value for job in jobs)]


def impatient(environ):
    try:
        with gevent.Timeout(0.2):
            environ["wsgi.input"].read()
    except gevent.Timeout:
        return [b"gave up"]


def application(environ, start_response):
    path = environ["PATH_INFO"]
    start_response("200 OK", [])
    if path == "/patched":
        return [str(PATCHED).encode()]
    if path == "/stubborn":
        return stubborn()
    if path == "/import":
        return [AT_IMPORT.get().encode()]
    if path == "/spawns":
        return spawns()
    if path == "/impatient":
        return impatient(environ)
    if path == "/block":
        until = time.perf_counter() + 0.3
        while time.perf_counter() < until:
            pass
    if path == "/killed":
        gevent.getcurrent().throw(gevent.GreenletExit)
    if path == "/large":
        return [b"x" * 16_000_000]
    if path == "/exits":
        gevent.spawn(exit, 3).join()
    if path == "/name":
        return [threading.current_thread().name.encode()]
    return [b"ready\n"]
