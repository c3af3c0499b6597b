//! stub
#![allow(missing_docs, unused, clippy::unused_self)]
use bytes::Bytes; use http::*; use crate::config::Config; use crate::listener::Peer; use std::{io, time::Duration};
#[derive(Debug, Clone)] pub struct AccessLog;
#[derive(Debug)] pub struct AccessWriter;
#[derive(Debug)] pub struct Pending;
pub struct RequestLine<'a> { pub method: &'a Method, pub target: &'a Bytes, pub version: Version, pub headers: &'a HeaderMap, pub peer: &'a Peer }
impl AccessLog { pub fn open(_: &Config) -> io::Result<Option<AccessLog>> { Ok(None) } pub fn writer(&self) -> AccessWriter { AccessWriter } pub fn reopen(&self) {} }
impl AccessWriter { pub fn begin(&self, _: RequestLine<'_>) -> Pending { Pending } pub fn respond(&self, _: &mut Pending, _: StatusCode, _: &HeaderMap) {}
 pub fn finish(&mut self, _: Pending, _: u64, _: Duration) {} pub fn refused(&mut self, _: &Peer, _: &[u8], _: StatusCode, _: u64) {} pub fn flush(&mut self) {} }
