//! Every way a request can be refused, one variant a rule.
//!
//! A refusal is seen by three readers: the client (a status), the operator (a line in the log) and
//! the tests (which rule it was). All three come from the one table in [`ErrorKind::verdict`].

use std::fmt;

use http::StatusCode;

/// Why the connection is not read any further. It answers with [`Error::status`] and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
}

impl Error {
    /// The rule that was broken.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The status of the one response that may still be sent.
    pub fn status(&self) -> StatusCode {
        self.kind.verdict().0
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Error {
        Error { kind }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.verdict().1)
    }
}

impl std::error::Error for Error {}

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A line is ended by LF without CR (RFC 9112 section 2.2).
    BareLf,
    /// A CR is not followed by LF (RFC 9112 section 2.2).
    BareCr,
    /// The request line is longer than the limit, or the target than 65534 bytes (RFC 9112
    /// section 3).
    LineTooLong,
    /// Not `method SP target SP version` (RFC 9112 section 3).
    RequestLine,
    /// The method is not one that we take (RFC 9110 section 9.1).
    Method,
    /// The version is not of the form `HTTP/d.d` (RFC 9112 section 2.3).
    Version,
    /// The version's major number is not 1 (RFC 9110 section 15.6.6).
    MajorVersion,
    /// The target has a byte that no URI has, or an authority that is none (RFC 9112 section 3.2).
    Target,
    /// The target has a form that does not belong to this method (RFC 9112 section 3.2).
    TargetForm,
    /// A field line is longer than the limit (RFC 6585 section 5).
    FieldTooLong,
    /// There are more fields than the limit (RFC 6585 section 5).
    TooManyFields,
    /// A field name is not a token followed directly by a colon (RFC 9112 section 5.1).
    FieldName,
    /// A field value has a control byte (RFC 9110 section 5.5).
    FieldValue,
    /// A field is continued on a second line (RFC 9112 section 5.2).
    FoldedField,
    /// HTTP/1.1 without `Host` (RFC 9112 section 3.2).
    MissingHost,
    /// More than one `Host` (RFC 9112 section 3.2).
    DuplicateHost,
    /// `Host` is not a host with or without a port (RFC 9110 section 7.2).
    HostValue,
    /// More than one `Content-Type` (RFC 9110 section 8.3).
    DuplicateContentType,
    /// `Content-Length` is not a plain number below 2^64 (RFC 9110 section 8.6).
    ContentLength,
    /// More than one `Content-Length`, equal or not (RFC 9112 section 6.3).
    DuplicateContentLength,
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 section 6.1).
    LengthAndTransferEncoding,
    /// `Transfer-Encoding` in HTTP/1.0 (RFC 9112 section 6.1).
    TransferEncodingInHttp10,
    /// The last transfer coding is not `chunked` (RFC 9112 section 6.3).
    ChunkedNotLast,
    /// `chunked` is applied more than once (RFC 9112 section 6.1).
    ChunkedTwice,
    /// A transfer coding that nobody has registered (RFC 9112 section 6.1).
    UnknownTransferCoding,
    /// A known transfer coding under `chunked`: we do not decode it (RFC 9112 section 6.1).
    UnsupportedTransferCoding,
    /// `Expect` asks for something else than `100-continue` (RFC 9110 section 10.1.1).
    Expectation,
    /// A chunk size is not plain hexadecimal below 2^64 (RFC 9112 section 7.1).
    ChunkSize,
    /// A chunk extension does not follow the grammar (RFC 9112 section 7.1.1).
    ChunkExtension,
    /// A chunk-size line, or all extensions of a body together, are too long (RFC 9112
    /// section 7.1.1).
    ChunkLineTooLong,
    /// A chunk's data is not followed by CRLF (RFC 9112 section 7.1).
    ChunkEnd,
    /// A trailer field that may only stand in a head (RFC 9110 section 6.5.1).
    ForbiddenTrailer,
    /// EOF within a head (RFC 9112 section 8).
    TruncatedHead,
    /// EOF within a body (RFC 9112 section 8).
    TruncatedBody,
    /// The caller gave up waiting (RFC 9110 section 15.5.9).
    Abandoned,
}

impl ErrorKind {
    /// The status for the client and the reason for the log.
    fn verdict(self) -> (StatusCode, &'static str) {
        use ErrorKind::*;
        const BAD: StatusCode = StatusCode::BAD_REQUEST;
        const TOO_LARGE: StatusCode = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        match self {
            BareLf => (BAD, "line ended by a bare LF"),
            BareCr => (BAD, "CR without LF"),
            LineTooLong => (StatusCode::URI_TOO_LONG, "request line too long"),
            RequestLine => (BAD, "malformed request line"),
            Method => (BAD, "invalid method"),
            Version => (BAD, "invalid HTTP version"),
            MajorVersion => (StatusCode::HTTP_VERSION_NOT_SUPPORTED, "HTTP version is not 1.x"),
            Target => (BAD, "invalid request target"),
            TargetForm => (BAD, "request target does not fit the method"),
            FieldTooLong => (TOO_LARGE, "header field too long"),
            TooManyFields => (TOO_LARGE, "too many header fields"),
            FieldName => (BAD, "invalid header field name"),
            FieldValue => (BAD, "invalid header field value"),
            FoldedField => (BAD, "folded header field"),
            MissingHost => (BAD, "no Host"),
            DuplicateHost => (BAD, "more than one Host"),
            HostValue => (BAD, "invalid Host"),
            DuplicateContentType => (BAD, "more than one Content-Type"),
            ContentLength => (BAD, "invalid Content-Length"),
            DuplicateContentLength => (BAD, "more than one Content-Length"),
            LengthAndTransferEncoding => (BAD, "both Content-Length and Transfer-Encoding"),
            TransferEncodingInHttp10 => (BAD, "Transfer-Encoding in HTTP/1.0"),
            ChunkedNotLast => (BAD, "last transfer coding is not chunked"),
            ChunkedTwice => (BAD, "chunked applied more than once"),
            UnknownTransferCoding => (StatusCode::NOT_IMPLEMENTED, "unknown transfer coding"),
            UnsupportedTransferCoding => {
                (StatusCode::NOT_IMPLEMENTED, "transfer coding other than chunked")
            }
            Expectation => (StatusCode::EXPECTATION_FAILED, "unknown expectation"),
            ChunkSize => (BAD, "invalid chunk size"),
            ChunkExtension => (BAD, "invalid chunk extension"),
            ChunkLineTooLong => (BAD, "chunk-size line too long"),
            ChunkEnd => (BAD, "chunk data not followed by CRLF"),
            ForbiddenTrailer => (BAD, "forbidden trailer field"),
            TruncatedHead => (BAD, "connection closed within a request head"),
            TruncatedBody => (BAD, "connection closed within a request body"),
            Abandoned => (StatusCode::REQUEST_TIMEOUT, "request given up"),
        }
    }
}
