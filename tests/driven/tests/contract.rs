//! Every row of the contract for an application that is asynchronous only: in the two classes that give
//! each request a thread, whose runtime drives it, and as the `tower` service that it is under `tokio`.

oxicorn_tests::contract_suite! {
    env!("CARGO_BIN_EXE_driven");
    sync: Inline,
    threaded: Threads,
    tokio: Many,
}
