# Reads its body by the calls that its query names, `read=3&readline&...`, and tells what each has given.
import json


def call(stream, step):
    name, _, argument = step.partition("=")
    if name == "list":
        return list(stream)
    if name == "next":
        return next(stream, None)
    return getattr(stream, name)(*([int(argument)] if argument else []))


def shown(value):
    if isinstance(value, list):
        return [shown(item) for item in value]
    return None if value is None else value.decode("latin-1")


def application(environ, start_response):
    stream = environ["wsgi.input"]
    given = []
    for step in filter(None, environ["QUERY_STRING"].split("&")):
        try:
            given.append(shown(call(stream, step)))
        except OSError as error:
            given.append("OSError")
            environ["wsgi.errors"].write(f"reading failed: {type(error).__name__}: {error}\n")
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(given).encode()]
