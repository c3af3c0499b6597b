"""The goals of the hosting of Python applications: the same application with each server."""

from goals_kit import SERVER, cpu, queue, rate, ratios, session

BJOERN = "import bjoern, {module}; bjoern.run({module}.{name}, '127.0.0.1', {{port}})"


def ours(args, name, application, *words):
    """One of our classes, with the Python that was named."""
    settings = "-c none --log-level warning --worker-connections 20000 -b 127.0.0.1:{port}"
    return compare(name, "env", f"OXICORN_PYTHON={args.python}", SERVER, *words, settings, application)


def compare(name, *words):
    return ["--compare", f"{name}=" + " ".join(str(word) for word in words)]


def peers(args, application):
    """Those that have a wheel of their own, by the interface of the application."""
    folder = args.python.parent
    module, name = application.split(":")
    code = BJOERN.format(module=module, name=name)
    return {
        "gunicorn": compare("gunicorn", folder / "gunicorn", "-b 127.0.0.1:{port} --log-level warning", application),
        "gunicorn-gevent": compare(
            "gunicorn-gevent",
            folder / "gunicorn",
            "-k gevent --worker-connections 20000 -b 127.0.0.1:{port} --log-level warning",
            application,
        ),
        "granian": compare(
            "granian",
            folder / "granian",
            "--interface wsgi --no-ws --http 1 --no-access-log --log-level warning --port {port}",
            application,
        ),
        "granian-asgi": compare(
            "granian-asgi",
            folder / "granian",
            "--interface asgi --no-ws --http 1 --loop uvloop --no-access-log --log-level warning --port {port}",
            application,
        ),
        "uvicorn": compare(
            "uvicorn",
            folder / "uvicorn",
            "--loop uvloop --http httptools --no-access-log --log-level warning --port {port}",
            application,
        ),
        "fastpysgi": compare("fastpysgi", folder / "fastpysgi", "-l 2 --host 127.0.0.1 -p {port}", application),
        "bjoern": compare("bjoern", args.python, "-c", f'"{code}"'),
    }


def hello(args, table, what, application, ours_words, wanted):
    """Processor time that the others take for a request, to what we take."""
    known = peers(args, application)
    words = ["--loads", "hello", "--peers", "none", "--classes", "none"]
    words += ours(args, "oxicorn", application, *ours_words)
    for name in wanted:
        words += known[name]
    results = session(args, what.replace(" ", "-"), *words)
    for name, least in wanted.items():
        values = ratios(results, "hello c64", name, "oxicorn", cpu)
        table.add(f"{what}: CPU per request of {name}, to oxicorn", "at least", least, values)
        values = ratios(results, "hello c64", "oxicorn", name, rate)
        table.note(f"the same, requests/s of oxicorn, to {name}", values)


def wsgi(args, table):
    wanted = {"fastpysgi": 2, "bjoern": 2, "granian": 3, "gunicorn": 20}
    hello(args, table, "WSGI hello", "hellos:wsgi", ["-k", "sync"], wanted)


def flask(args, table):
    wanted = {"gunicorn": 3, "granian": 1, "bjoern": 1}
    hello(args, table, "Flask hello", "hellos:flask", ["-k", "sync"], wanted)


def asgi(args, table):
    wanted = {"granian-asgi": 2, "uvicorn": 2}
    hello(args, table, "ASGI hello", "hellos:asgi", ["-k", "tokio"], wanted)


def gevent(args, table):
    application = "app:application"
    words = ["--loads", "read", "--connections", 100, "--peers", "none", "--classes", "none"]
    words += ours(args, "oxicorn", application, "-k", "gevent")
    words += peers(args, application)["gunicorn-gevent"]
    results = session(args, "gevent", *words)
    values = ratios(results, "read c100", "oxicorn", "gunicorn-gevent", rate)
    goal = "gevent, 5 ms, 100 connections"
    table.add(f"{goal}: requests/s, to gunicorn's", "at least", 3, values)
    values = ratios(results, "read c100", "gunicorn-gevent", "oxicorn", cpu)
    table.add(f"{goal}: CPU per request of gunicorn, to oxicorn", "at least", 3, values)


def python_in_line(args, table):
    words = ours(args, "oxicorn", "app:application", "-k", "sync", "-w", 4)
    queue(args, table, "oxicorn", "--classes", "none", *words)


GOALS = {f.__name__: f for f in (wsgi, flask, asgi, gevent, python_in_line)}
