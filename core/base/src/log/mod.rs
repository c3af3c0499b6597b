//! stub
#![allow(missing_docs)]
pub fn reopen() {}
