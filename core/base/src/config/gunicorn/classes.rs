//! gunicorn's worker classes, also as the paths of Python classes that its users copy from the
//! documentation of a framework.

/// What to write instead of `written`, a worker class that is not ours. The words follow "there is
/// no such worker class: ".
pub fn instead_of_class(written: &str) -> Option<&'static str> {
    CLASSES.iter().find(|(names, _)| names.contains(&written)).map(|(_, hint)| *hint)
}

const CLASSES: &[(&[&str], &str)] = &[
    (
        &["gunicorn.workers.sync.SyncWorker", "egg:gunicorn#sync", "SyncWorker"],
        "gunicorn's class of that path is sync here",
    ),
    (
        &["gunicorn.workers.gthread.ThreadWorker", "egg:gunicorn#gthread", "ThreadWorker"],
        "gunicorn's class of that path is threaded (gthread) here",
    ),
    (
        &[
            "gevent_wsgi",
            "gevent_pywsgi",
            "gunicorn.workers.ggevent.GeventWorker",
            "gunicorn.workers.ggevent.GeventPyWSGIWorker",
            "egg:gunicorn#gevent",
            "GeventWorker",
        ],
        "what gevent does is coroutine (gevent) here",
    ),
    (
        &[
            "eventlet",
            "gunicorn.workers.geventlet.EventletWorker",
            "egg:gunicorn#eventlet",
            "EventletWorker",
        ],
        "what eventlet does is coroutine (gevent) here",
    ),
    (
        &[
            "asgi",
            "gunicorn.workers.gasgi.ASGIWorker",
            "uvicorn",
            "uvicorn.workers.UvicornWorker",
            "uvicorn.workers.UvicornH11Worker",
            "uvicorn_worker.UvicornWorker",
            "uvicorn_worker.UvicornH11Worker",
            "hypercorn",
        ],
        "asynchronous applications run in tokio (async) here",
    ),
    (
        &[
            "aiohttp",
            "gaiohttp",
            "gunicorn.workers.gaiohttp.AiohttpWorker",
            "aiohttp.GunicornWebWorker",
            "aiohttp.worker.GunicornWebWorker",
            "aiohttp.GunicornUVLoopWebWorker",
        ],
        "aiohttp's own worker is not there; asynchronous applications run in tokio (async)",
    ),
    (
        &["tornado", "gunicorn.workers.gtornado.TornadoWorker", "egg:gunicorn#tornado"],
        "Tornado's own worker is not there; asynchronous applications run in tokio (async)",
    ),
    (
        &["meinheld.gmeinheld.MeinheldWorker", "meinheld"],
        "meinheld is not there; blocking applications run in sync, threaded or coroutine",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_path_has_one_hint() {
        let mut seen = BTreeSet::new();
        for name in CLASSES.iter().flat_map(|(names, _)| *names) {
            assert!(seen.insert(name), "{name}: twice");
        }
        let hint = instead_of_class("uvicorn.workers.UvicornWorker");
        assert!(hint.is_some_and(|hint| hint.contains("tokio")));
        assert_eq!(instead_of_class("sync"), None);
    }
}
