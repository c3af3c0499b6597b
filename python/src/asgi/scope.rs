//! The scope of a request. What is the same for all requests stands in a template that is copied,
//! which costs less than to put it together each time.

use std::cell::RefCell;
use std::net::SocketAddr;

use http::{Method, Version};
use oxicorn_core::app::Scheme;
use oxicorn_core::config::Config;
use oxicorn_core::listener::{LocalAddress, Peer};
use oxicorn_core::{Request, RequestExt};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use super::channel::Protocol;

/// The versions that scopes announce. 2.4 would promise, for HTTP, an OSError from `send()` behind a
/// disconnect: frameworks then rely on it alone, and learn of the disconnect only when they send.
const HTTP_VERSION: &str = "2.3";
const WEBSOCKET_VERSION: &str = "2.4";

/// Whether the server has been told to stop, for the answer to a readiness probe: what
/// [`RequestExt::is_stopping`] says to applications in Rust.
const STOPPING: &str = "oxicorn.stopping";

/// See the module.
pub(super) struct Scopes {
    http: Py<PyDict>,
    websocket: Py<PyDict>,
    /// What the lifespan has left for the requests; each has a copy of its own.
    state: Option<Py<PyDict>>,
    root_path: String,
    /// The last address that was asked for.
    server: RefCell<Option<(LocalAddress, Py<PyAny>)>>,
}

fn template<'py>(
    py: Python<'py>,
    kind: &str,
    version: &str,
    root_path: &str,
) -> PyResult<Bound<'py, PyDict>> {
    let asgi = PyDict::new(py);
    asgi.set_item("version", "3.0")?;
    asgi.set_item("spec_version", version)?;
    let scope = PyDict::new(py);
    scope.set_item("type", kind)?;
    scope.set_item("asgi", asgi)?;
    scope.set_item("http_version", "1.1")?;
    scope.set_item("scheme", "http")?;
    scope.set_item("root_path", root_path)?;
    scope.set_item(STOPPING, false)?;
    Ok(scope)
}

impl Scopes {
    pub(super) fn new(
        py: Python<'_>,
        config: &Config,
        state: Option<Py<PyDict>>,
    ) -> PyResult<Scopes> {
        let root_path = config.root_path.clone().unwrap_or_default();
        let http = template(py, "http", HTTP_VERSION, &root_path)?;
        http.set_item("method", "GET")?;
        let extensions = PyDict::new(py);
        extensions.set_item("http.response.pathsend", PyDict::new(py))?;
        http.set_item("extensions", extensions)?;
        let websocket = template(py, "websocket", WEBSOCKET_VERSION, &root_path)?;
        websocket.set_item("scheme", "ws")?;
        let extensions = PyDict::new(py);
        extensions.set_item("websocket.http.response", PyDict::new(py))?;
        websocket.set_item("extensions", extensions)?;
        Ok(Scopes {
            http: http.unbind(),
            websocket: websocket.unbind(),
            state,
            root_path,
            server: RefCell::default(),
        })
    }

    /// The scope of a request.
    pub(super) fn scope<'py>(
        &self,
        py: Python<'py>,
        protocol: Protocol,
        request: &Request,
    ) -> PyResult<Bound<'py, PyDict>> {
        let scope = match protocol {
            Protocol::Http => {
                let scope = self.http.bind(py).copy()?;
                if request.method() != Method::GET {
                    scope.set_item(intern!(py, "method"), method(py, request.method()))?;
                }
                scope
            }
            Protocol::WebSocket => {
                let scope = self.websocket.bind(py).copy()?;
                scope.set_item(intern!(py, "subprotocols"), subprotocols(py, request)?)?;
                scope
            }
        };
        if request.is_stopping() {
            scope.set_item(intern!(py, "oxicorn.stopping"), true)?;
        }
        if request.version() == Version::HTTP_10 {
            scope.set_item(intern!(py, "http_version"), intern!(py, "1.0"))?;
        }
        if request.scheme() == Scheme::Https {
            let scheme = match protocol {
                Protocol::Http => intern!(py, "https"),
                Protocol::WebSocket => intern!(py, "wss"),
            };
            scope.set_item(intern!(py, "scheme"), scheme)?;
        }
        self.put_target(py, &scope, request)?;
        scope.set_item(intern!(py, "headers"), headers(py, request)?)?;
        scope.set_item(intern!(py, "client"), client(py, request)?)?;
        scope.set_item(intern!(py, "server"), self.server(py, request)?)?;
        if let Some(state) = &self.state {
            scope.set_item(intern!(py, "state"), state.bind(py).copy()?)?;
        }
        Ok(scope)
    }

    fn put_target(
        &self,
        py: Python<'_>,
        scope: &Bound<'_, PyDict>,
        request: &Request,
    ) -> PyResult<()> {
        let (path, query) = path_and_query(request);
        let decoded = decoded(path);
        let (raw, text) = match self.root_path.as_str() {
            "" => (PyBytes::new(py, path), PyString::new(py, &decoded)),
            root => {
                let raw = [root.as_bytes(), path].concat();
                (PyBytes::new(py, &raw), PyString::new(py, &format!("{root}{decoded}")))
            }
        };
        scope.set_item(intern!(py, "path"), text)?;
        scope.set_item(intern!(py, "raw_path"), raw)?;
        scope.set_item(intern!(py, "query_string"), PyBytes::new(py, query))
    }

    fn server(&self, py: Python<'_>, request: &Request) -> PyResult<Py<PyAny>> {
        let Some(local) = request.local_address() else { return Ok(py.None()) };
        if let Some((known, value)) = &*self.server.borrow()
            && known == local
        {
            return Ok(value.clone_ref(py));
        }
        let value = match local {
            LocalAddress::Tcp(address) => pair(py, *address)?.into_any().unbind(),
            LocalAddress::Unix(path) => {
                (path.to_string_lossy().as_ref(), py.None()).into_pyobject(py)?.into_any().unbind()
            }
            LocalAddress::Abstract(name) => {
                (format!("@{name}"), py.None()).into_pyobject(py)?.into_any().unbind()
            }
        };
        let before = self.server.replace(Some((local.clone(), value.clone_ref(py))));
        drop(before);
        Ok(value)
    }
}

