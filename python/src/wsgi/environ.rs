//! The `environ` of a request. All that is the same for every request of a process, or nearly always the
//! same, stands in a template, and a request begins as its copy: Python copies a dictionary in one piece,
//! and every key that is set afterwards is there already. What is read from the request is made into
//! Python's text once and kept where it is likely to come again.

use std::cell::RefCell;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName, Method, Version, header};
use oxicorn_core::app::Arrival;
use oxicorn_core::body::Form;
use oxicorn_core::listener::{LocalAddress, Peer};
use oxicorn_core::{Request, RequestExt, Scheme};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::errors::Errors;
use super::failure::Failure;
use super::file::FileWrapper;
use super::input::Input;
use super::names::Names;
use super::{Facts, Number, text};

macro_rules! constants {
    ($($name:ident: $text:literal,)+) => {
        struct Constants {
            $($name: Py<PyString>,)+
        }

        impl Constants {
            fn new(py: Python<'_>) -> Constants {
                Constants { $($name: PyString::intern(py, $text).unbind(),)+ }
            }
        }
    };
}

constants! {
    request_method: "REQUEST_METHOD",
    script_name: "SCRIPT_NAME",
    path_info: "PATH_INFO",
    query_string: "QUERY_STRING",
    raw_uri: "RAW_URI",
    content_type: "CONTENT_TYPE",
    content_length: "CONTENT_LENGTH",
    server_name: "SERVER_NAME",
    server_port: "SERVER_PORT",
    server_protocol: "SERVER_PROTOCOL",
    remote_addr: "REMOTE_ADDR",
    remote_port: "REMOTE_PORT",
    url_scheme: "wsgi.url_scheme",
    input: "wsgi.input",
    stopping: "oxicorn.stopping",
    head: "HEAD",
    post: "POST",
    put: "PUT",
    delete: "DELETE",
    options: "OPTIONS",
    patch: "PATCH",
    http_1_0: "HTTP/1.0",
    https: "https",
}

/// What the requests of one thread are likely to have in common.
#[derive(Default)]
struct Kept {
    names: Names,
    remote: Option<(IpAddr, Py<PyString>)>,
    servers: Vec<(LocalAddress, Server)>,
}

/// `SERVER_NAME` and `SERVER_PORT`.
struct Server {
    name: Py<PyString>,
    port: Py<PyString>,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// See the module.
pub(super) struct Template {
    blank: Py<PyDict>,
    constants: Constants,
    /// Where the application is mounted: the environment variable that gunicorn's users set.
    mount: String,
}

impl Template {
    pub(super) fn new(py: Python<'_>, facts: Facts) -> PyResult<Template> {
        let blank = PyDict::new(py);
        // Some more keys than there are make the table large enough for the usual headers, and a copy
        // is as large.
        let room: Vec<String> = (0..4).map(|n| format!("room for a header {n}")).collect();
        let mount = std::env::var("SCRIPT_NAME").unwrap_or_default();
        let mount = mount.trim_end_matches('/').to_owned();
        let many = |number: Number| number == Number::Many;
        let set = |key: &str, value: Bound<'_, PyAny>| -> PyResult<()> {
            blank.set_item(PyString::intern(py, key), value)
        };
        let string = |text: &str| PyString::intern(py, text).into_any();
        set("REQUEST_METHOD", string("GET"))?;
        set("SCRIPT_NAME", string(&mount))?;
        set("PATH_INFO", string("/"))?;
        for key in ["QUERY_STRING", "RAW_URI", "SERVER_NAME", "SERVER_PORT"] {
            set(key, string(""))?;
        }
        for key in ["REMOTE_ADDR", "REMOTE_PORT"] {
            set(key, string(""))?;
        }
        set("SERVER_PROTOCOL", string("HTTP/1.1"))?;
        set("SERVER_SOFTWARE", string(concat!("oxicorn/", env!("CARGO_PKG_VERSION"))))?;
        set("wsgi.version", (1, 0).into_pyobject(py)?.into_any())?;
        set("wsgi.url_scheme", string("http"))?;
        set("wsgi.input", py.None().into_bound(py))?;
        set("wsgi.errors", Bound::new(py, Errors)?.into_any())?;
        set("wsgi.multithread", many(facts.calls).into_pyobject(py)?.to_owned().into_any())?;
        set("wsgi.multiprocess", many(facts.processes).into_pyobject(py)?.to_owned().into_any())?;
        set("wsgi.run_once", false.into_pyobject(py)?.to_owned().into_any())?;
        set("wsgi.file_wrapper", py.get_type::<FileWrapper>().into_any())?;
        set("oxicorn.stopping", false.into_pyobject(py)?.to_owned().into_any())?;
        set("wsgi.input_terminated", true.into_pyobject(py)?.to_owned().into_any())?;
        for key in &room {
            blank.set_item(key, py.None())?;
        }
        for key in &room {
            blank.del_item(key)?;
        }
        Ok(Template { blank: blank.unbind(), constants: Constants::new(py), mount })
    }

