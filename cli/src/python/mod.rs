//! Python applications, as far as the program that has no Python in it is concerned: finding an
//! interpreter, the extension that it is to load, and the classes that there are. All that happens
//! then happens in another process: see [`oxicorn_arbiter::zygote`].

mod candidates;
mod classes;
mod extension;
mod interpreter;

use std::ffi::OsString;
use std::sync::{Arc, OnceLock};

use oxicorn_arbiter::zygote::{Host, Loads};
use oxicorn_core::Application;
use oxicorn_core::config::{Config, ConfigError};

use crate::registry::Registry;
use crate::server::Found;
use extension::Extension;
use interpreter::Interpreter;

/// What Python is told to do: it loads the extension, which does everything else.
const BOOT: &str = include_str!("boot.py");

/// The Python application of that name.
///
/// # Errors
/// There is no Python that can be used, or no extension.
pub(crate) fn hosted(name: &str, config: &Config) -> Result<Found, ConfigError> {
    let named = |error: ConfigError| {
        ConfigError::message(format!("application {name:?} (command line): {error}"))
    };
    let loads = if config.preload_app { Loads::BeforeFork } else { Loads::InWorker };
    let host = Host { application: name.to_owned(), loads, ..host().map_err(named)? };
    // The master has only its name; what answers requests is in the workers.
    let app = Application::blocking(name, |_: oxicorn_core::Request| "");
    let classes = Registry::of(classes::ALL);
    Ok(Found { app, classes, host: Some(Arc::new(host)) })
}

/// Python itself, as long as nobody knows the application: it may be named in the configuration file.
///
/// # Errors
/// There is no Python that can be used, or no extension.
pub(crate) fn host() -> Result<Host, ConfigError> {
    let kit = kit()?;
    Ok(Host {
        program: kit.interpreter.path.clone(),
        arguments: vec![
            OsString::from(&kit.interpreter.path),
            OsString::from("-c"),
            OsString::from(BOOT),
            OsString::from(&kit.extension.path),
            // So that whoever lists the processes can tell it from a worker.
            OsString::from("zygote"),
        ],
        carried: kit.extension.carried.clone(),
        application: String::new(),
        loads: Loads::BeforeFork,
        configuration: None,
    })
}

/// What hosting takes, whatever the application.
struct Kit {
    interpreter: Interpreter,
    extension: Extension,
}

/// Looked for once: a reload takes what the start has found, and so it waits for nobody.
fn kit() -> Result<&'static Kit, ConfigError> {
    static KIT: OnceLock<Kit> = OnceLock::new();
    if let Some(kit) = KIT.get() {
        return Ok(kit);
    }
    let interpreter = interpreter::find().map_err(ConfigError::message)?;
    let extension = Extension::find().map_err(ConfigError::message)?;
    Ok(KIT.get_or_init(|| Kit { interpreter, extension }))
}
