"""pre_request and post_request, around the application: where they are not defined, nothing is around
it. A request's hooks are called where it is handled, so they may wait as the application may.
"""


class Request:
    """What gunicorn's `req` shows of a request."""

    def __init__(self, method, path, query, version, headers, scheme, peer):
        self.method = method
        self.path = path
        self.query = query
        self.uri = f"{path}?{query}" if query else path
        self.version = version
        self.headers = headers
        self.scheme = scheme
        self.remote_addr = peer


class Response:
    """What gunicorn's `resp` shows of a response."""

    status = None
    status_code = None
    headers = ()
    sent = 0

    def begins(self, status, headers):
        self.status = status
        self.status_code = int(status[:3])
        self.headers = list(headers)


class Hooks:
    def __init__(self, worker, log, pre, post, takes):
        self.worker = worker
        self.log = log
        self.pre = pre
        self.post = post
        self.takes = takes

    def before(self, request):
        if self.pre is not None:
            self.pre(self.worker, request)

    def after(self, request, environ, response):
        if self.post is None:
            return
        try:
            self.post(*(self.worker, request, environ, response)[: self.takes])
        except Exception:
            self.log.exception("the hook post_request has failed:")


def _of_environ(environ):
    version = tuple(int(part) for part in environ["SERVER_PROTOCOL"][5:].split("."))
    names = (name for name in environ if name.startswith("HTTP_"))
    headers = [(name[5:].replace("_", "-"), environ[name]) for name in names]
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers.append((name.replace("_", "-"), environ[name]))
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return Request(
        environ["REQUEST_METHOD"],
        path,
        environ.get("QUERY_STRING", ""),
        version,
        headers,
        environ["wsgi.url_scheme"],
        environ.get("REMOTE_ADDR"),
    )


class _Body:
    """The application's body, whose end is the end of the request."""

    def __init__(self, body, response, done):
        self.body = body
        self.pieces = iter(body)
        self.response = response
        self.done = done

    def __iter__(self):
        return self

    def __next__(self):
        piece = next(self.pieces)
        self.response.sent += len(piece)
        return piece

    def close(self):
        try:
            close = getattr(self.body, "close", None)
            if close is not None:
                close()
        finally:
            self.done()


class _File:
    """A file that goes by sendfile(2) still does."""

    def __init__(self, file, done):
        self._file = file
        self._done = done

    def __getattr__(self, name):
        return getattr(self._file, name)

    def close(self):
        try:
            close = getattr(self._file, "close", None)
            if close is not None:
                close()
        finally:
            self._done()


def wsgi(application, hooks):
    def hooked(environ, start_response):
        request, response = _of_environ(environ), Response()
        files = []
        wrapper = environ.get("wsgi.file_wrapper")

        def done():
            hooks.after(request, environ, response)

        def start(status, headers, *exc_info):
            response.begins(status, headers)
            write = start_response(status, headers, *exc_info)

            def counted(data):
                response.sent += len(data)
                return write(data)

            return counted

        def wrap(file, *size):
            wrapped = wrapper(_File(file, done), *size)
            files.append(wrapped)
            return wrapped

        if wrapper is not None:
            environ["wsgi.file_wrapper"] = wrap
        try:
            hooks.before(request)
            body = application(environ, start)
        except BaseException:
            done()
            raise
        if any(body is file for file in files):
            return body
        return _Body(body, response, done)

    return hooked


def _of_scope(scope):
    client = scope.get("client")
    headers = [(name.decode("latin-1").upper(), value.decode("latin-1")) for name, value in scope["headers"]]
    return Request(
        scope["method"],
        scope["path"],
        scope.get("query_string", b"").decode("latin-1"),
        tuple(int(part) for part in scope["http_version"].split(".")),
        headers,
        scope.get("scheme", "http"),
        client[0] if client else None,
    )


def asgi(application, hooks):
    async def hooked(scope, receive, send):
        if scope["type"] != "http":
            return await application(scope, receive, send)
        request, response = _of_scope(scope), Response()

        async def counted(message):
            if message["type"] == "http.response.start":
                headers = [
                    (name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in message.get("headers", ())
                ]
                response.begins(str(message["status"]), headers)
            elif message["type"] == "http.response.body":
                response.sent += len(message.get("body", b""))
            await send(message)

        try:
            hooks.before(request)
            await application(scope, receive, counted)
        finally:
            hooks.after(request, scope, response)

    return hooked
