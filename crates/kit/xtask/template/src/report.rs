//! Reports the judgement: the verdict in words, hints, and the facts.

use contract::Report;

use crate::{Facts, judge::Judgement, request::Request};

pub(crate) fn report(request: &Request, judgement: &Judgement) -> Report {
    let path = request.file.display();
    let report = match judgement {
        Judgement::Good { size } => Report::passed(format!("`{path}` has {size} bytes")),
        Judgement::Bad(reason) => {
            Report::refused(*reason, format!("`{path}`: {}", reason.meaning))
                .hinted("commit the file, or pass another one as `--file`")
        }
    };
    report.with_facts(&facts(judgement))
}

fn facts(judgement: &Judgement) -> Facts {
    let size = match judgement {
        Judgement::Good { size } => Some(*size),
        Judgement::Bad(_) => None,
    };
    Facts { size }
}
