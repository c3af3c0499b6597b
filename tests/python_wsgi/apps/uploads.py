# Reads a body to its end without looking after what may go wrong.


def application(environ, start_response):
    if environ["REQUEST_METHOD"] == "GET":
        start_response("200 OK", [])
        return [b"ready"]
    environ["wsgi.errors"].write("begins to read\n")
    body = environ["wsgi.input"].read()
    environ["wsgi.errors"].write(f"has read {len(body)} bytes\n")
    start_response("200 OK", [])
    return [b"%d" % len(body)]
