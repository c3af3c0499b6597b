# One application for each way of dealing with the lifespan.
import asyncio


async def answer(scope, send):
    state = scope.get("state", {})
    state["seen"] = state.get("seen", 0) + 1
    body = f"{state.get('who', 'nobody')} {state['seen']} {len(state.get('shared', []))}\n"
    state.get("shared", []).append(1)
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": body.encode()})


async def knows(scope, receive, send):
    if scope["type"] != "lifespan":
        return await answer(scope, send)
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.0"}
    assert (await receive()) == {"type": "lifespan.startup"}
    # Something that takes its turns in the loop.
    await asyncio.sleep(0.01)
    scope["state"].update(who="the lifespan", shared=[])
    await send({"type": "lifespan.startup.complete"})
    assert (await receive()) == {"type": "lifespan.shutdown"}
    await asyncio.sleep(0.01)
    print("the lifespan is over", flush=True)
    await send({"type": "lifespan.shutdown.complete"})


async def ignorant(scope, receive, send):
    assert scope["type"] == "http", "only HTTP"
    await answer(scope, send)


async def failing(scope, receive, send):
    assert scope["type"] == "lifespan"
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "Traceback\n  no database\n"})


async def leaving(scope, receive, send):
    if scope["type"] != "lifespan":
        return await answer(scope, send)
    await receive()
    await send({"type": "lifespan.startup.complete"})


async def stuck(scope, receive, send):
    if scope["type"] != "lifespan":
        return await answer(scope, send)
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await asyncio.sleep(3600)


async def complaining(scope, receive, send):
    if scope["type"] != "lifespan":
        return await answer(scope, send)
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.failed", "message": "something is left"})


async def raising(scope, receive, send):
    if scope["type"] != "lifespan":
        return await answer(scope, send)
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    raise OSError("cannot say goodbye")
