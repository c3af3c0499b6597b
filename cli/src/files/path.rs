//! From the path of a request to an open file under the root, or to the reason why there is none.
//! This is the part that attackers try first, so it is strict: a path is taken apart before it is
//! decoded, each name is decoded once, and whatever could mean something to a file system other than
//! a name is refused.

use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;

/// What a folder is served as.
const INDEX: &str = "index.html";
/// The one name with a dot in front that is meant for the public (RFC 8615).
const WELL_KNOWN: &[u8] = b".well-known";

/// What a path stands for.
#[derive(Debug)]
pub(super) enum Found {
    File(Opened),
    /// A folder, asked for without the slash at the end; its name as it was in the request.
    Folder(String),
}

/// A regular file, open for reading.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) metadata: Metadata,
    pub(super) path: PathBuf,
}

/// Why there is no file.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The path is not percent-encoded properly, or has a NUL in it.
    Malformed,
    /// There is no such file, or none for the public.
    Absent,
    /// The system does not let us read it.
    Forbidden,
    /// Something is wrong here, not with the request.
    Broken(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG | Errno::ELOOP) => {
                Refusal::Absent
            }
            Some(Errno::EACCES | Errno::EPERM) => Refusal::Forbidden,
            _ => Refusal::Broken(error),
        }
    }
}

/// Finds and opens what `path`, percent-encoded, stands for under `root`.
pub(super) fn find(root: &Path, path: &str) -> Result<Found, Refusal> {
    let root = root.canonicalize()?;
    let mut wanted = root.clone();
    wanted.extend(names(path)?);
    let mut resolved = within(&root, &wanted)?;
    if resolved.metadata()?.is_dir() {
        if !path.ends_with('/') && !path.is_empty() {
            let name = path.rsplit('/').next().unwrap_or_default();
            return Ok(Found::Folder(name.to_owned()));
        }
        resolved = within(&root, &wanted.join(INDEX))?;
    } else if path.ends_with('/') {
        return Err(Refusal::Absent);
    }
    open(resolved).map(Found::File)
}

/// The names between the slashes. Empty ones mean nothing: `//` is `/`.
fn names(path: &str) -> Result<Vec<OsString>, Refusal> {
    path.split('/').filter(|name| !name.is_empty()).map(name).collect()
}

fn name(encoded: &str) -> Result<OsString, Refusal> {
    let name = decode(encoded).ok_or(Refusal::Malformed)?;
    if name.contains(&0) {
        return Err(Refusal::Malformed);
    }
    // `.` and `..` are among those that begin with a dot.
    let hidden = name.starts_with(b".") && name != WELL_KNOWN;
    if hidden || name.contains(&b'/') {
        return Err(Refusal::Absent);
    }
    Ok(OsString::from_vec(name))
}

/// Percent-decoding (RFC 3986 section 2.1), once.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut pieces = text.split('%');
    let mut decoded = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.as_bytes().split_at_checked(2)?;
        let high = char::from(digits[0]).to_digit(16)?;
        let low = char::from(digits[1]).to_digit(16)?;
        decoded.push(u8::try_from(high << 4 | low).ok()?);
        decoded.extend_from_slice(rest);
    }
    Some(decoded)
}

/// The path without links, if it is still under the root.
fn within(root: &Path, path: &Path) -> Result<PathBuf, Refusal> {
    let resolved = path.canonicalize()?;
    if resolved.starts_with(root) { Ok(resolved) } else { Err(Refusal::Absent) }
}

fn open(path: PathBuf) -> Result<Opened, Refusal> {
    if !path.metadata()?.is_file() {
        return Err(Refusal::Absent);
    }
    // Should it have been exchanged meanwhile: no link is followed, no pipe waited for.
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(&path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Refusal::Absent);
    }
    Ok(Opened { file, metadata, path })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// A folder with a public folder in it, and secrets around and behind links.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let public = folder.path().join("public");
        fs::create_dir_all(public.join("a b/.hidden")).unwrap();
        fs::create_dir_all(public.join(".well-known")).unwrap();
        fs::write(folder.path().join("secret"), "no").unwrap();
        fs::create_dir(folder.path().join("public-not")).unwrap();
        fs::write(folder.path().join("public-not/secret"), "no").unwrap();
        for file in ["a b/é", "a b/index.html", ".env", "a b/.hidden/x", ".well-known/x", "a%2fb"]
        {
            fs::write(public.join(file), "yes").unwrap();
        }
        symlink("a b", public.join("inside")).unwrap();
        symlink("../secret", public.join("outside")).unwrap();
        symlink(folder.path().join("public-not"), public.join("sibling")).unwrap();
        symlink("circle", public.join("circle")).unwrap();
        nix::unistd::mkfifo(&public.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        folder
    }

    #[test]
    fn files_are_found_by_their_encoded_names() {
        let folder = folder();
        let root = folder.path().join("public");
        for (path, file) in [
            ("/a%20b/%C3%a9", "a b/é"),
            ("/a%20b//%c3%A9", "a b/é"),
            ("/a%20b/", "a b/index.html"),
            ("/inside/", "a b/index.html"),
            ("/.well-known/x", ".well-known/x"),
            ("/a%252fb", "a%2fb"),
        ] {
            match find(&root, path).unwrap() {
                Found::File(opened) => assert!(opened.path.ends_with(file), "{path}: {opened:?}"),
                found => panic!("{path}: {found:?}"),
            }
        }
        assert!(matches!(find(&root, "/a%20b"), Ok(Found::Folder(name)) if name == "a%20b"));
    }

    #[test]
    fn nothing_else_is_there() {
        let folder = folder();
        let root = folder.path().join("public");
        for path in [
            "/../secret",
            "/%2e%2e/secret",
            "/a%20b/../../secret",
            "/..%2fsecret",
            "/%2e%2e%2fsecret",
            "/outside",
            "/sibling/secret",
            "/sibling",
            "/../public-not/secret",
            "/circle",
            "/.env",
            "/%2eenv",
            "/a%20b/.hidden/x",
            "/.",
            "/./a%20b/",
            "/fifo",
            "/nothing",
            "/a%20b/%C3%a9/",
            "/a%20b/%C3%a9/x",
            "/.well-known/",
            "/a%2fb",
            "/%2fetc%2fpasswd",
            "/%252e%252e/secret",
            "/",
            "",
        ] {
            let found = find(&root, path);
            assert!(matches!(found, Err(Refusal::Absent)), "{path}: {found:?}");
        }
        let long = format!("/{}", "x".repeat(5000));
        assert!(matches!(find(&root, &long), Err(Refusal::Absent)));
    }

    #[test]
    fn what_is_no_path_is_malformed() {
        let folder = folder();
        for path in ["/%", "/%4", "/%zz", "/%+1", "/a%00b", "/%00"] {
            let found = find(folder.path(), path);
            assert!(matches!(found, Err(Refusal::Malformed)), "{path}: {found:?}");
        }
    }

    #[test]
    fn a_root_that_is_a_link_is_followed() {
        let folder = folder();
        let link = folder.path().join("current");
        symlink("public", &link).unwrap();
        assert!(matches!(find(&link, "/a%20b/"), Ok(Found::File(_))));
        assert!(matches!(find(&folder.path().join("gone"), "/"), Err(Refusal::Absent)));
    }
}
