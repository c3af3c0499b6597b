//! An application server with gunicorn's process model and interchangeable worker classes.
