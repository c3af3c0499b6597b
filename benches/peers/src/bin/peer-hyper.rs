//! hyper with nothing around it: the floor for the class `tokio`. One process, one thread, the port
//! as its argument; `/` says hello, `/read` and `/write` wait 5 and 50 ms, the rest is 404.

use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // With the query: what it cannot do it does not pretend to do.
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let (wait, text) = match target {
        "/" => (0, "Hello, world!\n"),
        "/read" => (5, "read for 5 ms\n"),
        "/write" => (50, "wrote for 50 ms\n"),
        _ => {
            let mut response = Response::new(Full::from("there is nothing here\n"));
            *response.status_mut() = StatusCode::NOT_FOUND;
            return Ok(response);
        }
    };
    if wait > 0 {
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
    Ok(Response::new(Full::from(text)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("which port?")?.parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let mut http = http1::Builder::new();
        http.pipeline_flush(true);
        tokio::spawn(http.serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}
