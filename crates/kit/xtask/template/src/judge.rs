//! Decides whether the file is good.

use contract::Reason;

use crate::{
    observe::Observation,
    reasons::{FILE_EMPTY, FILE_MISSING},
    request::Request,
};

/// What the observation means for the request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Good { size: u64 },
    Bad(Reason),
}

pub(crate) fn judge(_request: &Request, observation: &Observation) -> Judgement {
    match observation.size {
        None => Judgement::Bad(FILE_MISSING),
        Some(0) => Judgement::Bad(FILE_EMPTY),
        Some(size) => Judgement::Good { size },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge_size(size: Option<u64>) -> Judgement {
        let request = Request {
            file: "kustomization.yaml".into(),
        };
        judge(&request, &Observation { size })
    }

    #[test]
    fn a_file_needs_content() {
        assert_eq!(judge_size(Some(7)), Judgement::Good { size: 7 });
        assert_eq!(judge_size(Some(0)), Judgement::Bad(FILE_EMPTY));
        assert_eq!(judge_size(None), Judgement::Bad(FILE_MISSING));
    }
}
