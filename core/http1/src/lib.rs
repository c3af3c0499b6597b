//! Sans-I/O HTTP/1.1 server codec: bytes in, events out.
