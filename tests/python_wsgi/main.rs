//! Python applications behind WSGI, on the real binary. PEP 3333 rule by rule, with a small application
//! for each (`apps/`), in every worker class; the suite that every class must pass, against the demo
//! written once more in Python; what people do with Flask, Django and gevent, which come from PyPI.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "panicking is how a test reports"
)]

mod apps;
mod closing;
mod contexts;
mod contract;
mod environ;
mod files;
mod frameworks;
mod greenlets;
mod input;
mod pieces;
mod raising;
mod rules;
mod sites;
mod starting;
mod validated;
mod writing;
