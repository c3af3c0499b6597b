//! ASGI applications on the real binary: the specification rule by rule, with small applications
//! (`apps/`); the suite that every worker class must pass, against the demo written once more as an ASGI
//! application; what people do with Starlette, FastAPI, uvloop and WebSockets.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "panicking is how a test reports"
)]

mod apps;
mod bodies;
mod contract;
mod frameworks;
mod handlers;
mod lifespan;
mod rules;
mod scope;
mod websocket;
