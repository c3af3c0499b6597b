//! Every promise of a worker class, kept by one from outside.

oxicorn_tests::contract_suite! {
    env!("CARGO_BIN_EXE_example-own-worker-class");
    lifo: Inline,
}
