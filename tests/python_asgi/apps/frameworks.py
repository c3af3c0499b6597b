# What people write: FastAPI, and Starlette below it.
import asyncio
import contextlib

from fastapi import BackgroundTasks, FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.middleware.gzip import GZipMiddleware
from pydantic import BaseModel
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import FileResponse, PlainTextResponse, StreamingResponse


def say(*words):
    print(*words, flush=True)


@contextlib.asynccontextmanager
async def lifespan(app):
    say("starts")
    yield {"database": "connected"}
    say("stops")


application = FastAPI(lifespan=lifespan)
application.add_middleware(GZipMiddleware, minimum_size=10_000)


async def stamps(request, call_next):
    response = await call_next(request)
    response.headers["x-stamp"] = request.method
    return response


application.add_middleware(BaseHTTPMiddleware, dispatch=stamps)


class Item(BaseModel):
    name: str
    price: float


@application.get("/")
async def root():
    return {"hello": "world"}


@application.get("/state")
async def state(request: Request):
    return {"database": request.state.database}


@application.post("/items/{number}")
async def create(number: int, item: Item, q: str = "nothing"):
    return {"number": number, "name": item.name, "q": q}


@application.get("/plain")
def in_a_thread():
    return PlainTextResponse("from a thread\n")


@application.post("/upload")
async def upload(request: Request):
    sizes = [len(piece) async for piece in request.stream()]
    return {"size": sum(sizes)}


@application.get("/file")
async def file():
    return FileResponse(__file__)


async def lines(count, pace):
    try:
        for number in range(count):
            yield f"line {number}\n"
            await asyncio.sleep(pace)
    finally:
        say("the stream is over")


@application.get("/stream")
async def stream(count: int = 5, pace: float = 0.01):
    return StreamingResponse(lines(count, pace))


async def later():
    await asyncio.sleep(0.1)
    say("later")


@application.get("/background")
async def background(tasks: BackgroundTasks):
    tasks.add_task(later)
    return "soon"


@application.get("/raises")
async def raises():
    raise ValueError("in FastAPI")


@application.websocket("/ws/{name}")
async def socket(ws: WebSocket, name: str):
    await ws.accept()
    await ws.send_text(f"hello {name}")
    try:
        while True:
            await ws.send_json({"got": await ws.receive_text()})
    except WebSocketDisconnect as error:
        say("left", error.code)
