//! Lets API servers redirect, challenge and answer at random, and looks where the secrets went.

use std::{path::Path, time::Duration};

use contract::{Vars, World};
use lab::HostileFleet;
use serde_json::{Value, json};

use super::*;

const CLUSTERS: usize = 4;
const SEEDS: u64 = 2;
const ROUNDS: usize = 4;

/// The secret of each cluster is a token, a password, a token of a file, or one of a plugin.
fn secret(cluster: usize) -> String {
    format!("a-secret-of-cluster-{cluster}")
}

fn user(cluster: usize, folder: &Path) -> Value {
    let secret = secret(cluster);
    match cluster {
        0 => json!({ "token": secret }),
        1 => json!({ "username": "robot", "password": secret }),
        2 => {
            let file = folder.join("token");
            std::fs::write(&file, secret).unwrap();
            json!({ "tokenFile": file })
        }
        _ => {
            let credential = json!({ "status": { "token": secret } }).to_string();
            json!({ "exec": { "command": "echo", "args": [credential] } })
        }
    }
}

/// Writes a kubeconfig with all clusters, each with a context of its number.
fn kubeconfig(fleet: &HostileFleet, folder: &Path) -> String {
    let numbers = || 0..CLUSTERS;
    let named = |number: usize, kind: &str, value: Value| json!({ "name": number.to_string(), kind: value });
    let cluster = |number| json!({ "server": format!("http://{}", fleet.registry(number)) });
    let context =
        |number: usize| json!({ "cluster": number.to_string(), "user": number.to_string() });
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": numbers().map(|n| named(n, "cluster", cluster(n))).collect::<Vec<_>>(),
        "users": numbers().map(|n| named(n, "user", user(n, folder))).collect::<Vec<_>>(),
        "contexts": numbers().map(|n| named(n, "context", context(n))).collect::<Vec<_>>(),
    });
    let file = folder.join("kubeconfig");
    std::fs::write(&file, config.to_string()).unwrap();
    file.display().to_string()
}

/// Asks one cluster for all that the client can ask; what it answers does not matter.
async fn ask(world: &World, kubeconfig: &str, number: usize) {
    let options = ClusterOptions {
        kubeconfig: Some(kubeconfig.to_owned()),
        context: Some(number.to_string()),
    };
    let cluster = Cluster::connect(world, &options).await.unwrap();
    let questions = async {
        for _ in 0..ROUNDS {
            drop(cluster.has_namespace("dex").await);
            drop(cluster.events("dex", "dex-1").await);
            drop(cluster.log("dex", "dex-1", "dex", false, 5).await);
        }
    };
    cluster.serve(questions).await;
}

#[tokio::test]
async fn no_server_sees_the_secret_of_another() {
    let mut delivered = [0; CLUSTERS];
    for seed in 0..SEEDS {
        let fleet = HostileFleet::start(CLUSTERS, seed);
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = kubeconfig(&fleet, folder.path());
        let world = World::for_tests_with(Duration::ZERO, Vars::default());
        for number in 0..CLUSTERS {
            ask(&world, &kubeconfig, number).await;
        }
        for (number, count) in delivered.iter_mut().enumerate() {
            let reached = fleet.reached_by(&secret(number));
            assert_eq!(reached, [fleet.registry(number)], "seed {seed}");
            *count += reached.len();
        }
    }
    assert_eq!(delivered, [SEEDS as usize; CLUSTERS]);
}
