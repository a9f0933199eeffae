//! A boxed future that stays on its thread.

use std::{future::Future, pin::Pin};

/// A boxed future without a `Send` bound: a step and its effects run on one thread.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
