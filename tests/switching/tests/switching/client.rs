//! A client of HTTP/2 on top of the crate h2: no retries, no forgiveness.

use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Error, RecvStream, SendStream};
use http::{HeaderMap, Request, StatusCode};
use oxicorn_tests::Server;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{PATIENT, address};

/// Runs a test's client.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    run_within(PATIENT * 4, test)
}

/// Runs a test's client that may take so long.
pub(crate) fn run_within<T>(limit: Duration, test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { timeout(limit, test).await.expect("the test comes to an end") })
}

/// Whether a body follows a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sends {
    Nothing,
    ABody,
}

pub(crate) struct Client {
    sender: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), Error>>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub(crate) fn get(target: &str) -> Request<()> {
    Request::get(format!("http://suite{target}")).body(()).unwrap()
}

impl Client {
    /// `None`: it cannot be had.
    pub(crate) async fn try_connect(server: &Server) -> Option<Client> {
        Client::over(TcpStream::connect(address(server)).await.ok()?).await
    }

    pub(crate) async fn over(stream: TcpStream) -> Option<Client> {
        stream.set_nodelay(true).ok()?;
        let (sender, connection) = h2::client::handshake(stream).await.ok()?;
        Some(Client { sender, connection: tokio::spawn(connection) })
    }

    pub(crate) async fn connect(server: &Server) -> Client {
        Client::try_connect(server).await.expect("a connection")
    }

    /// Begins a request, once there may be one more. `Err`: the server wants no more of them.
    pub(crate) async fn begin(
        &mut self,
        request: Request<()>,
        sends: Sends,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), Error> {
        std::future::poll_fn(|cx| self.sender.poll_ready(cx)).await?;
        self.sender.send_request(request, sends == Sends::Nothing)
    }

    pub(crate) async fn ask(&mut self, request: Request<()>) -> Result<Answer, Error> {
        let (response, _) = self.begin(request, Sends::Nothing).await?;
        answer(response).await
    }

    pub(crate) async fn get(&mut self, target: &str) -> Answer {
        self.ask(get(target)).await.expect("an answer")
    }

    /// Waits for the end of the connection.
    pub(crate) async fn end(self) -> Result<(), Error> {
        let Client { sender, connection } = self;
        let end = timeout(PATIENT, connection).await.expect("the end of the connection");
        drop(sender);
        end.expect("no panic")
    }
}

pub(crate) async fn answer(response: ResponseFuture) -> Result<Answer, Error> {
    let (parts, mut stream) = response.await?.into_parts();
    let body = read(&mut stream).await?;
    Ok(Answer { status: parts.status, headers: parts.headers, body })
}

pub(crate) async fn read(stream: &mut RecvStream) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(piece) = stream.data().await {
        let piece = piece?;
        stream.flow_control().release_capacity(piece.len())?;
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// Sends a whole body, as far as the server lets it.
pub(crate) async fn send(stream: &mut SendStream<Bytes>, mut body: Bytes) -> Result<(), Error> {
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        if stream.capacity() == 0
            && let Some(Err(error)) = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await
        {
            return Err(error);
        }
        let part = body.split_to(stream.capacity().min(body.len()));
        stream.send_data(part, body.is_empty())?;
    }
    Ok(())
}
