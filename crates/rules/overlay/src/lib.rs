//! Kustomization text in, edited text out: the smallest change, proven before it is returned.
//!
//! ```
//! use overlay::{EditOptions, ImageUpdate, edit};
//!
//! let text = "images:\n  - name: app\n    newTag: v1    # set by the pipeline\n";
//! let update = ImageUpdate {
//!     names: vec!["app".into()],
//!     tag: Some("v2".into()),
//!     ..ImageUpdate::default()
//! };
//! let edited = edit(text.as_bytes(), &[update], &EditOptions::default())?;
//! assert_eq!(edited.text, b"images:\n  - name: app\n    newTag: v2    # set by the pipeline\n");
//! # Ok::<(), overlay::EditRefusal>(())
//! ```
//!
//! A parser that knows the bytes of every value finds the value to replace; all other bytes stay.
//! A second parser then reads both texts and must find exactly the requested difference. The
//! editor refuses an edit that it cannot prove, and returns no text.

mod actions;
mod anchors;
mod argocd_source;
mod create;
mod diff;
mod document;
mod edit;
mod entry;
mod images;
mod lines;
mod locate;
mod options;
mod overlays;
mod plan;
mod prove;
mod quote;
mod read;
pub mod reasons;
mod refusal;
mod replacements;
mod result;
mod splice;
mod token_edit;
mod transformers;
mod update;
mod validate;

pub use diff::Diff;
pub use edit::edit;
pub use entry::{EntryValue, ImageEntry};
pub use options::{EditOptions, Pin};
pub use overlays::{Overlay, OverlayRefusal, directory_of, environment, is_kustomization, unique};
pub use read::{EffectiveEntry, find, image_in, read, taking_effect};
pub use refusal::{EditRefusal, EditRefusalKind};
pub use result::{EditResult, EntryOutcome, EntryResult};
pub use update::ImageUpdate;
