# Hands files over to be sent.
import io


def application(environ, start_response):
    wrap = environ["wsgi.file_wrapper"]
    path = environ["PATH_INFO"]
    headers = [("Content-Type", "application/octet-stream")]
    if path == "/part":
        headers.append(("Content-Length", "1000"))
    start_response("200 OK", headers)
    if path == "/":
        return [b"ready\n"]
    if path == "/memory":
        return wrap(io.BytesIO(open("data", "rb").read()), 100)
    if path == "/proc":
        return wrap(open("/proc/self/status", "rb"))
    file = open("data", "rb")
    if path in ("/rest", "/part"):
        file.seek(500)
    if path == "/end":
        file.seek(0, io.SEEK_END)
    if path == "/iterated":
        return (piece for piece in wrap(file))
    return wrap(file)
