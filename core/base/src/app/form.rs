//! What an author may hand over in place of an [`Application`]: a handler alone, which then goes by its
//! program's name.

use super::{App, Application};

/// What can be served: a blocking handler, which is called as its program is, or an [`Application`].
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use oxicorn::Request;
/// use oxicorn::app::IntoApplication;
///
/// let application = (|_request: Request| "hi\n").into_application().named("shop");
/// assert_eq!(application.name(), "shop");
/// ```
pub trait IntoApplication {
    /// The application.
    fn into_application(self) -> Application;
}

impl IntoApplication for Application {
    fn into_application(self) -> Application {
        self
    }
}

impl<A: App> IntoApplication for A {
    fn into_application(self) -> Application {
        Application::blocking(&program(), self)
    }
}

/// What this program is called: the name of its file.
pub fn program() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_ref().and_then(|path| path.file_stem()).map(|name| name.to_string_lossy());
    name.as_deref().unwrap_or("app").to_owned()
}
