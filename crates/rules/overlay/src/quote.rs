//! Whether a value needs quotes so that kustomize reads it as text.

/// Whether kustomize's decoder reads this plain scalar as a number, a boolean, a date, or null,
/// which silently drops the override.
///
/// Measured against kustomize: YAML 1.1 with Go's extras. An extra quote is harmless, a missing one
/// is an outage, so a doubtful value (`1e309`, `123e4567`) does not count as text.
pub(crate) fn reads_as_other(plain: &str) -> bool {
    const WORDS: [&str; 11] = [
        "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n",
    ];
    let is_word = plain.len() <= 5 && WORDS.iter().any(|word| word.eq_ignore_ascii_case(plain));
    is_word || reads_as_number(plain) || starts_like_a_date(plain)
}

/// Returns the value as a plain scalar, or in double quotes where a plain one is not that text.
pub(crate) fn plain_or_quoted(value: &str) -> String {
    let starts_as_text = value.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if starts_as_text && !reads_as_other(value) {
        value.to_owned()
    } else {
        format!("\"{value}\"")
    }
}

/// `[+-]?[0-9]*([.][0-9]*)?([eE][-+]?[0-9]+)?`, `0x…`, `0o…`, `0b…`, `.inf` and `.nan`, underscores
/// anywhere: Go removes them all before it decides, so `0_x1` is a number as well.
fn reads_as_number(plain: &str) -> bool {
    if !plain.starts_with([
        '+', '-', '.', '_', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
    ]) {
        return false;
    }
    let bare = plain.replace('_', "");
    let word = bare.strip_prefix(['+', '-']).unwrap_or(&bare);
    match word.as_bytes() {
        [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', ..] => true,
        [b'.', ..]
            if [".inf", ".nan"]
                .iter()
                .any(|name| name.eq_ignore_ascii_case(word)) =>
        {
            true
        }
        _ => reads_as_decimal(word),
    }
}

fn reads_as_decimal(word: &str) -> bool {
    let (mantissa, exponent) = word.split_once(['e', 'E']).unwrap_or((word, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_complete = !exponent.is_empty() && (!whole.is_empty() || !fraction.is_empty());
    is_complete && [whole, fraction, exponent].into_iter().all(is_digits)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the text begins with a year, `-` and another digit.
fn starts_like_a_date(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() > 5
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[5].is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_booleans_dates_and_null_get_quotes() {
        let other = "0123 08 00 20240101 1.10 0.1 1. 1.e3 1e3 553640e6 1e-3 1E5 0x1F 0b11 0o17 \
                     1_000 1__0 1_ 4e2_ true True TRUE false yes Yes YES no on off y Y n N \
                     null Null NULL 2024-01-01 2024-1-1 1234567 0_x1F 1e-_5 1e_-5 0_b1 1_._5";
        for tag in other.split_whitespace() {
            assert_eq!(plain_or_quoted(tag), format!("\"{tag}\""));
        }
    }

    #[test]
    fn text_stays_plain() {
        let text = "1.2.3 v1 sha-51c0cc9c inf NaN 1-2 _ 1e 1e1.0 0.1.2 e1 nan yesterday 12ab e3 \
                    _e3 20240101-abc 1.2.3-rc.1 latest";
        for tag in text.split_whitespace() {
            assert_eq!(plain_or_quoted(tag), tag);
        }
    }
}
