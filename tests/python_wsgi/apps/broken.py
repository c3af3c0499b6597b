# Breaks one rule of PEP 3333 each.
OK = "200 OK"


def no_start(start):
    return [b"x"]


def no_start_no_body(start):
    return []


def no_start_in_generator(start):
    yield b"x"


def started_twice(start):
    start(OK, [])
    start(OK, [])
    return []


def status_not_text(start):
    start(200, [])
    return []


def status_without_space(start):
    start("200OK", [])
    return []


def status_too_short(start):
    start("20", [])
    return []


def status_with_line_feed(start):
    start("200 OK\r\nX-Split: yes", [])
    return []


def status_interim(start):
    start("103 Early Hints", [])
    return []


def headers_a_dict(start):
    start(OK, {"X-A": "1"})
    return []


def header_a_list(start):
    start(OK, [["X-A", "1"]])
    return []


def header_of_three(start):
    start(OK, [("X-A", "1", "2")])
    return []


def header_value_a_number(start):
    start(OK, [("Content-Length", 3)])
    return [b"abc"]


def header_name_with_colon(start):
    start(OK, [("X-A:", "1")])
    return []


def header_name_empty(start):
    start(OK, [("", "1")])
    return []


def header_value_with_line_feed(start):
    start(OK, [("X-A", "1\r\nX-Split: yes")])
    return []


def header_value_beyond_latin1(start):
    start(OK, [("X-A", "\u20ac")])
    return []


def body_of_text(start):
    start(OK, [])
    return ["text"]


def body_of_text_in_generator(start):
    start(OK, [])
    yield "text"


def body_is_bytes(start):
    start(OK, [])
    return b"bytes"


def body_is_none(start):
    start(OK, [])


def body_is_a_number(start):
    start(OK, [])
    return 7


def write_of_text(start):
    start(OK, [])("text")
    return []


def exc_info_is_no_tuple(start):
    start(OK, [])
    yield b"sent"
    start(OK, [], "exc_info")


RULES = {f"/{rule.__name__}": rule for rule in list(globals().values()) if callable(rule)}


def application(environ, start_response):
    if rule := RULES.get(environ["PATH_INFO"]):
        return rule(start_response)
    start_response(OK, [])
    return [b"ready\n"]
