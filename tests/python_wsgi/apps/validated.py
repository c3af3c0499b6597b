# Whatever passes through here, in either direction, is looked at by the judge of the standard library.
from wsgiref.validate import validator


def pieces():
    yield b"one\n"
    yield b"two\n"


def plain(environ, start_response):
    body = environ["wsgi.input"].read(1 << 20)
    headers = [("Content-Type", "text/plain")]
    if environ["PATH_INFO"] == "/pieces":
        start_response("200 OK", headers)
        return pieces()
    if environ["PATH_INFO"] == "/nothing":
        start_response("204 No Content", [])
        return []
    if environ["PATH_INFO"] == "/lines":
        environ["wsgi.errors"].write("validated\n")
        environ["wsgi.errors"].flush()
    text = b"%d bytes\n" % len(body)
    start_response("200 OK", headers + [("Content-Length", str(len(text)))])
    return [text]


application = validator(plain)
