//! Users and groups, by name or by number. Reading one asks nobody: whether there is such a user is
//! a question to the system, asked when the settings are checked and again when they are used, so
//! that `--print-config` works on a machine that does not know them.

use nix::unistd::{Gid, Group, Uid, User};

use super::Value;

/// A user or a group as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Account {
    Name(String),
    Number(u32),
}

impl Account {
    fn parse(text: &str) -> Result<Account, String> {
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Account::Name(text.to_owned()));
        }
        // chown(2) and setresuid(2) take the largest number for "leave it as it is".
        let number = text.parse().ok().filter(|&number| number != u32::MAX);
        number.map(Account::Number).ok_or_else(|| "the number is too large".to_owned())
    }

    fn print(&self) -> String {
        match self {
            Account::Name(name) => name.clone(),
            Account::Number(number) => number.to_string(),
        }
    }
}

/// A user, by name or by number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserAccount(Account);

/// What the system knows about a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The number.
    pub uid: Uid,
    /// The name and the group of it; none for a number that nobody has given a name.
    pub entry: Option<(String, Gid)>,
}

impl UserAccount {
    /// Asks the system: getpwnam(3) and getpwuid(3).
    ///
    /// # Errors
    /// There is no user of that name, or the system cannot say. A number is always a user.
    pub fn look_up(&self) -> Result<Person, String> {
        let found = match &self.0 {
            Account::Name(name) => User::from_name(name),
            Account::Number(number) => User::from_uid(Uid::from_raw(*number)),
        };
        match (found, &self.0) {
            (Ok(Some(user)), _) => Ok(Person { uid: user.uid, entry: Some((user.name, user.gid)) }),
            // Without a password database, as in an image with one binary, a number is enough.
            (_, Account::Number(number)) => Ok(Person { uid: Uid::from_raw(*number), entry: None }),
            (Ok(None), Account::Name(name)) => Err(format!("there is no user {name:?}")),
            (Err(error), Account::Name(name)) => Err(format!("the user {name:?}: {error}")),
        }
    }
}

/// A group, by name or by number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupAccount(Account);

impl GroupAccount {
    /// Asks the system: getgrnam(3).
    ///
    /// # Errors
    /// There is no group of that name, or the system cannot say.
    pub fn look_up(&self) -> Result<Gid, String> {
        match &self.0 {
            Account::Number(number) => Ok(Gid::from_raw(*number)),
            Account::Name(name) => match Group::from_name(name) {
                Ok(Some(group)) => Ok(group.gid),
                Ok(None) => Err(format!("there is no group {name:?}")),
                Err(error) => Err(format!("the group {name:?}: {error}")),
            },
        }
    }
}

impl Value for UserAccount {
    const HOLDER: &'static str = "USER";
    const SYNTAX: &'static str = "a user's name or number";

    fn parse(text: &str) -> Result<UserAccount, String> {
        Account::parse(text).map(UserAccount)
    }

    fn print(&self) -> String {
        self.0.print()
    }
}

impl Value for GroupAccount {
    const HOLDER: &'static str = "GROUP";
    const SYNTAX: &'static str = "a group's name or number";

    fn parse(text: &str) -> Result<GroupAccount, String> {
        Account::parse(text).map(GroupAccount)
    }

    fn print(&self) -> String {
        self.0.print()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_read_and_printed() {
        for text in ["www-data", "33", "0", "4294967294"] {
            assert_eq!(UserAccount::parse(text).unwrap().print(), text);
            assert_eq!(GroupAccount::parse(text).unwrap().print(), text);
        }
        for (text, reason) in [("", "it is empty"), ("4294967295", "the number is too large")] {
            assert_eq!(UserAccount::parse(text), Err(reason.to_owned()));
        }
    }

    #[test]
    fn the_system_knows_root_any_number_and_nobody_else() {
        let root = UserAccount::parse("root").unwrap().look_up().unwrap();
        assert_eq!(root.uid, Uid::from_raw(0));
        assert_eq!(root.entry, Some(("root".to_owned(), Gid::from_raw(0))));
        let number = UserAccount::parse("3999999").unwrap().look_up().unwrap();
        assert_eq!((number.uid.as_raw(), number.entry), (3_999_999, None));
        let none = UserAccount::parse("no-such-user").unwrap().look_up();
        assert_eq!(none, Err("there is no user \"no-such-user\"".to_owned()));
        let none = GroupAccount::parse("no-such-group").unwrap().look_up();
        assert_eq!(none, Err("there is no group \"no-such-group\"".to_owned()));
        assert_eq!(GroupAccount::parse("7").unwrap().look_up(), Ok(Gid::from_raw(7)));
    }
}
