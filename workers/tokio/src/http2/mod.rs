//! HTTP/2 in the clear, with prior knowledge (RFC 9113 section 3.3). Framing, header compression and
//! flow control are the crate h2's, which hyper stands on too; its `server` around it is left out,
//! because a stream has the timeouts, the limits and the line in the log that a request of HTTP/1.1
//! has, and those want to be asked at every step.
//!
//! A connection has one task, which moves its frames; each of its streams has another
//! ([`stream::serve`]). What a client may make us keep is bounded: streams, bytes of headers, bytes of
//! bodies that nobody has read, bytes of responses that the client has not, and resets.

mod body;
mod limits;
mod respond;
mod rules;
mod stream;
mod watched;

use std::future::poll_fn;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::Reason;
use h2::server::{Connection, SendResponse};
use oxicorn_core::handover::{HandedOver, Visitor};
use oxicorn_core::serve::{Posture, Service};
use tokio::select;
use tokio::task::spawn_local;
use tokio::time::{Instant as TokioInstant, sleep_until};

use crate::roll::Entry;
use crate::task::Shared;
use crate::wire::Wire;
use stream::Streams;
use watched::{Stall, Watched};

type Request = http::Request<h2::RecvStream>;

/// How long a connection that we have said goodbye to may take to end when nothing is going on.
const FAREWELL: Duration = Duration::from_secs(2);

/// Whether the client knows that no more streams are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goodbye {
    NotYet,
    Said(Instant),
}

/// What has happened on a connection.
#[expect(clippy::large_enum_variant, reason = "moved once, to the stream's task")]
enum News {
    Stream(Request, SendResponse<Bytes>),
    /// The last stream is finished.
    Quiet,
    /// A deadline has passed.
    Late,
    /// The connection is over.
    Over,
}

struct Session {
    connection: Connection<Watched, Bytes>,
    streams: Rc<Streams>,
    stall: Stall,
    goodbye: Goodbye,
    began: Instant,
}

/// Serves the connection to its end.
pub(crate) async fn serve(handed: HandedOver, shared: &Rc<Shared>, entry: &Entry<'_>) {
    let began = Instant::now();
    let HandedOver { socket, received, visitor } = handed;
    let wire = match Wire::new(socket, received) {
        Ok(wire) => wire,
        Err(error) => return tracing::error!("Cannot watch a connection: {error}"),
    };
    let (wire, stall) = Watched::new(wire);
    let builder = limits::builder(visitor.service().config());
    // Its greeting is there: only our own settings have to be written.
    let patience = visitor.service().config().header_timeout.get();
    let late = patience.map(|patience| TokioInstant::from_std(began + patience));
    let connection = select! {
        connection = builder.handshake(wire) => connection,
        () = until(late) => return,
    };
    let Ok(connection) = connection else { return };
    let streams = Streams::new(visitor, shared.clone());
    Session { connection, streams, stall, goodbye: Goodbye::NotYet, began }.run(entry).await;
}

/// Never, without a deadline.
async fn until(deadline: Option<TokioInstant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

impl Session {
    fn visitor(&self) -> &Visitor {
        self.streams.visitor()
    }

    fn service(&self) -> &Service {
        self.visitor().service()
    }

    async fn run(mut self, entry: &Entry<'_>) {
        loop {
            if let Posture::Leaving(_) = self.service().posture() {
                self.say_goodbye();
            }
            if self.streams.has_too_many_resets() {
                tracing::warn!(
                    "Closing the connection of ip={}: it resets its streams as fast as it opens them",
                    self.visitor().info().peer
                );
                return self.hang_up(Reason::ENHANCE_YOUR_CALM).await;
            }
            let idle_since = self.streams.idle_since();
            let deadline = self.deadline().map(TokioInstant::from_std);
            match entry.unless_called(idle_since, self.news(deadline)).await {
                None if entry.is_dismissed() => return self.hang_up(Reason::NO_ERROR).await,
                None | Some(News::Quiet) => {}
                Some(News::Stream(request, respond)) => {
                    drop(spawn_local(stream::serve(self.streams.open(), request, respond)));
                }
                Some(News::Late) if self.is_over() => return,
                Some(News::Late) => self.say_goodbye(),
                Some(News::Over) => return,
            }
        }
    }

    async fn news(&mut self, deadline: Option<TokioInstant>) -> News {
        let accepted = poll_fn(|cx| self.connection.poll_accept(cx));
        select! {
            biased;
            accepted = accepted => match accepted {
                Some(Ok((request, respond))) => News::Stream(request, respond),
                Some(Err(_)) | None => News::Over,
            },
            () = self.streams.changed() => News::Quiet,
            () = until(deadline) => News::Late,
        }
    }

    /// When it has waited long enough; `None`: never.
    fn deadline(&self) -> Option<Instant> {
        let config = self.service().config();
        let stalled = self.stall.since().zip(config.write_timeout.get());
        let stalled = stalled.map(|(since, patience)| since + patience);
        let silent = self.streams.idle_since().and_then(|since| match self.goodbye {
            Goodbye::Said(then) => Some(since.max(then) + FAREWELL),
            Goodbye::NotYet if self.streams.none_so_far() => {
                Some(self.began + config.header_timeout.get()?)
            }
            // Without keep-alive it has had its use.
            Goodbye::NotYet => Some(since + config.keepalive.get().unwrap_or_default()),
        });
        [stalled, silent].into_iter().flatten().min()
    }

    /// Whether the deadline that has passed was the last.
    fn is_over(&self) -> bool {
        let stalled = self.stall.since().zip(self.service().config().write_timeout.get());
        stalled.is_some_and(|(since, patience)| since.elapsed() >= patience)
            || self.goodbye != Goodbye::NotYet
    }

    /// Asks the client for no more streams; those that it has begun before it knows are answered.
    fn say_goodbye(&mut self) {
        if self.goodbye == Goodbye::NotYet {
            self.goodbye = Goodbye::Said(Instant::now());
            self.connection.graceful_shutdown();
        }
    }

    /// Ends the connection now, and says so. Which streams were seen is in the frame that says it.
    async fn hang_up(mut self, reason: Reason) {
        self.connection.abrupt_shutdown(reason);
        let closed = poll_fn(|cx| self.connection.poll_closed(cx));
        let _ = tokio::time::timeout(FAREWELL, closed).await;
    }
}
