//! Whom the server believes about the client. Behind a proxy every connection comes from the proxy,
//! and who is really asking, and over what, is hearsay. There are two kinds of it: the PROXY
//! protocol, a few bytes in front of everything else on a connection, and header fields of each
//! request. Both can be written by anybody, so what is believed is decided here, by the address that
//! has connected, and nowhere else.

mod header;
mod trust;
mod v1;
mod v2;

pub use header::{Fault, Parsed, Source, parse};
pub use trust::{Disbelief, Standing, Trust, lists};
