//! The long run, for every worker class of the binary `server`. A few seconds each; for longer:
//!
//! ```sh
//! LOSSES_REQUESTS=250000 LOSSES_SEED=7 cargo test -p oxicorn --release --test losses -- --nocapture
//! ```

/// A row is a test: its name, and the settings that it adds to the command line.
macro_rules! runs {
    ($($class:ident: $serving:ident { $($name:ident: $settings:expr),* $(,)? })*) => {
        $(
            mod $class {
                $(
                    #[test]
                    fn $name() {
                        let binary = env!("CARGO_BIN_EXE_server");
                        let serving = oxicorn_tests::Serving::$serving;
                        let class = stringify!($class);
                        let subject = oxicorn_tests::Subject::new(binary, class, serving);
                        oxicorn_tests::losses::no_lost_requests(&subject, &$settings);
                    }
                )*
            }
        )*
    };
}

runs! {
    sync: Inline {
        no_lost_requests: [],
        recycled: ["--max-requests", "500", "--max-requests-jitter", "100"],
        by_size: ["--max-rss", "1M"],
    }
    threaded: Threads {
        no_lost_requests: [],
        recycled: ["--max-requests", "500", "--max-requests-jitter", "100"],
        by_size: ["--max-rss", "1M"],
    }
    coroutine: Many {
        no_lost_requests: [],
        recycled: ["--max-requests", "500", "--max-requests-jitter", "100"],
        by_size: ["--max-rss", "1M"],
    }
    tokio: Many {
        no_lost_requests: [],
        recycled: ["--max-requests", "500", "--max-requests-jitter", "100"],
        by_size: ["--max-rss", "1M"],
    }
}
