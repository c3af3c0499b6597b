# Answers with the scope.
import json


def plain(value):
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


async def application(scope, receive, send):
    types = {key: type(value).__name__ for key, value in scope.items()}
    body = json.dumps({"scope": plain(scope), "types": types}).encode()
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": body})
