# The server's own demo application once more, as an ASGI application, so that the suite which every
# worker class must pass can be run against one. It knows nothing of the lifespan.
import asyncio
import hashlib
import json
import os
import time
import urllib.parse

TEXT = [(b"content-type", b"text/plain; charset=utf-8")]
BINARY = [(b"content-type", b"application/octet-stream")]
BLOCK = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n" * 1024


async def say(send, text, status=200, headers=TEXT):
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


def number(scope, key, default):
    values = urllib.parse.parse_qs(scope["query_string"].decode()).get(key, [default])
    return int(values[0])


async def hello(scope, receive, send):
    await say(send, "Hello, world!\n")


def waits(did, default):
    async def handler(scope, receive, send):
        milliseconds = number(scope, "ms", default)
        await asyncio.sleep(milliseconds / 1000)
        await say(send, f"{did} for {milliseconds} ms\n")

    return handler


async def cpu(scope, receive, send):
    milliseconds = number(scope, "ms", 5)
    until = time.thread_time() + milliseconds / 1000
    work = b""
    while time.thread_time() < until:
        work = hashlib.sha256(work).digest()
    await say(send, f"computed for {milliseconds} ms\n")


async def some_bytes(scope, receive, send):
    left = number(scope, "n", 1024)
    headers = BINARY + [(b"content-length", str(left).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    while left > len(BLOCK):
        await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
        left -= len(BLOCK)
    await send({"type": "http.response.body", "body": BLOCK[:left]})


async def stream(scope, receive, send):
    count, pace = number(scope, "n", 10), number(scope, "ms", 100) / 1000
    await send({"type": "http.response.start", "status": 200, "headers": TEXT})
    for line in range(1, count + 1):
        body = f"line {line}\n".encode()
        await send({"type": "http.response.body", "body": body, "more_body": True})
        if line < count:
            await asyncio.sleep(pace)
    await send({"type": "http.response.body"})


async def upstream(scope, receive, send):
    query = urllib.parse.parse_qs(scope["query_string"].decode())
    url = urllib.parse.urlsplit(query["url"][0])
    if url.netloc not in os.environ.get("OXICORN_DEMO_UPSTREAM", ""):
        return await say(send, f"nothing is fetched from {url.netloc}\n", 403)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(f"GET / HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
    finally:
        writer.close()
    if not answer:
        return await say(send, f"{url.netloc} did not answer\n", 502)
    await say(send, f"{len(answer)} bytes\n")


async def healthz(scope, receive, send):
    if scope["oxicorn.stopping"]:
        return await say(send, "stopping\n", 503)
    await say(send, "ok\n")


async def fails(scope, receive, send):
    raise RuntimeError("on purpose")


async def echo(scope, receive, send):
    digest, length, more = hashlib.sha256(), 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        digest.update(event["body"])
        length += len(event["body"])
        more = event["more_body"]
    query = scope["query_string"].decode()
    seen = {
        "method": scope["method"],
        "target": scope["raw_path"].decode() + (f"?{query}" if query else ""),
        "version": f"HTTP/{scope['http_version']}",
        "headers": [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]],
        "body_len": length,
        "body_sha256": digest.hexdigest(),
    }
    text = json.dumps(seen, separators=(",", ":")) + "\n"
    await say(send, text, headers=[(b"content-type", b"application/json")])


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


async def application(scope, receive, send):
    assert scope["type"] == "http"
    path = scope["path"]
    route = echo if path.startswith("/echo/") else ROUTES.get(path)
    if route is None:
        return await say(send, "there is nothing here\n", 404)
    if route is not echo and scope["method"] not in ("GET", "HEAD"):
        allow = TEXT + [(b"allow", b"GET, HEAD")]
        return await say(send, "only GET and HEAD are answered here\n", 405, allow)
    await route(scope, receive, send)
