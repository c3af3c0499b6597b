# A client of the library websockets, which offers compression and has opinions of its own.
import asyncio
import sys

from websockets.asyncio.client import connect


async def main(uri):
    async with connect(uri) as socket:
        assert await socket.recv() == "hello anna"
        for size in (0, 1, 200, 70_000):
            await socket.send("x" * size)
            assert len(await socket.recv()) == size + len('{"got":""}'), size
        await socket.send(["in ", "pieces"])
        assert await socket.recv() == '{"got":"in pieces"}'
        await asyncio.wait_for(await socket.ping(), 5)
        await socket.close(4005)
    print("done", socket.close_code)


asyncio.run(main(sys.argv[1]))
