# Tells what it was given, as JSON.
import json


def application(environ, start_response):
    plain = {key: value for key, value in environ.items() if type(value) in (str, bool, tuple)}
    body = json.dumps(plain).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]
