//! An application server with gunicorn's process model and interchangeable worker classes.

pub mod demo;
pub mod net;
pub mod time;
