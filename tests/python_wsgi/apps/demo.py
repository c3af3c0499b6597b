# The server's own demo application once more, in Python, so that the suite which every worker class
# must pass can be run against a Python application. It does nothing at import that costs time.
import hashlib
import json
import os
import socket
import time
import urllib.parse

TEXT = [("Content-Type", "text/plain; charset=utf-8")]
BINARY = [("Content-Type", "application/octet-stream")]
BLOCK = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n" * 1024


def say(start_response, text, status="200 OK", headers=TEXT):
    body = text.encode()
    start_response(status, headers + [("Content-Length", str(len(body)))])
    return [body]


def number(environ, key, default):
    values = urllib.parse.parse_qs(environ["QUERY_STRING"]).get(key, [default])
    return int(values[0])


def hello(environ, start_response):
    return say(start_response, "Hello, world!\n")


def waits(did, default):
    def handler(environ, start_response):
        milliseconds = number(environ, "ms", default)
        time.sleep(milliseconds / 1000)
        return say(start_response, f"{did} for {milliseconds} ms\n")

    return handler


def cpu(environ, start_response):
    milliseconds = number(environ, "ms", 5)
    until = time.thread_time() + milliseconds / 1000
    work = b""
    while time.thread_time() < until:
        work = hashlib.sha256(work).digest()
    return say(start_response, f"computed for {milliseconds} ms\n")


def blocks(left):
    while left > 0:
        yield BLOCK[:left]
        left -= len(BLOCK)


def some_bytes(environ, start_response):
    length = number(environ, "n", 1024)
    start_response("200 OK", BINARY + [("Content-Length", str(length))])
    return blocks(length)


def stream(environ, start_response):
    count, pace = number(environ, "n", 10), number(environ, "ms", 100) / 1000
    start_response("200 OK", TEXT)

    def lines():
        for line in range(1, count + 1):
            yield f"line {line}\n".encode()
            if line < count:
                time.sleep(pace)

    return lines()


def upstream(environ, start_response):
    url = urllib.parse.urlsplit(urllib.parse.parse_qs(environ["QUERY_STRING"])["url"][0])
    if url.netloc not in os.environ.get("OXICORN_DEMO_UPSTREAM", ""):
        return say(start_response, f"nothing is fetched from {url.netloc}\n", "403 Forbidden")
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := connection.recv(16384):
            answer += piece
    if not answer:
        return say(start_response, f"{url.netloc} did not answer\n", "502 Bad Gateway")
    return say(start_response, f"{len(answer)} bytes\n")


def healthz(environ, start_response):
    if environ["oxicorn.stopping"]:
        return say(start_response, "stopping\n", "503 Service Unavailable")
    return say(start_response, "ok\n")


def fails(environ, start_response):
    raise RuntimeError("on purpose")


def headers(environ):
    for key, value in environ.items():
        if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            yield [key.lower().replace("_", "-"), value]
        elif key.startswith("HTTP_"):
            name = key[5:].lower().replace("_", "-")
            # A server joins what came several times; in the tests only these do.
            values = value.split(",") if name == "x-repeated" else [value]
            yield from ([name, value] for value in values)


def echo(environ, start_response):
    digest, length = hashlib.sha256(), 0
    try:
        while piece := environ["wsgi.input"].read(65536):
            digest.update(piece)
            length += len(piece)
    except OSError as error:
        return say(start_response, f"the request body could not be read: {error}\n", "400 Bad Request")
    seen = {
        "method": environ["REQUEST_METHOD"],
        "target": environ["RAW_URI"],
        "version": environ["SERVER_PROTOCOL"],
        "headers": list(headers(environ)),
        "body_len": length,
        "body_sha256": digest.hexdigest(),
    }
    text = json.dumps(seen, separators=(",", ":")) + "\n"
    return say(start_response, text, headers=[("Content-Type", "application/json")])


ROUTES = {
    "/": hello,
    "/read": waits("read", 5),
    "/write": waits("wrote", 50),
    "/cpu": cpu,
    "/bytes": some_bytes,
    "/stream": stream,
    "/upstream": upstream,
    "/healthz": healthz,
    "/panic": fails,
    "/echo": echo,
}


def application(environ, start_response):
    path = environ["PATH_INFO"]
    route = echo if path.startswith("/echo/") else ROUTES.get(path)
    if route is None:
        return say(start_response, "there is nothing here\n", "404 Not Found")
    if route is not echo and environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        allow = TEXT + [("Allow", "GET, HEAD")]
        return say(start_response, "only GET and HEAD are answered here\n", "405 Method Not Allowed", allow)
    return route(environ, start_response)
