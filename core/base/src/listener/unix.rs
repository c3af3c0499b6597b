//! Unix sockets with a path: how they are written (`unix:PATH?mode=0660&user=U&group=G`), how their
//! file is made, and whose it is. The file appears with bind(2) and nobody can connect before
//! listen(2), so what is done in between nobody sees; and it appears with the permissions that it
//! is to have, never with more.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, umask};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::config::Value;
use crate::config::value::{GroupAccount, Permissions, UserAccount};
use crate::identity::Owner;

/// The longest path, and the longest name of an abstract socket, in bytes: unix(7) has room for 108,
/// one of them for a zero byte.
pub(super) const LONGEST: usize = 107;

/// A unix socket with a path, as the user writes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnixSocket {
    /// Where.
    pub path: PathBuf,
    /// What the file permits; none: all but the umask.
    pub mode: Option<Permissions>,
    /// Whose the file is; none: the workers'.
    pub user: Option<UserAccount>,
    /// The file's group; none: the workers'.
    pub group: Option<GroupAccount>,
}

impl From<PathBuf> for UnixSocket {
    fn from(path: PathBuf) -> UnixSocket {
        UnixSocket { path, mode: None, user: None, group: None }
    }
}

impl From<&str> for UnixSocket {
    fn from(path: &str) -> UnixSocket {
        PathBuf::from(path).into()
    }
}

impl fmt::Display for UnixSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = [
            self.mode.map(|mode| format!("mode={mode}")),
            self.user.as_ref().map(|user| format!("user={}", user.print())),
            self.group.as_ref().map(|group| format!("group={}", group.print())),
        ];
        write!(f, "unix:{}", self.path.display())?;
        for (option, before) in options.into_iter().flatten().zip(["?", "&", "&"]) {
            write!(f, "{before}{option}")?;
        }
        Ok(())
    }
}

impl UnixSocket {
    /// Reads what stands behind `unix:`.
    pub(super) fn parse(text: &str) -> Result<UnixSocket, String> {
        let (path, options) = match text.split_once('?') {
            Some((path, options)) => (path, Some(options)),
            None => (text, None),
        };
        check_length(path)?;
        let mut socket = UnixSocket::from(path);
        for option in options.into_iter().flat_map(|options| options.split('&')) {
            socket.set(option)?;
        }
        Ok(socket)
    }

    fn set(&mut self, option: &str) -> Result<(), String> {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        let named = |reason| format!("{option}: {reason}");
        let twice = match key {
            "mode" => self.mode.replace(Permissions::parse(value)?).is_some(),
            "user" => self.user.replace(UserAccount::parse(value).map_err(named)?).is_some(),
            "group" => self.group.replace(GroupAccount::parse(value).map_err(named)?).is_some(),
            _ => return Err(format!("{key:?} behind '?': there are mode=, user= and group=")),
        };
        match twice {
            true => Err(format!("{key}= is there twice")),
            false => Ok(()),
        }
    }

    /// Whose the file will be, where `workers` are whose it is if the address does not say.
    ///
    /// # Errors
    /// The system does not know the user or the group.
    pub fn owner(&self, workers: Owner) -> Result<Owner, String> {
        let user = self.user.as_ref().map(|user| user.look_up()).transpose()?;
        let gid = self.group.as_ref().map(|group| group.look_up()).transpose()?;
        Ok(Owner { uid: user.map(|user| user.uid).or(workers.uid), gid: gid.or(workers.gid) })
    }

    /// Makes the socket and its file. What is in the way is replaced only when it is a socket that
    /// nobody listens at.
    pub(super) fn bind(&self, workers: Owner) -> io::Result<(Socket, SocketFile)> {
        let owner = self.owner(workers).map_err(|e| io::Error::new(io::ErrorKind::NotFound, e))?;
        let address = SockAddr::unix(&self.path)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
        clear_the_way(&self.path, &address)?;
        {
            let _mask = self.mode.map(Masked::permitting);
            socket.bind(&address)?;
        }
        let file = SocketFile::of(&self.path)?;
        let given = if owner == Owner::default() { Ok(()) } else { file.give(owner) };
        match given {
            Ok(()) => Ok((socket, file)),
            Err(error) => {
                file.remove();
                let message = format!("its file cannot be given to {}: {error}", shown(owner));
                Err(io::Error::new(error.kind(), message))
            }
        }
    }
}

