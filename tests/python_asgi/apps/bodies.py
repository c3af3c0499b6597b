# Bodies both ways. What it has done is said on standard output.
import asyncio
import os


def say(*words):
    print(*words, flush=True)


async def start(send, headers=()):
    await send({"type": "http.response.start", "status": 200, "headers": list(headers)})


async def end(send, text):
    await start(send)
    await send({"type": "http.response.body", "body": text.encode()})


async def pieces(scope, receive, send):
    """How many events the body is, and how large the largest."""
    count = total = largest = 0
    while True:
        event = await receive()
        assert event["type"] == "http.request", event
        count, total = count + 1, total + len(event["body"])
        largest = max(largest, len(event["body"]))
        if not event["more_body"]:
            break
    many = "many" if count > 1 else "one"
    await end(send, f"{many} {total} {largest <= 2 * 1024 * 1024}\n")


async def twice(scope, receive, send):
    """Behind the body comes nothing but the disconnect."""
    assert (await receive())["body"] == b"all"
    asyncio.get_running_loop().call_later(0.05, asyncio.ensure_future, end(send, "answered\n"))
    say("behind the body:", await receive())


async def unread(scope, receive, send):
    """Reads one piece, says so, and goes on when it is told to."""
    event = await receive()
    say("first piece", event["more_body"])
    await gate.wait()
    total = len(event["body"])
    while event.get("more_body"):
        event = await receive()
        total += len(event["body"])
    await end(send, f"{total}\n")


gate = asyncio.Event()


async def opens(scope, receive, send):
    gate.set()
    await end(send, "open\n")


async def gone(scope, receive, send):
    """Waits for its client to go."""
    say("waits")
    await receive()
    say("then", await receive())
    await start(send)
    await send({"type": "http.response.body", "body": b"nobody reads this"})
    say("sent to nobody")


async def cut(scope, receive, send):
    """The body ends before its time."""
    event = {"more_body": True}
    while event.get("more_body"):
        event = await receive()
    say("the end is", event["type"])


async def endless(scope, receive, send):
    """Sends until it is held up, and says how much that was."""
    await start(send)
    sent = 0
    piece = b"x" * 65536
    while sent < 64 * 1024 * 1024:
        waiting = asyncio.ensure_future(send_piece(send, piece))
        done, _ = await asyncio.wait([waiting], timeout=0.5)
        if not done:
            say("held up", sent < 32 * 1024 * 1024)
            await waiting
        sent += len(piece)
    await send({"type": "http.response.body"})
    say("all sent")


async def send_piece(send, piece):
    await send({"type": "http.response.body", "body": piece, "more_body": True})


async def to_nobody(scope, receive, send):
    """Never asks whether its client is there."""
    await start(send)
    while True:
        await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})


async def held(scope, receive, send):
    """The head is held back until there is a body."""
    await start(send, [(b"x-a", b"1")])
    say("started")
    await gate.wait()
    await send({"type": "http.response.body", "body": b"late\n"})


async def kinds(scope, receive, send):
    await start(send)
    for piece in (b"bytes ", bytearray(b"bytearray "), memoryview(b"memoryview\n")):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


async def path(scope, receive, send):
    await start(send, [(b"content-type", b"text/x-python")])
    await send({"type": "http.response.pathsend", "path": os.path.abspath(__file__)})


async def long(scope, receive, send):
    await start(send, [(b"content-length", b"3")])
    await send({"type": "http.response.body", "body": b"longer"})


async def short(scope, receive, send):
    await start(send, [(b"content-length", b"9")])
    await send({"type": "http.response.body", "body": b"short"})


async def ready(scope, receive, send):
    await end(send, "ok\n")


async def application(scope, receive, send):
    name = scope["path"][1:] or "ready"
    await globals()[name](scope, receive, send)
