//! Files of any size, up and down. Neither way is a whole file ever in memory.
//!
//! ```text
//! $ UPLOADS=/tmp/uploads cargo run -p example-upload-download -- -k coroutine
//! $ curl -T film.mkv http://127.0.0.1:8000/film.mkv          # 201
//! $ curl -O http://127.0.0.1:8000/film.mkv                   # sent by the kernel: sendfile(2)
//! $ curl http://127.0.0.1:8000/film.mkv?hex                  # made piece by piece, as it is read
//! ```
//!
//! A body that is larger than `body_buffer_size` is handed over before all of it is there; the handler
//! reads it as the client sends. What becomes of a client that goes away half-way is the point of
//! `store`: reading fails, so nothing that is incomplete gets the file's name.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use oxicorn::{Body, IntoResponse, Request, Response, StatusCode};

fn main() -> ExitCode {
    let folder = std::env::var_os("UPLOADS").map_or_else(std::env::temp_dir, PathBuf::from);
    oxicorn::serve(move |request: Request| route(request, &folder))
}

fn route(request: Request, folder: &Path) -> Result<Response, io::Error> {
    let path = match name(request.uri().path()) {
        Some(name) => folder.join(name),
        None => return Ok((StatusCode::NOT_FOUND, "/NAME, please\n").into_response()),
    };
    match request.method().as_str() {
        "PUT" => store(request.into_body(), &path),
        "GET" => fetch(&path, request.uri().query()),
        _ => Ok((StatusCode::METHOD_NOT_ALLOWED, [("allow", "GET, PUT")], "").into_response()),
    }
}

/// Letters, digits, `-`, `_` and dots that do not come first: nothing that leads elsewhere.
fn name(path: &str) -> Option<&str> {
    let name = path.strip_prefix('/')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (!name.is_empty() && !name.starts_with('.') && name.chars().all(plain)).then_some(name)
}

/// Writes beside the file, and gives it its name when all of it is there.
fn store(mut body: Body, path: &Path) -> Result<Response, io::Error> {
    static UPLOADS: AtomicU64 = AtomicU64::new(0);
    let number = UPLOADS.fetch_add(1, Ordering::Relaxed);
    let part = path.with_file_name(format!(".{}-{number}.part", std::process::id()));
    let stored = File::create(&part)
        .and_then(|mut file| io::copy(&mut body, &mut file))
        .and_then(|count| std::fs::rename(&part, path).map(|()| count));
    match stored {
        Ok(count) => Ok((StatusCode::CREATED, format!("{count} bytes\n")).into_response()),
        Err(error) => {
            // It may not be there; whoever reads the log wants to know the first error, not this one.
            let _ = std::fs::remove_file(&part);
            Err(error)
        }
    }
}

fn fetch(path: &Path, query: Option<&str>) -> Result<Response, io::Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((StatusCode::NOT_FOUND, "there is no such file\n").into_response());
        }
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    Ok(match query {
        Some("hex") => Body::from_chunks(hex(file)).with_length(length * 2).into_response(),
        _ => Body::file(file, 0..length).into_response(),
    })
}

/// Two digits for each byte, a piece at a time. An error half-way closes the connection: the client
/// can tell that something is missing.
fn hex(mut file: File) -> impl Iterator<Item = io::Result<Bytes>> {
    let mut buffer = vec![0; 32 * 1024];
    std::iter::from_fn(move || match file.read(&mut buffer) {
        Ok(0) => None,
        Ok(count) => Some(Ok(buffer[..count].iter().flat_map(digits).collect())),
        Err(error) => Some(Err(error)),
    })
}

fn digits(byte: &u8) -> [u8; 2] {
    let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble & 15)];
    [digit(byte >> 4), digit(*byte)]
}
