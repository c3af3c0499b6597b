# One WebSocket application for each path. What it hears is said on standard output.
import asyncio


def say(*words):
    print(*words, flush=True)


async def accept(receive, send, **fields):
    assert (await receive()) == {"type": "websocket.connect"}
    await send({"type": "websocket.accept", **fields})


async def echo(scope, receive, send):
    offered = scope["subprotocols"]
    headers = [(b"x-offered", ",".join(offered).encode())]
    await accept(receive, send, subprotocol=offered[-1] if offered else None, headers=headers)
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            say("left:", event["code"], event["reason"])
            say("and once more:", (await receive())["code"])
            return
        event["type"] = "websocket.send"
        await send(event)


async def refuses(scope, receive, send):
    await receive()
    await send({"type": "websocket.close", "code": 4000})


async def refuses_in_words(scope, receive, send):
    await receive()
    headers = [(b"www-authenticate", b"Basic")]
    await send({"type": "websocket.http.response.start", "status": 401, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b"who ", "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b"are you?\n"})


async def closes(scope, receive, send):
    await accept(receive, send)
    await send({"type": "websocket.send", "text": "last words"})
    await send({"type": "websocket.close", "code": 4001, "reason": "enough"})
    try:
        await send({"type": "websocket.send", "text": "more"})
    except OSError as error:
        say("cannot:", error)
    say("told:", (await receive())["code"])


async def returns(scope, receive, send):
    await accept(receive, send)


async def raises(scope, receive, send):
    await accept(receive, send)
    raise ValueError("in a WebSocket")


async def raises_first(scope, receive, send):
    raise ValueError("before a WebSocket")


async def returns_first(scope, receive, send):
    await receive()


async def out_of_turn(scope, receive, send):
    await receive()
    await send({"type": "websocket.send", "text": "too early"})


async def accepts_twice(scope, receive, send):
    await accept(receive, send)
    await send({"type": "websocket.accept"})


async def neither(scope, receive, send):
    await accept(receive, send)
    await send({"type": "websocket.send", "text": 7})


async def only_sends(scope, receive, send):
    """Never asks for what its client says."""
    await accept(receive, send)
    try:
        while True:
            await send({"type": "websocket.send", "text": "tick"})
            await asyncio.sleep(0.02)
    except OSError:
        say("nobody listens")


async def floods(scope, receive, send):
    """Sends until it is held up."""
    await accept(receive, send)
    sent, held = 0, False
    while sent < 64:
        waiting = asyncio.ensure_future(one(send))
        done, _ = await asyncio.wait([waiting], timeout=0.5)
        if not done and not held:
            held = True
            say("held up")
        await waiting
        sent += 1
    await send({"type": "websocket.close"})


async def one(send):
    await send({"type": "websocket.send", "bytes": b"x" * (1024 * 1024)})


gate = asyncio.Event()


async def slow(scope, receive, send):
    """Does not read until it is told to."""
    await accept(receive, send)
    await gate.wait()
    total = 0
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            say("received", total)
            return
        total += len(event["bytes"])


async def lasts(scope, receive, send):
    await accept(receive, send)
    event = await receive()
    say("at the end:", event["type"], event["code"])


async def http(scope, receive, send):
    if scope["path"] == "/open":
        gate.set()
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": scope["type"].encode()})


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    if scope["type"] == "http":
        return await http(scope, receive, send)
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.4"}
    assert scope["scheme"] == "ws" and "method" not in scope
    await globals()[scope["path"][1:]](scope, receive, send)
