//! ASGI applications on the real binary: the specification rule by rule, with small applications
//! (`apps/`); the suite that every worker class must pass, against the demo written once more as an ASGI
//! application; what people do with Starlette, FastAPI, uvloop and WebSockets.

mod apps;
mod contract;
