//! Every row of the contract, as a test of each worker class of the binary `server`.

oxicorn_tests::contract_suite! {
    env!("CARGO_BIN_EXE_server");
    sync: Inline,
    threaded: Threads,
    coroutine: Many,
    tokio: Many,
}
