//! pre_request and post_request: around each request, whatever becomes of it.

use super::*;

const HOOKED: &str = "
def pre_request(worker, req):
    worker.log.info('pre %s %s %s', req.method, req.uri, dict(req.headers).get('X-NAME'))
def post_request(worker, req, environ, resp):
    worker.log.info('post %s %s %s', req.path, resp.status, resp.sent)
";

const APP: &str = r#"
class Body:
    def __iter__(self):
        yield b"one"
        yield b"two"
    def close(self):
        print("closed", flush=True)
def app(environ, start_response):
    if environ["PATH_INFO"] == "/raises":
        raise KeyError("no")
    if environ["PATH_INFO"] == "/file":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return environ["wsgi.file_wrapper"](open(__file__, "rb"), 4096)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Body()
"#;

fn hooked(hooks: &str) -> Server {
    let launch = configured(hooks);
    write(launch.folder(), "shop.py", APP);
    launch.start()
}

#[test]
fn they_see_the_request_and_the_response() {
    let server = hooked(HOOKED);
    assert_eq!(text(&server, "/a%20b?c=d"), "onetwo");
    server.wait_for_line("pre GET /a b?c=d None");
    server.wait_for_line("post /a b 200 OK 6");
    server.wait_for_accesses("closed", 1);
    assert_eq!(server.get("/raises").status, 500);
    server.wait_for_line("post /raises None 0");
    assert_eq!(text(&server, "/file"), APP);
    server.wait_for_line("post /file 200 OK");
}

#[test]
fn an_old_one_takes_fewer_arguments_and_one_that_fails_is_logged() {
    let server =
        hooked("def post_request(worker, req):\n    worker.log.warning('old %s', req.path)\n");
    text(&server, "/");
    server.wait_for_line("[WARNING] old /");
    let server = hooked("def post_request(worker, req, environ):\n    raise KeyError('no')\n");
    assert_eq!(text(&server, "/"), "onetwo");
    server.wait_for_line("the hook post_request has failed");
    server.wait_for_line("] KeyError: 'no'");
    let launch = configured("def pre_request(worker, req):\n    raise KeyError('no')\n");
    let server = launch.spawn();
    assert_eq!(server.get("/").status, 500);
}

const ASGI: &str = r#"
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise KeyError("no lifespan")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"on", "more_body": True})
    await send({"type": "http.response.body", "body": b"e"})
"#;

#[test]
fn they_are_called_in_other_classes_as_well() {
    for (class, app) in [("threaded", super::APP), ("tokio", ASGI)] {
        let subject = Subject::new(SERVER, class, Serving::Inline);
        let launch = Launch::of(&subject).app("shop:app").args(["-c", "conf.py"]);
        write(launch.folder(), "conf.py", HOOKED);
        write(launch.folder(), "shop.py", app);
        let python = python::machine();
        let server = launch.env("OXICORN_PYTHON", python.to_str().unwrap()).start();
        assert_eq!(text(&server, "/x?y=z"), "one");
        server.wait_for_line("pre GET /x?y=z None");
        server.wait_for_line("post /x 200");
    }
}
