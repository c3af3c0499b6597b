# Yields a piece, and the next one only when somebody has written into the fifo: who waits for the first
# piece before writing waits for ever unless each is sent as it is yielded.


def pieces():
    yield b"first\n"
    with open("fifo", "rb") as fifo:
        yield fifo.readline()


def application(environ, start_response):
    if environ["PATH_INFO"] == "/":
        start_response("200 OK", [])
        return [b"ready\n"]
    headers = [("Content-Length", "13")] if environ["PATH_INFO"] == "/length" else []
    start_response("200 OK", headers)
    return pieces()
