//! Kubernetes manifests, read strictly. An API server drops a field that it does not know, or refuses
//! it, depending on who asks; either way a probe with a misspelt name is no probe, and nobody notices
//! before the first deployment. Here a document is read into the API's own type and written again: a
//! field that is not the type's is lost on the way, and that is an error.
//!
//! A package of its own, because the types are many and nobody else should wait for them.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A document of one of the kinds that the examples have.
#[derive(Clone, Debug)]
pub enum Manifest {
    /// `apps/v1`
    Deployment(Box<Deployment>),
    /// `v1`
    Service(Box<Service>),
}

/// The documents of a file.
///
/// # Errors
/// It is no YAML, a document is of another kind, a value is not of its field's type, or there is no such
/// field: the last names the first one.
pub fn read(text: &str) -> Result<Vec<Manifest>, String> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|e| e.to_string())?;
    documents.iter().map(document).collect()
}

fn document(value: &Value) -> Result<Manifest, String> {
    match (value["apiVersion"].as_str(), value["kind"].as_str()) {
        (Some("apps/v1"), Some("Deployment")) => strictly(value).map(Manifest::Deployment),
        (Some("v1"), Some("Service")) => strictly(value).map(Manifest::Service),
        (version, kind) => Err(format!("neither a Deployment nor a Service: {version:?} {kind:?}")),
    }
}

fn strictly<T: DeserializeOwned + Serialize>(value: &Value) -> Result<Box<T>, String> {
    let read: T = serde_json::from_value(value.clone()).map_err(|e| e.to_string())?;
    let kept = serde_json::to_value(&read).map_err(|e| e.to_string())?;
    match first_lost(value, &kept, String::new()) {
        None => Ok(Box::new(read)),
        Some(path) => Err(format!("there is no field {path}")),
    }
}

/// The first field of `written` that `kept` has not, or has with another value. (What the type adds by
/// itself is no matter.)
fn first_lost(written: &Value, kept: &Value, path: String) -> Option<String> {
    match (written, kept) {
        (Value::Object(written), Value::Object(kept)) => {
            written.iter().find_map(|(name, value)| {
                let path = format!("{path}.{name}");
                match kept.get(name) {
                    Some(kept) => first_lost(value, kept, path),
                    None => Some(path),
                }
            })
        }
        (Value::Array(written), Value::Array(kept)) if written.len() == kept.len() => {
            let pairs = written.iter().zip(kept).enumerate();
            pairs.into_iter().find_map(|(i, (w, k))| first_lost(w, k, format!("{path}[{i}]")))
        }
        _ => (written != kept).then_some(path),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{Container, Probe};
    use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

    use super::*;

    const TEXT: &str = include_str!("../../../examples/deploy/kubernetes.yaml");

    fn both() -> (Deployment, Service) {
        match read(TEXT).unwrap().as_slice() {
            [Manifest::Deployment(deployment), Manifest::Service(service)] => {
                ((**deployment).clone(), (**service).clone())
            }
            others => panic!("{others:?}"),
        }
    }

    fn container(deployment: &Deployment) -> &Container {
        let pod = deployment.spec.as_ref().unwrap().template.spec.as_ref().unwrap();
        match pod.containers.as_slice() {
            [container] => container,
            others => panic!("{others:?}"),
        }
    }

    #[test]
    fn what_belongs_together_agrees() {
        let (deployment, service) = both();
        let spec = deployment.spec.as_ref().unwrap();
        let labels = spec.template.metadata.as_ref().unwrap().labels.as_ref().unwrap();
        assert_eq!(spec.selector.match_labels.as_ref(), Some(labels), "the Deployment's pods");
        let service = service.spec.unwrap();
        assert_eq!(service.selector.as_ref(), Some(labels), "the Service's pods");

        let container = container(&deployment);
        let ports = container.ports.as_ref().unwrap();
        let ports: Vec<_> = ports.iter().map(|p| IntOrString::Int(p.container_port)).collect();
        let targets =
            service.ports.as_ref().unwrap().iter().map(|p| p.target_port.clone().unwrap());
        assert!(targets.into_iter().all(|target| ports.contains(&target)));
        let probe = |probe: &Option<Probe>| {
            let probe = probe.as_ref().unwrap();
            let http = probe.http_get.as_ref().map(|get| get.port.clone());
            http.or_else(|| probe.tcp_socket.as_ref().map(|tcp| tcp.port.clone())).unwrap()
        };
        for port in
            [&container.startup_probe, &container.readiness_probe, &container.liveness_probe]
        {
            assert!(ports.contains(&probe(port)));
        }
    }

    /// While readiness fails everything is still served: long enough for it to be noticed.
    #[test]
    fn a_pod_is_left_out_before_it_stops() {
        let (deployment, _) = both();
        let container = container(&deployment);
        let arguments = container.args.as_ref().unwrap();
        let at = arguments.iter().position(|argument| argument == "--drain-delay").unwrap();
        let drain: i32 = arguments[at + 1].trim_end_matches('s').parse().unwrap();
        let readiness = container.readiness_probe.as_ref().unwrap();
        let noticed = readiness.period_seconds.unwrap() * readiness.failure_threshold.unwrap();
        assert!(noticed < drain, "{noticed} < {drain}");
    }

    #[test]
    fn what_is_misspelt_is_found() {
        for (right, wrong, path) in [
            ("periodSeconds: 2", "periodSecond: 2", ".readinessProbe.periodSecond"),
            ("runAsNonRoot", "runAsNonroot", ".securityContext.runAsNonroot"),
            ("terminationGracePeriodSeconds", "gracePeriod", ".spec.template.spec.gracePeriod"),
            ("replicas: 2", "replicas: two", "invalid type"),
            ("kind: Service", "kind: Servce", "neither a Deployment nor a Service"),
        ] {
            assert!(TEXT.contains(right), "{right}");
            let error = read(&TEXT.replace(right, wrong)).unwrap_err();
            assert!(error.contains(path), "{error}");
        }
    }
}