    /// The `environ` of `request`, still without a `wsgi.input`.
    pub(super) fn environ<'py>(
        &self,
        py: Python<'py>,
        request: &Request,
    ) -> Result<Bound<'py, PyDict>, Failure> {
        let environ = self.blank.bind(py).copy()?;
        let new = New { py, environ: &environ, constants: &self.constants };
        new.line(request)?;
        new.path(request, &self.mount)?;
        if let Some(arrival) = request.arrival() {
            new.arrival(arrival, request.headers())?;
        }
        if request.is_stopping() {
            new.set(&self.constants.stopping, true)?;
        }
        new.headers(request.headers())?;
        new.length(request)?;
        Ok(environ)
    }

    /// Puts the request's body in.
    pub(super) fn set_input(
        &self,
        environ: &Bound<'_, PyDict>,
        input: &Bound<'_, Input>,
    ) -> PyResult<()> {
        environ.set_item(self.constants.input.bind(environ.py()), input)
    }
}

/// An `environ` that is being made.
struct New<'a, 'py> {
    py: Python<'py>,
    environ: &'a Bound<'py, PyDict>,
    constants: &'a Constants,
}

impl<'py> New<'_, 'py> {
    fn set(&self, key: &Py<PyString>, value: impl IntoPyObject<'py>) -> PyResult<()> {
        self.environ.set_item(key.bind(self.py), value)
    }

    fn line(&self, request: &Request) -> PyResult<()> {
        let all = self.constants;
        let known = match *request.method() {
            Method::GET => None,
            Method::HEAD => Some(&all.head),
            Method::POST => Some(&all.post),
            Method::PUT => Some(&all.put),
            Method::DELETE => Some(&all.delete),
            Method::OPTIONS => Some(&all.options),
            Method::PATCH => Some(&all.patch),
            ref other => return self.set(&all.request_method, other.as_str()),
        };
        if let Some(known) = known {
            self.set(&all.request_method, known.bind(self.py))?;
        }
        if request.version() == Version::HTTP_10 {
            self.set(&all.server_protocol, all.http_1_0.bind(self.py))?;
        }
        Ok(())
    }

    fn path(&self, request: &Request, mount: &str) -> Result<(), Failure> {
        let all = self.constants;
        self.set(&all.raw_uri, text::from_bytes(self.py, request.target()))?;
        if let Some(query) = request.uri().query() {
            self.set(&all.query_string, text::from_bytes(self.py, query.as_bytes()))?;
        }
        let given = request.headers().get("script_name").and_then(|value| value.to_str().ok());
        let mount = given.unwrap_or(mount);
        let path = request.uri().path();
        let Some(below) = below(path, mount.trim_end_matches('/')) else {
            return Err(Failure::NotMounted { mount: mount.to_owned() });
        };
        if let Some(given) = given {
            self.set(&all.script_name, given.trim_end_matches('/'))?;
        }
        match text::decode(below) {
            None if below == "/" => {}
            None => self.set(&all.path_info, text::from_bytes(self.py, below.as_bytes()))?,
            Some(decoded) => self.set(&all.path_info, text::from_bytes(self.py, &decoded))?,
        }
        Ok(())
    }

    fn arrival(&self, arrival: &Arrival, headers: &HeaderMap) -> PyResult<()> {
        let all = self.constants;
        if arrival.scheme == Scheme::Https {
            self.set(&all.url_scheme, all.https.bind(self.py))?;
        }
        KEPT.with_borrow_mut(|kept| {
            self.remote(&arrival.connection.peer, &mut kept.remote)?;
            self.server(arrival, headers, &mut kept.servers)
        })
    }

    fn remote(&self, peer: &Peer, kept: &mut Option<(IpAddr, Py<PyString>)>) -> PyResult<()> {
        let all = self.constants;
        let Peer::Tcp(address) = peer else {
            return self.environ.del_item(all.remote_port.bind(self.py));
        };
        let known = match kept {
            Some((ip, text)) if *ip == address.ip() => text,
            kept => {
                let text = PyString::new(self.py, &address.ip().to_string()).unbind();
                &kept.insert((address.ip(), text)).1
            }
        };
        self.set(&all.remote_addr, known.bind(self.py))?;
        let port = decimal(address.port());
        self.set(&all.remote_port, PyString::new(self.py, &port))
    }

    /// An address of ours that has no name and port, a unix socket's, takes them from the client's
    /// `Host`.
    fn server(
        &self,
        arrival: &Arrival,
        headers: &HeaderMap,
        kept: &mut Vec<(LocalAddress, Server)>,
    ) -> PyResult<()> {
        let local = &arrival.connection.local;
        let LocalAddress::Tcp(address) = local else {
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
            let (name, port) = name_and_port(host.unwrap_or_default(), arrival.scheme);
            self.set(&self.constants.server_name, name)?;
            return self.set(&self.constants.server_port, port);
        };
        let known = match kept.iter().position(|(known, _)| known == local) {
            Some(at) => at,
            None => {
                let name = PyString::new(self.py, &address.ip().to_string()).unbind();
                let port = PyString::new(self.py, &decimal(address.port())).unbind();
                kept.push((local.clone(), Server { name, port }));
                kept.len() - 1
            }
        };
        let Server { name, port } = &kept[known].1;
        self.set(&self.constants.server_name, name.bind(self.py))?;
        self.set(&self.constants.server_port, port.bind(self.py))
    }

    fn headers(&self, headers: &HeaderMap) -> PyResult<()> {
        KEPT.with_borrow_mut(|kept| {
            let (mut before, mut underscored) = (None, Vec::new());
            for (name, value) in headers {
                // The values of one name come one behind the other.
                if before == Some(name) {
                    continue;
                }
                before = Some(name);
                let value = match self.joined(headers, name) {
                    Some(all) => text::from_bytes(self.py, &all),
                    None => text::from_bytes(self.py, value.as_bytes()),
                };
                match *name {
                    header::CONTENT_TYPE => self.set(&self.constants.content_type, value)?,
                    header::CONTENT_LENGTH => self.set(&self.constants.content_length, value)?,
                    _ if name.as_str().contains('_') => underscored.push((name, value)),
                    _ => self.environ.set_item(kept.names.key(self.py, name), value)?,
                }
            }
            for (name, value) in underscored {
                self.add(&kept.names.key(self.py, name), &value)?;
            }
            Ok(())
        })
    }

    /// A header whose name has an underscore, and so the key of another one perhaps: what the settings
    /// let through (`header_map`, `forwarder_headers`) is not to take its place.
    fn add(&self, key: &Bound<'py, PyString>, value: &Bound<'py, PyString>) -> PyResult<()> {
        match self.environ.get_item(key)? {
            Some(there) => self.environ.set_item(key, format!("{there},{value}")),
            None => self.environ.set_item(key, value),
        }
    }

    /// The length of a body that came in chunks, once it is known (RFC 3875 section 4.1.2): there are
    /// frameworks that read nothing without it.
    fn length(&self, request: &Request) -> PyResult<()> {
        match request.body().form() {
            Form::Whole(length @ 1..)
                if !request.headers().contains_key(header::CONTENT_LENGTH) =>
            {
                self.set(&self.constants.content_length, length.to_string())
            }
            _ => Ok(()),
        }
    }

    /// All values of a name that has several, as one. Cookies are no list of the usual kind (RFC 9113
    /// section 8.2.3).
    fn joined(&self, headers: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
        // Nearly always there are as many names as fields.
        if headers.len() == headers.keys_len() {
            return None;
        }
        let mut values = headers.get_all(name).iter();
        let (first, second) = (values.next()?, values.next()?);
        let between: &[u8] = if name == header::COOKIE { b"; " } else { b"," };
        let mut all = first.as_bytes().to_vec();
        for value in std::iter::once(second).chain(values) {
            all.extend_from_slice(between);
            all.extend_from_slice(value.as_bytes());
        }
        Some(all)
    }
}

/// What is left of a path below the place where the application is mounted.
fn below<'a>(path: &'a str, mount: &str) -> Option<&'a str> {
    if mount.is_empty() {
        return Some(path);
    }
    path.strip_prefix(mount).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn decimal(port: u16) -> String {
    port.to_string()
}

fn name_and_port(host: &str, scheme: Scheme) -> (&str, &str) {
    let usual = match scheme {
        Scheme::Http => "80",
        Scheme::Https => "443",
    };
    match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            (name, if port.is_empty() { usual } else { port })
        }
        _ if host.is_empty() => ("localhost", usual),
        _ => (host, usual),
    }
}
