# Breaks the rule that the path names.
START = {"type": "http.response.start", "status": 200, "headers": []}
END = {"type": "http.response.body", "body": b"ok\n"}


def start(**fields):
    return {**START, **fields}


def header(name, value=b"x"):
    return start(headers=[(name, value)])


EVENTS = {
    "/": [START, END],
    "/no_type": [{"status": 200}],
    "/type_is_bytes": [{"type": b"http.response.start", "status": 200}],
    "/not_a_dict": [("http.response.start", 200)],
    "/unknown": [{"type": "http.response.begin"}],
    "/foreign": [{"type": "websocket.accept"}],
    "/no_status": [{"type": "http.response.start"}],
    "/status_is_text": [start(status="200")],
    "/status_interim": [start(status=100)],
    "/status_too_large": [start(status=1000)],
    "/header_of_text": [header("x-a")],
    "/header_value_of_text": [header(b"x-a", "x")],
    "/header_of_three": [start(headers=[(b"x-a", b"x", b"y")])],
    "/headers_a_number": [start(headers=1)],
    "/header_name_with_space": [header(b"x a")],
    "/header_name_empty": [header(b"")],
    "/header_value_with_line_feed": [header(b"x-a", b"x\r\nX-Split: 1")],
    "/content_length_twice": [
        start(headers=[(b"content-length", b"1"), (b"content-length", b"2")]),
        END,
    ],
    "/body_first": [END],
    "/body_of_text": [START, {"type": "http.response.body", "body": "ok"}],
    "/started_twice": [START, START],
    "/no_such_file": [START, {"type": "http.response.pathsend", "path": "/nowhere/at/all"}],
    "/path_is_bytes": [START, {"type": "http.response.pathsend", "path": b"/dev/null"}],
    "/nothing": [],
    "/only_start": [START],
    "/ends_twice": [START, END, END],
    "/no_end": [START, {"type": "http.response.body", "body": b"ok\n", "more_body": True}],
    "/late_start": [START, {"type": "http.response.body", "more_body": True}, START],
}


async def application(scope, receive, send):
    if scope["path"] == "/caught":
        try:
            await send(END)
        except RuntimeError as error:
            print(f"caught: {error}", flush=True)
        await send(START)
        await send(END)
        return
    for event in EVENTS[scope["path"]]:
        await send(event)
