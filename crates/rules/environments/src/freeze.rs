//! `.github/freeze.yaml`: environments that no bump may change for a time.

use std::{fmt, str::FromStr, time::SystemTime};

use jiff::{Timestamp, Zoned};

use crate::{InvalidFile, tree::TreeNode};

/// The path of the file, from the root of the repository with the overlays.
pub const FREEZE_PATH: &str = ".github/freeze.yaml";

/// All freezes of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Freezes(Vec<Freeze>);

/// A time in which no bump may change some environments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// Names of the environments; `*` is all of them.
    pub environments: Vec<String>,
    /// Its reason, for people.
    pub reason: String,
    /// The person or team that ordered it.
    pub by: String,
    /// Its first instant; `None` for one that began with the commit.
    from: Option<Timestamp>,
    /// The instant at which it is over.
    until: Timestamp,
    /// The end as the file gives it: `2026-12-27T09:00[Europe/Berlin]`.
    pub until_text: String,
    /// Accounts whose bumps pass.
    pub exempt: Vec<String>,
}

impl Freezes {
    /// Returns whether the file names no freeze.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the freeze that holds for an environment now, the one that ends last; `None` when none
    /// does, or the account is exempt from all that do.
    pub fn of(&self, environment: &str, now: SystemTime, account: Option<&str>) -> Option<&Freeze> {
        let holding = self.0.iter().filter(|freeze| {
            freeze.is_about(environment) && freeze.holds(now) && !freeze.exempts(account)
        });
        holding.max_by_key(|freeze| freeze.until)
    }
}

impl Freeze {
    fn is_about(&self, environment: &str) -> bool {
        self.environments
            .iter()
            .any(|name| name == "*" || name == environment)
    }

    /// A clock that jiff cannot read is before every end: a freeze that may hold does hold.
    fn holds(&self, now: SystemTime) -> bool {
        let Ok(now) = Timestamp::try_from(now) else {
            return true;
        };
        self.from.is_none_or(|from| from <= now) && now < self.until
    }

    /// GitHub's names of accounts have no case.
    fn exempts(&self, account: Option<&str>) -> bool {
        account.is_some_and(|account| {
            let same = |name: &String| name.eq_ignore_ascii_case(account);
            self.exempt.iter().any(same)
        })
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            reason,
            by,
            until_text,
            ..
        } = self;
        write!(f, "{reason} (by {by}, until {until_text})")
    }
}

impl FromStr for Freezes {
    type Err = InvalidFile;

    fn from_str(text: &str) -> Result<Self, InvalidFile> {
        let file = TreeNode::read(text)?;
        file.only(&["freezes"])?;
        let freezes = file.get("freezes")?.list()?.iter().map(freeze);
        Ok(Self(freezes.collect::<Result<_, _>>()?))
    }
}

const KEYS: [&str; 6] = ["environments", "reason", "by", "from", "until", "exempt"];

fn freeze(entry: &TreeNode) -> Result<Freeze, InvalidFile> {
    entry.only(&KEYS)?;
    let text = |key| entry.get(key)?.text().map(str::to_owned);
    let environments = entry.get("environments")?;
    if environments.texts()?.is_empty() {
        let fault = "an empty list of environments freezes nothing: name them, or write `\"*\"`";
        return Err(InvalidFile::on(environments.line, fault));
    }
    let end = entry.get("until")?;
    let (from, until) = (entry.find("from")?.map(instant).transpose()?, instant(end)?);
    if from.is_some_and(|from| from >= until) {
        return Err(InvalidFile::on(
            end.line,
            "the freeze ends before it begins",
        ));
    }
    let exempt = entry.find("exempt")?.map(TreeNode::texts).transpose()?;
    Ok(Freeze {
        environments: environments.texts()?,
        reason: text("reason")?,
        by: text("by")?,
        from,
        until,
        until_text: text("until")?,
        exempt: exempt.unwrap_or_default(),
    })
}

