# What handlers do beside answering. What they have done is said on standard output.
import asyncio
import contextvars
import sys
import threading
import time

who = contextvars.ContextVar("who", default="nobody")


def say(*words):
    print(*words, flush=True)


async def answer(send, text="ok\n"):
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": text.encode()})


async def raises(scope, receive, send):
    raise ValueError("on purpose")


async def raises_late(scope, receive, send):
    await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"part", "more_body": True})
    raise ValueError("in the middle")


async def raises_behind(scope, receive, send):
    await answer(send)
    raise ValueError("behind the response")


async def exits(scope, receive, send):
    sys.exit(7)


async def cancels_itself(scope, receive, send):
    asyncio.current_task().cancel()
    await asyncio.sleep(0)


async def background(scope, receive, send):
    await answer(send)
    await asyncio.sleep(1)
    say("done in the background")


async def sleeps(scope, receive, send):
    say("sleeps")
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        say("cancelled")
        raise


async def sleeps_on(scope, receive, send):
    """Does not heed its cancellation."""
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        await asyncio.sleep(0.5)
    await answer(send, "too late\n")
    say("sent too late")


async def streams(scope, receive, send):
    await send({"type": "http.response.start", "status": 200})
    while True:
        await send({"type": "http.response.body", "body": b"tick\n", "more_body": True})
        await asyncio.sleep(0.1)


async def names(scope, receive, send):
    before = who.get()
    who.set(scope["query_string"].decode())
    await asyncio.sleep(0.01)
    inner = await asyncio.create_task(ask())
    await answer(send, f"{before} {who.get()} {inner}\n")


async def ask():
    return who.get()


async def tasks(scope, receive, send):
    """Everything that a coroutine can be done with can be done with these."""
    event = await asyncio.create_task(receive())
    assert event["type"] == "http.request", event
    assert asyncio.current_task().get_coro().cr_frame is not None
    late = asyncio.create_task(receive())
    done, waiting = await asyncio.wait([late], timeout=0.05)
    assert not done
    late.cancel()
    await asyncio.wait([late])
    assert late.cancelled()
    try:
        await asyncio.wait_for(receive(), 0.05)
    except asyncio.TimeoutError:
        pass
    start = {"type": "http.response.start", "status": 200}
    await asyncio.create_task(send(start))
    await asyncio.wait_for(send({"type": "http.response.body", "body": b"ok\n"}), 1)


async def threads(scope, receive, send):
    def elsewhere():
        try:
            send({"type": "http.response.start", "status": 200})
        except RuntimeError as error:
            return str(error)

    said = await asyncio.get_running_loop().run_in_executor(None, elsewhere)
    await answer(send, f"{said}\n")


async def blocks(scope, receive, send):
    time.sleep(0.3)
    await answer(send)


async def loop(scope, receive, send):
    kind = type(asyncio.get_running_loop())
    await answer(send, f"{kind.__module__.split('.')[0]}\n")


async def ready(scope, receive, send):
    await answer(send)


async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    await globals()[scope["path"][1:] or "ready"](scope, receive, send)


def plain(scope, receive, send):
    return "no coroutine"


class Awaitable:
    def __init__(self, coroutine):
        self.coroutine = coroutine

    def __await__(self):
        return self.coroutine.__await__()


def wrapped(scope, receive, send):
    return Awaitable(application(scope, receive, send))
