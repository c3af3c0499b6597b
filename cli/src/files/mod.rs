//! A folder as an application. Serving files looks simple and is a catalogue of rules: which of the
//! bytes of a path may name a file, what a client may skip because it has it already, which part of
//! a file it wants. They are written down once here, each beside its section of RFC 9110, and the
//! bytes go out by [`Body::file`], so that the size of a file and the speed of a client do not matter.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     oxicorn::serve(oxicorn::files::Files::new("public"))
//! }
//! ```
//!
//! [`Body::file`]: crate::Body::file

mod answer;
mod condition;
mod path;
mod range;
mod tag;
#[cfg(test)]
mod tests;
mod validators;

use std::path::{Path, PathBuf};

use oxicorn_core::{App, Request, Response};

/// The files under a folder.
///
/// - GET and HEAD; anything else is 405 with `Allow` (RFC 9110 section 15.5.6).
/// - A folder is its `index.html`. Without the slash at its end it redirects to the path with it, so
///   that relative links work.
/// - What is not a regular file under the root is 404: `..`, an encoded slash, a symbolic link that
///   leads out of the root, a device. So is a path with a name that begins with a dot (`.git`,
///   `.env`), except `.well-known` (RFC 8615). What may not be read is 403.
/// - `ETag` and `Last-Modified`; `If-Match`, `If-Unmodified-Since`, `If-None-Match`,
///   `If-Modified-Since` and `If-Range`, in the order of RFC 9110 section 13.2.2.
/// - `Range`: one range is answered with 206, several with the whole file (RFC 9110 section 14.2).
///
/// The links of a path are resolved and compared with the root before the file is opened: who may
/// write to the folders under the root can win that race, and is trusted not to.
///
/// Opening a file blocks, as every look at a disk does: see [`Body::file`](crate::Body::file) for
/// what that means to the worker classes. The class `tokio` opens files on its blocking pool.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
}

impl Files {
    /// The files under `root`. It is looked up anew for each request, so it may be a symbolic link
    /// that a deployment redirects, and need not be there yet.
    pub fn new(root: impl Into<PathBuf>) -> Files {
        Files { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Answers a request with the file at `path` instead of the request's own path: for an
    /// application that serves files below a prefix only. `path` is percent-encoded, as it was in
    /// the request.
    pub fn serve(&self, path: &str, request: &Request) -> Response {
        answer::answer(&self.root, path, request)
    }
}

impl App for Files {
    fn call(&self, request: Request) -> Response {
        self.serve(request.uri().path(), &request)
    }
}
