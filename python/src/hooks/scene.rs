//! The objects that hooks are called with, in the process where they are called: in the zygote, which
//! stands for the master, and then in each worker, which has a copy.

use std::collections::BTreeMap;

use nix::unistd::Pid;
use oxicorn_core::config::gunicorn::Hook;
use oxicorn_core::config::{Config, Raw, TABLE};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyModule};

use super::{Function, Functions, log};
use crate::config::Executed;
use crate::traceback;

/// The code, and the file that tracebacks know it by.
const CODE: &std::ffi::CStr = {
    let code = concat!(include_str!("objects.py"), "\0").as_bytes();
    match std::ffi::CStr::from_bytes_with_nul(code) {
        Ok(code) => code,
        Err(_) => c"",
    }
};

/// See the module.
#[derive(Debug)]
pub(crate) struct Scene {
    hooks: Functions,
    server: Py<PyAny>,
    objects: Py<PyModule>,
    /// The workers, by their age.
    workers: BTreeMap<u64, Py<PyAny>>,
}

impl Scene {
    /// None: nobody has defined a hook.
    ///
    /// # Errors
    /// Python is out of memory.
    pub(crate) fn new(
        py: Python<'_>,
        executed: Executed,
        config: &Config,
        name: &str,
    ) -> PyResult<Option<Scene>> {
        if executed.hooks.is_empty() {
            return Ok(None);
        }
        let objects = PyModule::from_code(py, CODE, c"<oxicorn>", c"_oxicorn_hooks")?;
        let write = wrap_pyfunction!(log::write, &objects)?;
        let log = objects.getattr("Log")?.call1((write,))?;
        let settings = settings(py, config)?;
        let cfg = objects.getattr("Settings")?.call1((settings, executed.module))?;
        // The master is this process' parent.
        let master = nix::unistd::getppid().as_raw();
        let called = config.proc_name.as_deref().unwrap_or(name);
        let server = objects.getattr("Server")?.call1((log, cfg, master, called, name))?;
        Ok(Some(Scene {
            hooks: executed.hooks,
            server: server.unbind(),
            objects: objects.unbind(),
            workers: BTreeMap::new(),
        }))
    }

    /// The function itself.
    pub(crate) fn function(&self, py: Python<'_>, hook: Hook) -> Option<Py<PyAny>> {
        self.hooks.get(&hook).map(|function| function.object(py))
    }

    /// How many arguments it takes.
    pub(crate) fn takes(&self, hook: Hook) -> usize {
        self.hooks.get(&hook).map_or(0, Function::takes)
    }

    pub(crate) fn server(&self, py: Python<'_>) -> Py<PyAny> {
        self.server.clone_ref(py)
    }

    /// Calls `hook`, if there is one.
    ///
    /// # Errors
    /// What it raises, in one line; the log has the traceback.
    pub(crate) fn call(
        &self,
        py: Python<'_>,
        hook: Hook,
        arguments: &[Py<PyAny>],
    ) -> Result<(), String> {
        let Some(function) = self.hooks.get(&hook) else { return Ok(()) };
        function.call(py, arguments).map_err(|error| {
            let line = format!("the hook {} has failed: {}", hook.name(), last_line(py, &error));
            tracing::error!("{line}");
            traceback::write(py, &error);
            line
        })
    }

    /// Calls a hook whose failure changes nothing: the log has it.
    pub(crate) fn tell(&self, py: Python<'_>, hook: Hook, arguments: &[Py<PyAny>]) {
        let _ = self.call(py, hook, arguments);
    }

    /// Calls one that takes nothing but the server.
    ///
    /// # Errors
    /// As [`Scene::call`].
    pub(crate) fn call_server(&self, py: Python<'_>, hook: Hook) -> Result<(), String> {
        self.call(py, hook, &[self.server(py)])
    }

    /// There are to be so many workers.
    pub(crate) fn workers_changed(&self, py: Python<'_>, new: usize, old: Option<usize>) {
        let numbers = || -> PyResult<[Py<PyAny>; 2]> {
            self.server.bind(py).setattr("_num_workers", new)?;
            Ok([new.into_pyobject(py)?.into_any().unbind(), old.into_pyobject(py)?.unbind()])
        };
        match numbers() {
            Ok([new, old]) => self.tell(py, Hook::NworkersChanged, &[self.server(py), new, old]),
            Err(error) => traceback::write(py, &error),
        }
    }

