//! What one client may make us keep. The figures are those that the attacks on HTTP/2 have taught:
//! none of them is one that an honest client meets.

use h2::server::Builder;
use oxicorn_core::config::Config;

/// Streams of one connection at a time.
const STREAMS: u32 = 128;
/// Bytes of one request's fields, names and values and 32 more for each (RFC 9113 section 6.5.2).
const HEADER_LIST: u32 = 64 * 1024;
/// Bytes of a body that nobody has read: of a stream, and of all streams of a connection.
const WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Bytes of a stream's response that the client has not taken.
const SEND_BUFFER: usize = 256 * 1024;
/// Streams that are reset before we have seen them (CVE-2023-44487): more of them end the connection.
const RESETS: usize = 32;
/// Streams that we reset because of what the client sends (CVE-2025-8671).
const OWN_RESETS: usize = 128;
/// Resets of streams that we have seen, more than streams that were not: more end the connection.
pub(super) const RESETS_SEEN: u32 = 128;

pub(super) fn builder(config: &Config) -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(STREAMS.min(config.worker_connections))
        .max_header_list_size(HEADER_LIST)
        .initial_window_size(WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(Some(OWN_RESETS))
        .max_concurrent_reset_streams(RESETS);
    builder
}