fn shown(owner: Owner) -> String {
    let user = owner.uid.map(|uid| format!("user {uid}"));
    let group = owner.gid.map(|gid| format!("group {gid}"));
    let both: Vec<String> = user.into_iter().chain(group).collect();
    both.join(", ")
}

/// Whether the kernel has room for this path, or this name.
pub(super) fn check_length(path: &str) -> Result<(), String> {
    match path.len() {
        0 => Err("the path of the socket is missing".to_owned()),
        length if length > LONGEST => Err(format!(
            "the path of a unix socket has at most {LONGEST} bytes, this one has {length}"
        )),
        _ => Ok(()),
    }
}

fn clear_the_way(path: &Path, address: &SockAddr) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if !meta.file_type().is_socket() => {
            let message = "the file is there already and is not a socket";
            Err(io::Error::new(io::ErrorKind::AlreadyExists, message))
        }
        Ok(_) if Socket::new(Domain::UNIX, Type::STREAM, None)?.connect(address).is_ok() => {
            Err(io::ErrorKind::AddrInUse.into())
        }
        Ok(_) => std::fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

/// The process' umask, changed until this is dropped. The master has one thread: nobody else makes
/// a file meanwhile.
struct Masked(Mode);

impl Masked {
    fn permitting(permissions: Permissions) -> Masked {
        Masked(umask(Mode::from_bits_truncate(!permissions.0 & 0o777)))
    }
}

impl Drop for Masked {
    fn drop(&mut self) {
        umask(self.0);
    }
}

/// The file of a unix socket that this process has made, so that it removes no other's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<SocketFile> {
        let meta = std::fs::symlink_metadata(path)?;
        Ok(SocketFile { path: path.to_owned(), device: meta.dev(), inode: meta.ino() })
    }

    fn give(&self, owner: Owner) -> io::Result<()> {
        let flags = libc::O_PATH | libc::O_NOFOLLOW;
        let file: File = OpenOptions::new().read(true).custom_flags(flags).open(&self.path)?;
        let meta = file.metadata()?;
        // Somebody may have put something else there since: that is not ours to give.
        if (meta.dev(), meta.ino()) != (self.device, self.inode) {
            return Err(io::Error::other("somebody has replaced it"));
        }
        owner.give(&file)
    }

    /// The file of a socket that was handed over to this process.
    pub fn known(path: PathBuf, device: u64, inode: u64) -> SocketFile {
        SocketFile { path, device, inode }
    }

    /// Device and inode.
    pub fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Removes the file, if it is still the one that was made.
    pub fn remove(&self) {
        let same = SocketFile::of(&self.path)
            .is_ok_and(|now| (now.device, now.inode) == (self.device, self.inode));
        if same {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_printed() {
        for text in [
            "/run/x",
            "/run/x?mode=0660",
            "/run/x?mode=0600&user=root&group=7",
            "relative?group=www-data",
        ] {
            let socket = UnixSocket::parse(text).unwrap();
            assert_eq!(socket.to_string(), format!("unix:{text}"));
        }
        let socket = UnixSocket::parse("x?user=3&mode=660").unwrap();
        assert_eq!(socket.to_string(), "unix:x?mode=0660&user=3");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, reason) in [
            ("", "the path of the socket is missing"),
            ("?mode=0660", "the path of the socket is missing"),
            ("/x?", "\"\" behind '?': there are mode=, user= and group="),
            ("/x?owner=me", "\"owner\" behind '?': there are mode=, user= and group="),
            ("/x?mode=rw", "mode=rw: not an octal mode such as 0660"),
            ("/x?mode=0888", "mode=0888: not an octal mode such as 0660"),
            ("/x?mode", "mode=: not an octal mode such as 0660"),
            ("/x?user=", "user=: it is empty"),
            ("/x?mode=600&mode=660", "mode= is there twice"),
        ] {
            assert_eq!(UnixSocket::parse(text), Err(reason.to_owned()), "{text}");
        }
        let longest = "x".repeat(LONGEST);
        assert!(UnixSocket::parse(&longest).is_ok());
        assert_eq!(
            UnixSocket::parse(&format!("{longest}x")).unwrap_err(),
            "the path of a unix socket has at most 107 bytes, this one has 108"
        );
    }

    // What the file permits is tried on the whole server: the umask is all threads' of a process.
    #[test]
    fn a_user_that_is_not_there_is_named() {
        let nobody = UnixSocket::parse("x?user=no-such-user").unwrap();
        let error = nobody.bind(Owner::default()).unwrap_err();
        assert_eq!(error.to_string(), "there is no user \"no-such-user\"");
    }
}
