//! One call of a WSGI callable.

use std::cell::RefCell;
use std::mem;

use http::StatusCode;
use oxicorn_core::app::IntoResponse;
use oxicorn_core::body::Form;
use oxicorn_core::serve::{Early, EarlyApp};
use oxicorn_core::{App, Request, RequestExt, Response};
use pyo3::prelude::*;

use super::environ::Template;
use super::failure::{Asked, Failure};
use super::input::{Broken, Input};
use super::pieces::Context;
use super::start::{Reuse, StartResponse};
use super::{Facts, answer};
use crate::thread;

/// Spare `start_response` objects of one thread. A coroutine class has many calls in hand at once.
const MOST_SPARE: usize = 64;

thread_local! {
    static SPARE: RefCell<Vec<Py<StartResponse>>> = const { RefCell::new(Vec::new()) };
}

/// See the module.
pub(super) struct Wsgi {
    callable: Py<PyAny>,
    template: Template,
    facts: Facts,
    /// Nothing can be read from it, so all requests without a body share it.
    nothing: Py<Input>,
    copy_context: Py<PyAny>,
}

impl Wsgi {
    pub(super) fn new(py: Python<'_>, callable: Py<PyAny>, facts: Facts) -> PyResult<Wsgi> {
        let nothing = Input::new(oxicorn_core::Body::empty(), facts.waiting);
        Ok(Wsgi {
            callable,
            template: Template::new(py, facts)?,
            facts,
            nothing: Py::new(py, nothing)?,
            copy_context: py.import("contextvars")?.getattr("copy_context")?.unbind(),
        })
    }

    fn answer(&self, py: Python<'_>, mut request: Request, early: &mut Early) -> Response {
        let target = request.arrival().map(|arrival| arrival.target.clone()).unwrap_or_default();
        let asked = Asked { method: request.method().clone(), target };
        let mut input = None;
        let run = self.run(py, &mut request, &mut input, &asked, early);
        run.unwrap_or_else(|failure| {
            if early.has_begun() {
                return failure.break_off(py, &asked, early);
            }
            let body = input.map_or(Broken::No, |input| input.get().is_broken());
            failure.answer(py, &asked, body)
        })
    }

    fn run<'py>(
        &self,
        py: Python<'py>,
        request: &mut Request,
        input: &mut Option<Bound<'py, Input>>,
        asked: &Asked,
        early: &mut Early,
    ) -> Result<Response, Failure> {
        let environ = self.template.environ(py, request)?;
        let body = match request.body().form() {
            Form::Whole(0) => self.nothing.bind(py).clone(),
            _ => Bound::new(py, Input::new(mem::take(request.body_mut()), self.facts.waiting))?,
        };
        self.template.set_input(&environ, &body)?;
        *input = Some(body);
        let spare = SPARE.with_borrow_mut(Vec::pop);
        let start = match spare {
            Some(spare) => spare.into_bound(py),
            None => StartResponse::new(py, self.facts.waiting)?,
        };
        let context = Context::new(self.copy_context.bind(py))?;
        start.get().lend(mem::take(early));
        let returned = context.call(self.callable.bind(py), &environ, &start);
        let response = returned
            .map_err(Failure::from)
            .and_then(|returned| answer::response(&returned, context, &start, asked));
        *early = start.get().take_back();
        if StartResponse::renew(&start) == Reuse::Yes {
            let spare = start.unbind();
            SPARE.with_borrow_mut(|all| {
                if all.len() < MOST_SPARE {
                    all.push(spare);
                }
            });
        }
        response
    }
}

impl App for Wsgi {
    fn call(&self, request: Request) -> Response {
        self.call_early(request, &mut Early::default())
    }

    fn begin_thread(&self) {
        thread::begin();
    }

    fn as_early(&self) -> Option<&dyn EarlyApp> {
        Some(self)
    }
}

impl EarlyApp for Wsgi {
    fn call_early(&self, request: Request, early: &mut Early) -> Response {
        let answer = Python::try_attach(|py| self.answer(py, request, early));
        answer.unwrap_or_else(|| StatusCode::SERVICE_UNAVAILABLE.into_response())
    }
}