/// Reads a time with its zone or offset. A local time that a change of the clocks leaves out is the
/// one after the change; of one that happens twice, the first (RFC 5545, section 3.3.5).
fn instant(node: &TreeNode) -> Result<Timestamp, InvalidFile> {
    let text = node.text()?;
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Ok(zoned.timestamp());
    }
    text.parse::<Timestamp>().map_err(|_| {
        let fault = format!(
            "`{text}` is not a time: write it with a zone that this machine knows, as \
             `2026-12-27T09:00[Europe/Berlin]`, or with an offset, as `2026-12-27T09:00+01:00`"
        );
        InvalidFile::on(node.line, fault)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const FREEZE: &str = "\
freezes:
  - environments: [prod]
    reason: holidays
    by: ops
    from: 2026-12-23T18:00[Europe/Berlin]
    until: 2026-12-27T09:00+01:00
    exempt: [Release-Bot]
";

    fn at(text: &str) -> SystemTime {
        let seconds = text.parse::<Timestamp>().unwrap().as_second();
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap())
    }

    fn holds(text: &str, environment: &str, now: &str, account: Option<&str>) -> bool {
        let freezes: Freezes = text.parse().unwrap();
        freezes.of(environment, at(now), account).is_some()
    }

    #[test]
    fn a_freeze_begins_and_ends_by_itself() {
        for (now, expected) in [
            ("2026-12-23T16:59:59Z", false),
            ("2026-12-23T17:00:00Z", true),
            ("2026-12-27T07:59:59Z", true),
            ("2026-12-27T08:00:00Z", false),
        ] {
            assert_eq!(holds(FREEZE, "prod", now, None), expected, "{now}");
            assert!(!holds(FREEZE, "stage", now, None), "{now}");
        }
        let open = FREEZE.replace("    from: 2026-12-23T18:00[Europe/Berlin]\n", "");
        assert!(holds(&open, "prod", "2000-01-01T00:00:00Z", None));
        let all = FREEZE.replace("[prod]", "[\"*\"]");
        assert!(holds(&all, "stage", "2026-12-24T00:00:00Z", None));
    }

    #[test]
    fn an_exempt_account_passes() {
        let holds = |account| holds(FREEZE, "prod", "2026-12-24T00:00:00Z", account);
        assert!(holds(None) && holds(Some("other")));
        assert!(!holds(Some("release-bot")));
    }

    #[test]
    fn clocks_that_change_move_no_end() {
        // Berlin: 02:00 to 03:00 is left out on 2026-03-29, and happens twice on 2026-10-25.
        for (until, last, over) in [
            (
                "2026-03-29T02:30[Europe/Berlin]",
                "2026-03-29T01:29:59Z",
                "2026-03-29T01:30:00Z",
            ),
            (
                "2026-03-29T03:30[Europe/Berlin]",
                "2026-03-29T01:29:59Z",
                "2026-03-29T01:30:00Z",
            ),
            (
                "2026-10-25T02:30[Europe/Berlin]",
                "2026-10-25T00:29:59Z",
                "2026-10-25T00:30:00Z",
            ),
            (
                "2026-10-25T02:30+01:00",
                "2026-10-25T01:29:59Z",
                "2026-10-25T01:30:00Z",
            ),
        ] {
            let text = format!(
                "freezes:\n- {{ environments: [prod], reason: r, by: b, until: '{until}' }}\n"
            );
            assert!(holds(&text, "prod", last, None), "{until}");
            assert!(!holds(&text, "prod", over, None), "{until}");
        }
    }

    #[test]
    fn a_file_that_is_not_understood_is_invalid() {
        for (from, to, expected) in [
            (
                "until: 2026-12-27T09:00+01:00",
                "until: 2026-12-27T09:00",
                "line 6: `2026-12-27T09:00` is not a time",
            ),
            (
                "until: 2026-12-27T09:00+01:00",
                "until: tomorrow",
                "line 6: `tomorrow` is not a time",
            ),
            (
                "Europe/Berlin",
                "Europe/Berlim",
                "line 5: `2026-12-23T18:00[Europe/Berlim]` is not a time",
            ),
            (
                "2026-12-27T09:00+01:00",
                "2026-12-20T09:00+01:00",
                "line 6: the freeze ends before it begins",
            ),
            ("[prod]", "[]", "line 2: an empty list of environments"),
            (
                "exempt",
                "exemt",
                "line 7: unknown key `exemt`; did you mean `exempt`?",
            ),
            ("    by: ops\n", "", "line 2: the key `by` is missing"),
            (
                "freezes:",
                "freeze:",
                "line 1: unknown key `freeze`; did you mean `freezes`?",
            ),
        ] {
            let error = FREEZE.replacen(from, to, 1).parse::<Freezes>().unwrap_err();
            assert!(error.to_string().starts_with(expected), "{to}: {error}");
        }
        assert!("".parse::<Freezes>().is_err());
        assert!("freezes: []\n".parse::<Freezes>().is_ok());
    }
}
