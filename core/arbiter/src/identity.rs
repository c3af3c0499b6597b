//! A worker becomes the user that it is to be: in the child, after the fork and before anything of
//! the application, while the process has one thread. The order matters, since each step gives away
//! the right to take the one before: the other groups, the group, the user (setuid(2), credentials(7)).
//! That it has worked is looked up, not assumed.

use std::fmt;

use nix::errno::Errno;
use nix::unistd::{Gid, Uid, getresgid, getresuid, initgroups, setgroups, setresgid, setresuid};
use oxicorn_core::config::{Config, ConfigError};
use oxicorn_core::identity::{Groups, Identity};

/// Why this process could not become somebody else.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    /// The system does not know them any more.
    #[error(transparent)]
    Unknown(ConfigError),
    /// A step is not allowed: without the capabilities CAP_SETUID and CAP_SETGID, nobody may.
    #[error("cannot run as {who}: {step}: {errno}")]
    Refused { who: Who, step: &'static str, errno: Errno },
    /// All steps were allowed, and yet.
    #[error("cannot run as {0}: the system has kept something of the former user")]
    Kept(Who),
}

/// A user and a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Who(Uid, Gid);

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user {} and group {}", self.0, self.1)
    }
}

impl Who {
    /// Whether this process is that and nothing else: real, effective and saved.
    fn is_us(self) -> bool {
        let Who(uid, gid) = self;
        getresuid().is_ok_and(|now| [now.real, now.effective, now.saved] == [uid; 3])
            && getresgid().is_ok_and(|now| [now.real, now.effective, now.saved] == [gid; 3])
    }
}

/// Becomes the user and the group of the settings. When we are that already nothing happens.
///
/// # Errors
/// The user is not known any more, or we may not become it.
pub(crate) fn assume(config: &Config) -> Result<(), IdentityError> {
    let Some(Identity { owner, groups }) = Identity::of(config).map_err(IdentityError::Unknown)?
    else {
        return Ok(());
    };
    let who =
        Who(owner.uid.unwrap_or_else(Uid::effective), owner.gid.unwrap_or_else(Gid::effective));
    if who.is_us() {
        return Ok(());
    }
    let Who(uid, gid) = who;
    let refused = |step| move |errno| IdentityError::Refused { who, step, errno };
    match groups {
        Groups::None => setgroups(&[]).map_err(refused("setgroups"))?,
        Groups::Of(name) => initgroups(&name, gid).map_err(refused("initgroups"))?,
    }
    setresgid(gid, gid, gid).map_err(refused("setgid"))?;
    setresuid(uid, uid, uid).map_err(refused("setuid"))?;
    let root = Uid::from_raw(0);
    let returns = !uid.is_root() && setresuid(root, root, root).is_ok();
    if returns || !who.is_us() {
        return Err(IdentityError::Kept(who));
    }
    Ok(())
}
