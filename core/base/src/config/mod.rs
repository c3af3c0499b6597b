//! Settings.
#![allow(missing_docs)]
use crate::listener::ListenerSpec;
use std::time::Duration;
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout(pub Option<Duration>);
impl Timeout {
    pub fn get(self) -> Option<Duration> {
        self.0
    }
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteSize(pub u64);
impl ByteSize {
    pub fn limit(self) -> Option<u64> {
        (self.0 > 0).then_some(self.0)
    }
    pub fn bytes(self) -> u64 {
        self.0
    }
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    Standard,
    File(std::path::PathBuf),
}
#[derive(Clone, Debug)]
pub struct Config {
    pub bind: Vec<ListenerSpec>,
    pub backlog: u32,
    pub workers: u32,
    pub worker_class: String,
    pub threads: u32,
    pub worker_connections: u32,
    pub timeout: Timeout,
    pub graceful_timeout: Timeout,
    pub keepalive: Timeout,
    pub keepalive_grace: Timeout,
    pub header_timeout: Timeout,
    pub body_timeout: Timeout,
    pub write_timeout: Timeout,
    pub boot_timeout: Timeout,
    pub limit_request_line: u32,
    pub limit_request_fields: u32,
    pub limit_request_field_size: u32,
    pub permit_missing_host: bool,
    pub limit_request_body: ByteSize,
    pub body_buffer_size: ByteSize,
    pub accesslog: Option<Destination>,
    pub access_log_format: String,
    pub errorlog: Destination,
    pub loglevel: String,
    pub proc_name: Option<String>,
}
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);
impl ConfigError { pub fn message(m: String) -> Self { ConfigError(m) } }
