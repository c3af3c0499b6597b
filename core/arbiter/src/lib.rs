//! The master of oxicorn: a pure state machine, and the driver that forks, execs and handles signals.
