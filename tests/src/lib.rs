//! Harness and contract suite: what every worker class must do, tried on the real binary.
