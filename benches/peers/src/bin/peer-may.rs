//! may_minihttp with nothing around it: the peer of the class `coroutine`. One worker thread, the
//! port as its argument; `/` says hello, `/read` and `/write` wait 5 and 50 ms, the rest is 404.

use std::error::Error;
use std::io;
use std::time::Duration;

use may_minihttp::{HttpServer, HttpService, Request, Response};

#[derive(Clone)]
struct Answer;

impl HttpService for Answer {
    fn call(
        &mut self,
        request: Request<'_, '_, '_>,
        response: &mut Response<'_>,
    ) -> io::Result<()> {
        let (wait, text) = match request.path() {
            "/" => (0, "Hello, world!\n"),
            "/read" => (5, "read for 5 ms\n"),
            "/write" => (50, "wrote for 50 ms\n"),
            _ => {
                response.status_code(404, "Not Found");
                (0, "there is nothing here\n")
            }
        };
        if wait > 0 {
            may::coroutine::sleep(Duration::from_millis(wait));
        }
        response.body(text);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("which port?")?.parse()?;
    // Unpinned: by default every process of may puts its first thread on the first processor.
    may::config().set_workers(1).set_worker_pin(false);
    let server = HttpServer(Answer).start(("127.0.0.1", port))?;
    server.join().map_err(|_| "the server panicked")?;
    Ok(())
}
