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


class Server:
    """The master, told about in another process."""

    def __init__(self, log, cfg, pid, name):
        self.log = log
        self.cfg = cfg
        self.pid = pid
        self.proc_name = name
        self.master_name = "Master"
        self.address = cfg.address
        self.num_workers = cfg.workers
        self.timeout = cfg.timeout
        self.WORKERS = {}

    def __str__(self):
        return f"<Server {self.pid}>"


class Worker:
    """A worker. In another process than its own it is a name and a number."""

    def __init__(self, server, age):
        self.age = age
        self.pid = "[booting]"
        self.ppid = server.pid
        self.log = server.log
        self.cfg = server.cfg
        self.timeout = server.timeout
        self.max_requests = server.cfg.max_requests
        self.booted = False
        self.aborted = False
        self.wsgi = None
        self._alive = True
        self._served = int

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