/// As they were received: only a target in absolute form (RFC 9112 section 3.2.2) has to be taken
/// apart.
fn path_and_query(request: &Request) -> (&[u8], &[u8]) {
    let target = request.target();
    if !target.starts_with(b"/") {
        let uri = request.uri();
        return (uri.path().as_bytes(), uri.query().unwrap_or_default().as_bytes());
    }
    match memchr::memchr(b'?', target) {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, b""),
    }
}

/// Percent-decoded, then UTF-8; what is not UTF-8 becomes U+FFFD.
fn decoded(path: &[u8]) -> std::borrow::Cow<'_, str> {
    if memchr::memchr(b'%', path).is_none() {
        return String::from_utf8_lossy(path);
    }
    let digit = |byte: Option<&u8>| byte.and_then(|byte| (*byte as char).to_digit(16));
    let mut bytes = Vec::with_capacity(path.len());
    let mut at = 0;
    while let Some(byte) = path.get(at) {
        let pair = (*byte == b'%').then(|| digit(path.get(at + 1)).zip(digit(path.get(at + 2))));
        match pair.flatten() {
            Some((high, low)) => {
                bytes.push((high * 16 + low) as u8);
                at += 3;
            }
            None => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn method<'py>(py: Python<'py>, method: &Method) -> Bound<'py, PyString> {
    match *method {
        Method::POST => intern!(py, "POST").clone(),
        Method::HEAD => intern!(py, "HEAD").clone(),
        Method::PUT => intern!(py, "PUT").clone(),
        _ => PyString::new(py, method.as_str()),
    }
}

fn headers<'py>(py: Python<'py>, request: &Request) -> PyResult<Bound<'py, PyList>> {
    let headers = request.headers();
    let list = PyList::empty(py);
    for (name, value) in headers {
        let name = PyBytes::new(py, name.as_str().as_bytes());
        let value = PyBytes::new(py, value.as_bytes());
        list.append(PyTuple::new(py, [name, value])?)?;
    }
    Ok(list)
}

fn pair(py: Python<'_>, address: SocketAddr) -> PyResult<Bound<'_, PyTuple>> {
    (host(py, address), address.port()).into_pyobject(py)
}

fn host(py: Python<'_>, address: SocketAddr) -> Bound<'_, PyString> {
    static LOCAL: PyOnceLock<Py<PyString>> = PyOnceLock::new();
    // Behind a proxy on the same machine every client has this one.
    match address.ip().to_canonical() {
        std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST) => {
            LOCAL.get_or_init(py, || PyString::new(py, "127.0.0.1").unbind()).bind(py).clone()
        }
        ip => PyString::new(py, &ip.to_string()),
    }
}

fn client(py: Python<'_>, request: &Request) -> PyResult<Py<PyAny>> {
    match request.peer() {
        Some(Peer::Tcp(address)) => Ok(pair(py, *address)?.into_any().unbind()),
        Some(Peer::Unix) | None => Ok(py.None()),
    }
}

fn subprotocols<'py>(py: Python<'py>, request: &Request) -> PyResult<Bound<'py, PyList>> {
    let values = request.headers().get_all(http::header::SEC_WEBSOCKET_PROTOCOL);
    let names = values.iter().filter_map(|value| value.to_str().ok());
    let names = names.flat_map(|value| value.split(',')).map(str::trim);
    PyList::new(py, names.filter(|name| !name.is_empty()))
}