    /// The application is imported here.
    pub(crate) fn imported(&self, py: Python<'_>, callable: &Py<PyAny>) -> PyResult<()> {
        self.server.bind(py).getattr("app")?.setattr("callable", callable)
    }

    /// A worker is about to be made.
    ///
    /// # Errors
    /// What `pre_fork` raises: then there shall be none.
    pub(crate) fn before_fork(&mut self, py: Python<'_>, age: u64) -> Result<(), String> {
        let make = || -> PyResult<Py<PyAny>> {
            self.server.bind(py).setattr("worker_age", age)?;
            let class = self.objects.bind(py).getattr("Worker")?;
            Ok(class.call1((&self.server, age))?.unbind())
        };
        let worker = make().map_err(|error| error.to_string())?;
        self.call(py, Hook::PreFork, &[self.server(py), worker.clone_ref(py)])?;
        self.workers.insert(age, worker);
        Ok(())
    }

    /// It was made, and is this process.
    pub(crate) fn forked(&self, py: Python<'_>, age: u64, pid: Pid) {
        let Some(worker) = self.workers.get(&age) else { return };
        let entered = worker.setattr(py, "pid", pid.as_raw());
        let entered = entered.and_then(|()| self.siblings(py)?.set_item(pid.as_raw(), worker));
        if let Err(error) = entered {
            traceback::write(py, &error);
        }
    }

    /// `server.WORKERS`.
    fn siblings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        Ok(self.server.bind(py).getattr("WORKERS")?.cast_into()?)
    }

    /// The worker of that age.
    pub(crate) fn worker(&self, py: Python<'_>, age: u64) -> Option<Py<PyAny>> {
        self.workers.get(&age).map(|worker| worker.clone_ref(py))
    }

    /// A worker has ended, or was never made.
    pub(crate) fn forget(&mut self, age: u64) -> Option<Py<PyAny>> {
        self.workers.remove(&age)
    }

    /// A worker has ended.
    pub(crate) fn ended(&mut self, py: Python<'_>, pid: i32, age: u64) {
        let Some(worker) = self.forget(age) else { return };
        let left = worker.setattr(py, "pid", pid).and_then(|()| {
            let siblings = self.siblings(py)?;
            if siblings.contains(pid)? { siblings.del_item(pid) } else { Ok(()) }
        });
        if let Err(error) = left {
            traceback::write(py, &error);
        }
        self.tell(py, Hook::ChildExit, &[self.server(py), worker]);
    }
}

fn last_line(py: Python<'_>, error: &PyErr) -> String {
    crate::config::in_one_line(py, error)
}

/// Every setting, by gunicorn's name, as a Python value.
fn settings<'py>(py: Python<'py>, config: &Config) -> PyResult<Bound<'py, PyDict>> {
    let settings = PyDict::new(py);
    for row in TABLE {
        settings.set_item(row.name, value(py, &row.value(config))?)?;
    }
    // A number of permissions, not of decimal digits.
    settings.set_item("umask", config.umask.0)?;
    Ok(settings)
}

fn value<'py>(py: Python<'py>, raw: &Raw) -> PyResult<Bound<'py, PyAny>> {
    let text = match raw {
        Raw::Many(items) => return Ok(PyList::new(py, items)?.into_any()),
        Raw::One(text) => text,
    };
    let number = text.parse::<i64>();
    Ok(match text.as_str() {
        "none" => py.None().into_bound(py),
        "true" | "false" => pyo3::types::PyBool::new(py, text == "true").to_owned().into_any(),
        text => match (number, text.parse::<f64>()) {
            (Ok(number), _) => number.into_pyobject(py)?.into_any(),
            (Err(_), Ok(number)) if text.starts_with(|c: char| c.is_ascii_digit()) => {
                number.into_pyobject(py)?.into_any()
            }
            _ => text.into_pyobject(py)?.into_any(),
        },
    })
}
