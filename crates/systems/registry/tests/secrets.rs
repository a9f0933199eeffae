//! Lets servers redirect, challenge and answer at random, and looks where the secrets went.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fmt::Write as _, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use contract::{Reference, Secret, Vars, World, world::BoundSecret};
use fetch::Fetch;
use lab::{
    HostileFleet,
    hostile::{ASTRAY, token_of},
};
use registry::{ImageRepository, RegistryOptions, RegistryPassword};
use url::Url;

const PAIRS: usize = 5;
const ROUNDS: u64 = 12;
const SEEDS: u64 = 10;

/// The password of the first pair's registry is given by the variable, the secrets of the others are
/// in the file of Docker: passwords, an identity token, a registry token.
fn secret(pair: usize) -> String {
    format!("a-secret/of+pair-{pair}")
}

fn docker_config(fleet: &HostileFleet) -> String {
    let mut entries = String::new();
    for pair in 1..PAIRS {
        let (registry, secret) = (fleet.registry(pair), secret(pair));
        let entry = match pair {
            1 => format!(r#""identitytoken":"{secret}""#),
            2 => format!(r#""registrytoken":"{secret}""#),
            _ => {
                let auth = BASE64_STANDARD.encode(format!("robot:{secret}"));
                format!(r#""auth":"{auth}""#)
            }
        };
        write!(
            entries,
            r#"{}"{registry}":{{{entry}}}"#,
            if pair == 1 { "" } else { "," }
        )
        .unwrap();
    }
    format!(r#"{{"auths":{{{entries}}}}}"#)
}

/// Asks every registry for an image; whether it answers does not matter.
async fn ask_registries(fleet: &HostileFleet, world: &World) {
    let password = RegistryPassword::new(Secret::new(secret(0)), &fleet.registry(0));
    for pair in 0..PAIRS {
        let image: Reference = format!("{}/acme/app:v1", fleet.registry(pair))
            .parse()
            .unwrap();
        let options = RegistryOptions {
            password: Some(password.clone()),
            ..RegistryOptions::default()
        };
        let repository = ImageRepository::new(world, &image, options);
        for _ in 0..3 {
            drop(repository.manifest("v1").await);
        }
        let digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        drop(repository.config(&digest).await);
    }
}

/// Sends a secret of its own to every registry without a registry's client.
async fn ask_directly(fleet: &HostileFleet, world: &World) {
    let fetch = Fetch::new(world);
    for pair in 0..PAIRS {
        let url: Url = format!("http://{}{ASTRAY}", fleet.registry(pair))
            .parse()
            .unwrap();
        let secret = BoundSecret::new(Secret::new(direct_secret(pair)), &url);
        let get = fetch.get(url.clone());
        drop(
            get.secret_header("authorization", secret.clone())
                .send()
                .await,
        );
        drop(fetch.post_secret(url, secret).send().await);
    }
}

fn direct_secret(pair: usize) -> String {
    format!("a-direct-secret-of-{pair}")
}

fn assert_nothing_got_lost(fleet: &HostileFleet, seed: u64) {
    for pair in 0..PAIRS {
        let registry = [fleet.registry(pair)];
        for reached in fleet.reached_by(&secret(pair)) {
            assert!(
                fleet.pair(pair).contains(&reached),
                "seed {seed}: secret {pair} at {reached}"
            );
        }
        for secret in [token_of(pair), direct_secret(pair)] {
            for reached in fleet.reached_by(&secret) {
                assert!(
                    registry.contains(&reached),
                    "seed {seed}: {secret} at {reached}"
                );
            }
        }
    }
    // A registry token is sent to the registry alone.
    assert!(fleet.reached_by(&secret(2)).len() <= 1, "seed {seed}");
}

#[tokio::test]
async fn no_server_sees_the_secret_of_another() {
    let mut delivered = [0; PAIRS];
    let mut requests = 0;
    for seed in 0..SEEDS {
        let fleet = HostileFleet::start(PAIRS, seed);
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("config.json"), docker_config(&fleet)).unwrap();
        let vars: Vars = [("DOCKER_CONFIG", home.path().to_str().unwrap())]
            .into_iter()
            .collect();
        let world = World::for_tests_with(Duration::ZERO, vars);
        for _ in 0..ROUNDS {
            ask_registries(&fleet, &world).await;
            ask_directly(&fleet, &world).await;
        }
        assert_nothing_got_lost(&fleet, seed);
        requests += fleet.requests();
        for (pair, count) in delivered.iter_mut().enumerate() {
            *count += fleet.reached_by(&secret(pair)).len();
        }
    }
    // The test would prove nothing if no secret was sent at all.
    assert!(
        delivered.iter().all(|count| *count > 0),
        "{delivered:?} of {requests} requests"
    );
}
