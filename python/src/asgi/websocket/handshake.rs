//! The opening handshake (RFC 6455 section 4.2), of which the codec has only seen that the client asks
//! for another protocol.

use bytes::Bytes;
use http::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, SERVER, UPGRADE,
};
use http::{Method, StatusCode};
use oxicorn_core::Request;
use tungstenite::handshake::derive_accept_key;

use super::super::event::Accept;
use super::super::exchange::{AskedFor, Connect};

/// What a request for another protocol asks for.
#[derive(Debug)]
pub(in super::super) enum Opening {
    Asked(AskedFor),
    /// A WebSocket, but not as it must be asked for.
    Wrong(StatusCode),
    /// It may be ignored, so it is.
    SomethingElse,
}

/// What `request` asks for.
pub(in super::super) fn opening(request: &Request) -> Opening {
    let headers = request.headers();
    let asked = headers.get_all(UPGRADE).iter().filter_map(|value| value.to_str().ok());
    let names = asked.flat_map(|value| value.split(',')).map(str::trim);
    if !names.into_iter().any(|name| name.eq_ignore_ascii_case("websocket")) {
        return Opening::SomethingElse;
    }
    if request.method() != Method::GET {
        return Opening::Wrong(StatusCode::METHOD_NOT_ALLOWED);
    }
    let version = headers.get(SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes);
    if version != Some(b"13") {
        return Opening::Wrong(StatusCode::UPGRADE_REQUIRED);
    }
    match headers.get(SEC_WEBSOCKET_KEY) {
        // 16 bytes in base64.
        Some(key) if key.len() == 24 => {
            Opening::Asked(AskedFor { key: key.as_bytes().to_vec(), connect: Connect::Untold })
        }
        _ => Opening::Wrong(StatusCode::BAD_REQUEST),
    }
}

/// The response that agrees, as it goes out, and its headers for the access log.
pub(super) fn answer(key: &[u8], accept: Accept) -> (Bytes, HeaderMap) {
    let Accept { subprotocol, mut headers } = accept;
    for ours in [CONNECTION, UPGRADE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL] {
        headers.remove(ours);
    }
    for framing in [http::header::CONTENT_LENGTH, http::header::TRANSFER_ENCODING] {
        headers.remove(framing);
    }
    headers.entry(SERVER).or_insert(HeaderValue::from_static("oxicorn"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key)) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(subprotocol) = subprotocol {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    let mut head = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
    for (name, value) in &headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    (head.into(), headers)
}
