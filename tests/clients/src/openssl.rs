//! TLS by OpenSSL, which makes its system calls itself, in C, and locks with pthreads. The system's
//! library is loaded when it is asked for, as Python and others load it: nothing is needed to build this,
//! and it shows that a library that comes later finds the same functions.
#![allow(unsafe_code, reason = "a C library")]
#![allow(clippy::missing_transmute_annotations, reason = "the fields have the types")]

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_void};
use std::mem::transmute;
use std::os::fd::AsRawFd;
use std::ptr::{null, null_mut};
use std::sync::LazyLock;

use crate::tls::{QUESTION, connected};
use crate::variable;

/// SSL_ctrl(3): SSL_CTRL_SET_TLSEXT_HOSTNAME
const SERVER_NAME: c_int = 55;
/// SSL_CTX_set_verify(3): SSL_VERIFY_PEER
const VERIFY_PEER: c_int = 1;
const NAME: &CStr = c"localhost";

type Any = *mut c_void;

/// The functions that are used here, and a context that all handlers share.
struct Library {
    new: unsafe extern "C" fn(Any) -> Any,
    set_fd: unsafe extern "C" fn(Any, c_int) -> c_int,
    set1_host: unsafe extern "C" fn(Any, *const c_char) -> c_int,
    ctrl: unsafe extern "C" fn(Any, c_int, c_long, *mut c_void) -> c_long,
    connect: unsafe extern "C" fn(Any) -> c_int,
    write: unsafe extern "C" fn(Any, *const c_void, c_int) -> c_int,
    read: unsafe extern "C" fn(Any, *mut c_void, c_int) -> c_int,
    shutdown: unsafe extern "C" fn(Any) -> c_int,
    free: unsafe extern "C" fn(Any),
    context: Any,
}

// SAFETY: a context may be shared (SSL_CTX_new(3)), and the rest are functions.
unsafe impl Send for Library {}
// SAFETY: as above.
unsafe impl Sync for Library {}

fn load() -> Option<Library> {
    // SAFETY: OpenSSL 3's functions by their names, of the types that its manual pages give them.
    unsafe {
        let library = libc::dlopen(c"libssl.so.3".as_ptr(), libc::RTLD_NOW);
        if library.is_null() {
            return None;
        }
        let find = |name: &CStr| {
            let function = libc::dlsym(library, name.as_ptr());
            assert!(!function.is_null(), "{name:?}");
            function
        };
        let method: unsafe extern "C" fn() -> Any = transmute(find(c"TLS_client_method"));
        let new: unsafe extern "C" fn(Any) -> Any = transmute(find(c"SSL_CTX_new"));
        let verify: unsafe extern "C" fn(Any, c_int, Any) = transmute(find(c"SSL_CTX_set_verify"));
        let trust: unsafe extern "C" fn(Any, *const c_char, *const c_char) -> c_int =
            transmute(find(c"SSL_CTX_load_verify_locations"));
        let context = new(method());
        let file = CString::new(format!("{}.pem", variable("CERTIFICATE"))).unwrap();
        assert_eq!(trust(context, file.as_ptr(), null()), 1);
        verify(context, VERIFY_PEER, null_mut());
        Some(Library {
            new: transmute(find(c"SSL_new")),
            set_fd: transmute(find(c"SSL_set_fd")),
            set1_host: transmute(find(c"SSL_set1_host")),
            ctrl: transmute(find(c"SSL_ctrl")),
            connect: transmute(find(c"SSL_connect")),
            write: transmute(find(c"SSL_write")),
            read: transmute(find(c"SSL_read")),
            shutdown: transmute(find(c"SSL_shutdown")),
            free: transmute(find(c"SSL_free")),
            context,
        })
    }
}

pub(crate) fn get() -> String {
    static LIBRARY: LazyLock<Option<Library>> = LazyLock::new(load);
    let Some(library) = &*LIBRARY else { return "there is no libssl.so.3".to_owned() };
    let socket = connected();
    let mut answer = Vec::new();
    // SAFETY: a connection of this handler's own, freed at the end; the socket is open until then, and
    // the lengths are those of the buffers.
    unsafe {
        let connection = (library.new)(library.context);
        assert_eq!((library.set_fd)(connection, socket.as_raw_fd()), 1);
        assert_eq!((library.set1_host)(connection, NAME.as_ptr()), 1);
        (library.ctrl)(connection, SERVER_NAME, 0, NAME.as_ptr().cast_mut().cast());
        assert_eq!((library.connect)(connection), 1, "the handshake");
        let length = QUESTION.len() as c_int;
        assert_eq!((library.write)(connection, QUESTION.as_ptr().cast(), length), length);
        let mut piece = [0_u8; 4096];
        loop {
            let length = (library.read)(connection, piece.as_mut_ptr().cast(), 4096);
            match usize::try_from(length) {
                Ok(length @ 1..) => answer.extend_from_slice(&piece[..length]),
                Ok(0) | Err(_) => break,
            }
        }
        (library.shutdown)(connection);
        (library.free)(connection);
    }
    format!("{} {}", answer.len(), answer.iter().all(|byte| *byte == b'!'))
}
