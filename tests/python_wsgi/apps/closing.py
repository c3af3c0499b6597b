# Says when it is closed. `/endless` goes on as long as somebody listens, `/fails` until its second piece.
import itertools


class Pieces:
    def __init__(self, name, errors, pieces):
        self.name, self.errors, self.pieces = name, errors, iter(pieces)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.pieces)

    def close(self):
        self.errors.write(f"closed: {self.name}\n")
        if self.name == "/close-fails":
            raise ValueError("in close")


def failing():
    yield b"one piece\n"
    raise ValueError("in the middle")


KINDS = {
    "/two": lambda: [b"one\n", b"two\n"],
    "/none": lambda: [],
    "/endless": lambda: itertools.repeat(b"x" * 65536),
    "/fails": failing,
    "/close-fails": lambda: [b"one\n"],
}


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path not in KINDS:
        start_response("200 OK", [])
        return [b"ready\n"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Pieces(path, environ["wsgi.errors"], KINDS[path]())
