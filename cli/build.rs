//! Has the server carry the extension for Python that `OXICORN_EXTENSION` names, if it does: see
//! docs/python.md.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(carries_extension)");
    println!("cargo::rerun-if-env-changed=OXICORN_EXTENSION");
    if let Some(path) = std::env::var_os("OXICORN_EXTENSION").filter(|path| !path.is_empty()) {
        println!("cargo::rustc-cfg=carries_extension");
        println!("cargo::rerun-if-changed={}", path.display());
        println!("cargo::rustc-env=OXICORN_EXTENSION={}", path.display());
    }
}
