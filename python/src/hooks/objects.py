"""What hooks are called with: gunicorn's `server` and `worker`, as far as this server has what they show.

Pickled by nobody, kept small: an attribute is here if somebody's hook reads it.
"""

import logging
import os
import signal


class _ToTheLog(logging.Handler):
    def __init__(self, write):
        super().__init__()
        self.write = write

    def emit(self, record):
        try:
            self.write(record.levelno, self.format(record))
        except Exception:
            self.handleError(record)


class Log(logging.Logger):
    """The server's error log. `logging` does not know of it, so nothing that configures `logging`
    changes it, and it changes nothing there."""

    def __init__(self, write):
        super().__init__("oxicorn.error")
        self.propagate = False
        self.addHandler(_ToTheLog(write))
        self.error_log = self


class Settings:
    """`server.cfg`: every setting as an attribute, and the names that only the file has."""

    def __init__(self, settings, file):
        self.settings = settings
        self._file = file

    def __getattr__(self, name):
        if name.startswith("__") or name in ("settings", "_file"):
            raise AttributeError(name)
        for names in (self.settings, self._file):
            if name in names:
                return names[name]
        raise AttributeError(f"{name}: there is no such setting")

    @property
    def address(self):
        return [_address(text) for text in self.settings["bind"]]

    @property
    def env(self):
        return dict(pair.split("=", 1) for pair in self.settings["raw_env"])

    @property
    def worker_class_str(self):
        return self.settings["worker_class"]

    is_ssl = False


def _address(text):
    host, colon, port = text.rpartition(":")
    if colon and port.isdigit():
        return (host.strip("[]"), int(port))
    return text


_SIGNAL = "the master is another process, and heeds signals: os.kill(server.pid, signal.%s)"
_NOT_HERE = "docs/python-configuration.md has a list of what there is"
_SERVER = {
    "LISTENERS": "the sockets are the master's; server.address has their addresses",
    "halt": _SIGNAL % "SIGTERM",
    "manage_workers": _SIGNAL % "SIGTTIN",
    "pidfile": "server.cfg.pidfile has its path",
    "reexec": _SIGNAL % "SIGUSR2",
    "reload": _SIGNAL % "SIGHUP",
    "spawn_worker": _SIGNAL % "SIGTTIN",
    "stop": _SIGNAL % "SIGTERM",
}
_WORKER = {
    "sockets": "worker.cfg.address has their addresses",
    "tmp": "a worker shows that it lives in memory that the master reads: worker.notify()",
}


class Application:
    """What gunicorn's `app` shows of an application."""

    def __init__(self, cfg, uri):
        self.cfg = cfg
        self.app_uri = uri
        self.callable = None

    def wsgi(self):
        if self.callable is None:
            raise RuntimeError(f"{self.app_uri} is not imported in this process yet")
        return self.callable


class Server:
    """The master, told about in another process."""

    def __init__(self, log, cfg, pid, name, uri):
        self.log = log
        self.cfg = cfg
        self.pid = pid
        self.proc_name = name
        self.master_name = "Master"
        self.address = cfg.address
        self.timeout = cfg.timeout
        self.app = Application(cfg, uri)
        self.worker_age = 0
        self.WORKERS = {}
        self._num_workers = cfg.workers

    def __getattr__(self, name):
        raise AttributeError(f"server.{name}: {_SERVER.get(name, _NOT_HERE)}")

    def __str__(self):
        return f"<Server {self.pid}>"

    @property
    def num_workers(self):
        return self._num_workers

    @num_workers.setter
    def num_workers(self, _):
        raise AttributeError(f"server.num_workers: {_SIGNAL % 'SIGTTIN'}")

    def kill_worker(self, pid, sig):
        """Sends a signal to one of `WORKERS`; one that has gone is none any more."""
        if pid in self.WORKERS:
            try:
                os.kill(pid, sig)
            except ProcessLookupError:
                pass

    def kill_workers(self, sig):
        for pid in list(self.WORKERS):
            self.kill_worker(pid, sig)


class Worker:
    """A worker. In another process than its own it is a name and a number."""

    def __init__(self, server, age):
        self.age = age
        self.pid = "[booting]"
        self.ppid = server.pid
        self.log = server.log
        self.cfg = server.cfg
        self.app = server.app
        self.timeout = server.timeout
        self.max_requests = server.cfg.max_requests
        self.booted = False
        self.aborted = False
        self.wsgi = None
        self._alive = True
        self._served = int
        self._beat = lambda: None

    def __getattr__(self, name):
        raise AttributeError(f"worker.{name}: {_WORKER.get(name, _NOT_HERE)}")

    def notify(self):
        """Shows that the worker lives. Its loop does so, too."""
        self._beat()

    def __str__(self):
        return f"<Worker {self.pid}>"

    @property
    def nr(self):
        """How many requests it has served."""
        return self._served()

    @property
    def alive(self):
        return self._alive

    @alive.setter
    def alive(self, alive):
        """A worker that is not to be alive is told to leave, and another one takes its place."""
        if self._alive and not alive and self.pid == os.getpid():
            os.kill(self.pid, signal.SIGTERM)
        self._alive = bool(alive)
