# What people do with Flask.
import hashlib
import time

from flask import Flask, Response, abort, g, jsonify, request, send_file, stream_with_context

app = application = Flask(__name__)


@app.get("/")
def hello():
    return "Hello from Flask\n"


@app.post("/form")
def form():
    return jsonify(request.form.to_dict())


@app.post("/json")
def json():
    return jsonify(request.get_json())


@app.post("/upload")
def upload():
    body = request.files["file"].read()
    return jsonify(name=request.files["file"].filename, sha256=hashlib.sha256(body).hexdigest())


@app.get("/stream")
def stream():
    g.seen = "context"

    def pieces():
        for number in range(3):
            yield f"{g.seen} {number} {request.path}\n"
            time.sleep(0.001)

    return Response(stream_with_context(pieces()), mimetype="text/plain")


@app.get("/file")
def file():
    return send_file("data", mimetype="application/octet-stream", conditional=True)


@app.get("/teapot")
def teapot():
    abort(418)


@app.get("/fails")
def fails():
    raise ValueError("in a view")


@app.get("/where/<path:rest>")
def where(rest):
    return jsonify(url=request.url, rest=rest, remote=request.remote_addr, root=request.script_root)


@app.teardown_request
def torn_down(error):
    request.environ["wsgi.errors"].write(f"torn down: {request.path}\n")
