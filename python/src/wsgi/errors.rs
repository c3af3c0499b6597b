//! `wsgi.errors`: what an application writes there is for whoever runs the server, so it goes to the
//! error log, line by line, with the worker's number like everything else in it. `print` writes a line in
//! two parts, so what has no end yet waits for it, in its own thread.

use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::PyString;

/// More than this without a line's end is a line.
const LONGEST: usize = 64 * 1024;

thread_local! {
    static UNENDED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// See the module. It has nothing of its own: all requests share one.
#[pyclass(frozen, name = "errors", module = "oxicorn")]
pub(super) struct Errors;

#[pymethods]
impl Errors {
    fn write(&self, text: &Bound<'_, PyString>) -> PyResult<usize> {
        let length = text.len()?;
        say(&text.to_string_lossy());
        Ok(length)
    }

    fn writelines(&self, lines: &Bound<'_, PyAny>) -> PyResult<()> {
        for line in lines.try_iter()? {
            say(&line?.cast_into::<PyString>()?.to_string_lossy());
        }
        Ok(())
    }

    fn flush(&self) {
        let rest = UNENDED.take();
        log(&rest);
    }
}

fn say(text: &str) {
    // Taken out: to log is code that nobody here knows.
    let mut all = UNENDED.take();
    all.push_str(text);
    let ended = match all.len() > LONGEST {
        true => all.len(),
        false => all.rfind('\n').map_or(0, |end| end + 1),
    };
    let unended = all.split_off(ended);
    log(&all);
    UNENDED.set(unended);
}

fn log(text: &str) {
    for line in text.lines() {
        tracing::error!(target: "wsgi.errors", "{line}");
    }
}
