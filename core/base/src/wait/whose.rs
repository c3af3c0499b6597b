//! Whose code it is that runs. In a class in which an application's own blocking calls give way to other
//! requests, the server's must not: it holds what others need meanwhile. So the server says where the
//! application's code begins, and where that calls back into the server.

use super::current;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Ours.
    Server,
    /// The handler, its body's source, destructors of what it has made.
    Application,
}

struct Back(Whose);

impl Drop for Back {
    fn drop(&mut self) {
        current().enter(self.0);
    }
}

/// Runs the application's `code`.
pub fn as_application<T>(code: impl FnOnce() -> T) -> T {
    let _back = Back(current().enter(Whose::Application));
    code()
}

/// Runs the server's `code`, which the application has called.
pub fn as_server<T>(code: impl FnOnce() -> T) -> T {
    let _back = Back(current().enter(Whose::Server));
    code()
}
