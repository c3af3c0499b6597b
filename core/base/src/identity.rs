//! Who the workers are, by the settings `user`, `group` and `initgroups`, and what is given to them.
//! The master looks it up and hands over what it makes for them, logs and sockets; becoming that
//! user is the worker's own act, after the fork (`oxicorn-arbiter`).
//!
//! The master may be root, and the folder of a log may be the workers' own: a path is not to be
//! trusted between two looks at it. So a file is opened, looked at and given away by its descriptor,
//! and only if it is a plain file that has one name and is the master's.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::AtFlags;
use nix::unistd::{Gid, Uid, fchownat};

use crate::config::{Config, ConfigError};

/// The supplementary groups of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groups {
    /// None: those of the master are the master's.
    None,
    /// All that the group database has for the user of this name.
    Of(CString),
}

/// Whom something belongs to; what is not said stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: Option<Uid>,
    /// The group.
    pub gid: Option<Gid>,
}

/// Who a worker is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User and group, at least one of them.
    pub owner: Owner,
    /// The other groups.
    pub groups: Groups,
}

impl Identity {
    /// What the settings say, looked up. None: workers are what the master is.
    ///
    /// # Errors
    /// The system does not know the user or the group; `initgroups` without a user that has a name.
    pub fn of(config: &Config) -> Result<Option<Identity>, ConfigError> {
        let person = config.user.as_ref().map(|user| user.look_up()).transpose();
        let person = person.map_err(|reason| config.refuse("user", reason))?;
        let group = config.group.as_ref().map(|group| group.look_up()).transpose();
        let group = group.map_err(|reason| config.refuse("group", reason))?;
        let entry = person.as_ref().and_then(|person| person.entry.as_ref());
        let groups = match (config.initgroups, entry) {
            (false, _) => Groups::None,
            (true, Some((name, _))) => {
                let name = CString::new(name.as_str());
                Groups::Of(name.map_err(|error| config.refuse("user", error))?)
            }
            (true, None) => {
                let reason = "it needs a user that the system has a name for";
                return Err(config.refuse("initgroups", reason));
            }
        };
        let uid = person.as_ref().map(|person| person.uid);
        let gid = group.or(entry.map(|(_, gid)| *gid));
        let owner = Owner { uid, gid };
        Ok((owner != Owner::default()).then_some(Identity { owner, groups }))
    }
}

impl Owner {
    /// What the workers of this configuration make, and what is made for them.
    ///
    /// # Errors
    /// Those of [`Identity::of`].
    pub fn of(config: &Config) -> Result<Owner, ConfigError> {
        Ok(Identity::of(config)?.map(|identity| identity.owner).unwrap_or_default())
    }

    /// Gives a log file to this owner. What is no plain file, has several names, is a symbolic link,
    /// or is not ours to give, is left alone: if a worker cannot open it, the worker says so.
    ///
    /// # Errors
    /// Those of fchownat(2).
    pub fn give_log(&self, path: &Path) -> io::Result<()> {
        if *self == Owner::default() {
            return Ok(());
        }
        let flags = libc::O_PATH | libc::O_NOFOLLOW;
        let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(path) else {
            return Ok(());
        };
        let meta = file.metadata()?;
        let ours = meta.uid() == Uid::effective().as_raw();
        match meta.file_type().is_file() && meta.nlink() == 1 && ours {
            true => self.give(&file),
            false => Ok(()),
        }
    }

    /// Gives what this descriptor stands for to this owner, if it is not already theirs.
    ///
    /// # Errors
    /// Those of fstat(2) and fchownat(2).
    pub(crate) fn give(&self, file: &File) -> io::Result<()> {
        let meta = file.metadata()?;
        let uid = self.uid.filter(|uid| uid.as_raw() != meta.uid());
        let gid = self.gid.filter(|gid| gid.as_raw() != meta.gid());
        if uid.is_none() && gid.is_none() {
            return Ok(());
        }
        // The descriptor may be one of O_PATH, which fchown(2) does not take.
        fchownat(file.as_fd(), "", uid, gid, AtFlags::AT_EMPTY_PATH)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::from_command_line as config;

    fn owner(pairs: &[(&str, &str)]) -> (Option<u32>, Option<u32>) {
        let owner = Owner::of(&config(pairs)).unwrap();
        (owner.uid.map(Uid::as_raw), owner.gid.map(Gid::as_raw))
    }

    #[test]
    fn a_user_brings_its_own_group() {
        assert_eq!(Identity::of(&Config::default()), Ok(None));
        assert_eq!(owner(&[("user", "root")]), (Some(0), Some(0)));
        assert_eq!(owner(&[("user", "root"), ("group", "7")]), (Some(0), Some(7)));
        assert_eq!(owner(&[("user", "3999999")]), (Some(3_999_999), None));
        assert_eq!(owner(&[("group", "7")]), (None, Some(7)));
    }

    #[test]
    fn whoever_is_not_there_is_named() {
        for (pairs, line) in [
            (
                &[("user", "no-such-user")][..],
                r#"user = "no-such-user" (command line): there is no user "no-such-user""#,
            ),
            (
                &[("group", "no-such-group")],
                r#"group = "no-such-group" (command line): there is no group "no-such-group""#,
            ),
            (
                &[("initgroups", "true"), ("user", "3999999")],
                r#"initgroups = "true" (command line): it needs a user that the system has a name for"#,
            ),
        ] {
            assert_eq!(Identity::of(&config(pairs)).unwrap_err().to_string(), line);
        }
        let root = Identity::of(&config(&[("initgroups", "true"), ("user", "0")])).unwrap();
        assert_eq!(root.unwrap().groups, Groups::Of(c"root".to_owned()));
    }

    #[test]
    fn only_a_plain_file_with_one_name_is_given_away() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("plain"), "").unwrap();
        std::fs::write(at("two"), "").unwrap();
        std::fs::hard_link(at("two"), at("names")).unwrap();
        std::os::unix::fs::symlink(at("plain"), at("link")).unwrap();
        let (uid, gid) = (Some(Uid::from_raw(3_999_999)), Some(Gid::from_raw(3_999_998)));
        let owner = Owner { uid, gid };
        for name in ["two", "link", "absent"] {
            owner.give_log(&at(name)).unwrap();
            let unchanged = std::fs::metadata(at(name));
            assert!(unchanged.is_err() || unchanged.is_ok_and(|meta| meta.uid() != 3_999_999));
        }
        let given = owner.give_log(&at("plain"));
        if !Uid::effective().is_root() {
            given.unwrap_err();
            return;
        }
        let meta = std::fs::metadata(at("plain")).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (3_999_999, 3_999_998));
    }
}
