# Raises, in every place and of every kind.
import os
import sys


class Odd(BaseException):
    def __str__(self):
        raise ValueError("cannot even be shown")


def in_generator():
    raise LookupError("in the generator")
    yield


def chained():
    try:
        raise KeyError("the cause")
    except KeyError as cause:
        raise ValueError("the effect") from cause


KINDS = {
    "/value": lambda: int("not a number"),
    "/lines": lambda: exec('raise ValueError("first\\n[2026-11-23 00:00:00 +0000] [1] [INFO] second")'),
    "/chained": chained,
    "/exit": lambda: sys.exit(3),
    "/interrupt": lambda: exec("raise KeyboardInterrupt"),
    "/odd": lambda: exec("raise Odd", {"Odd": Odd}),
    "/recursion": lambda: recurse(),
    "/generator": in_generator,
}


def recurse():
    return recurse()


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if kind := KINDS.get(environ["PATH_INFO"]):
        return kind()
    return [b"%d\n" % os.getpid()]
