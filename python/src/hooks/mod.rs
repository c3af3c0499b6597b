//! The functions of a configuration file that the server calls, and what it calls them with. The
//! objects are Python's ([`objects.py`]): they are attributes and nothing else. When a hook is called
//! is decided where the thing happens; what comes of its failure, too.

mod life;
mod log;
mod scene;

use std::collections::BTreeMap;

use oxicorn_core::config::gunicorn::Hook;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyModule, PyString, PyTuple};

pub(crate) use life::WorkerLife;
pub(crate) use log::write;
pub(crate) use scene::Scene;

use crate::config;

/// A hook that somebody has defined.
#[derive(Debug)]
pub(crate) struct Function {
    function: Py<PyAny>,
    /// How many of its arguments it takes.
    takes: usize,
}

/// Those that there are.
pub(crate) type Functions = BTreeMap<Hook, Function>;

impl Function {
    /// What was written for `hook`: a function, or the name of one.
    ///
    /// # Errors
    /// It cannot be called with what it is going to be called with.
    pub(crate) fn new(hook: Hook, value: &Bound<'_, PyAny>) -> PyResult<Function> {
        let value = match value.cast::<PyString>() {
            Ok(name) => config::by_name(name)?,
            Err(_) => value.clone(),
        };
        if !value.is_callable() {
            return Err(PyTypeError::new_err("a hook is a function, or the name of one"));
        }
        let inspect = PyModule::import(value.py(), "inspect")?;
        let signature = inspect.call_method1("signature", (&value,));
        let takes = |count: &usize| -> bool {
            // A function in C does not say what it takes.
            let Ok(signature) = &signature else { return true };
            let nothing = (0..*count).map(|_| value.py().None()).collect::<Vec<_>>();
            let nothing = PyTuple::new(value.py(), nothing);
            nothing.and_then(|nothing| signature.call_method1("bind", nothing)).is_ok()
        };
        let Some(&takes) = hook.arguments().iter().find(|count| takes(count)) else {
            let most = hook.arguments().first().copied().unwrap_or_default();
            let reason =
                format!("it has to take {most} argument{}", if most == 1 { "" } else { "s" });
            return Err(PyTypeError::new_err(reason));
        };
        Ok(Function { function: value.unbind(), takes })
    }

    /// The function.
    pub(crate) fn object(&self, py: Python<'_>) -> Py<PyAny> {
        self.function.clone_ref(py)
    }

    /// How many of them it takes.
    pub(crate) fn takes(&self) -> usize {
        self.takes
    }

    /// Calls it.
    ///
    /// # Errors
    /// What it raises.
    pub(crate) fn call(&self, py: Python<'_>, arguments: &[Py<PyAny>]) -> PyResult<()> {
        let arguments = arguments.iter().take(self.takes).map(|argument| argument.bind(py));
        let arguments = PyTuple::new(py, arguments.collect::<Vec<_>>())?;
        self.function.bind(py).call1(arguments).map(drop)
    }
}
