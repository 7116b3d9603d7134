use crate::{
    checks::Checks,
    diagnosis::{Change, Diagnosis, SettingNames},
    http_probe::ProbeResponse,
};

/// How far two clocks may differ before tokens are refused.
#[derive(Clone, Copy, Debug)]
pub struct Leeway<'a> {
    /// In seconds.
    pub seconds: u32,
    /// The setting that says so; none where it is fixed.
    pub setting: Option<(&'a SettingNames, &'a str)>,
}

/// By how much the other clock is ahead of ours, in seconds: at least, and most likely. Negative
/// when it is behind.
///
/// The header tells whole seconds, cut off, at some moment while the answer was on its way. Only
/// what is outside of all that counts as a difference.
fn skew(reply: &ProbeResponse) -> Option<(i64, i64)> {
    let date = reply.date?.saturating_mul(1_000_000);
    let [before, after] = reply.between;
    let (least, most) =
        (date.saturating_sub(after), date.saturating_add(1_000_000).saturating_sub(before));
    if least <= 0 && most >= 0 {
        return Some((0, 0));
    }
    let nearer = if least > 0 { least } else { most };
    let middle = least.midpoint(most);
    Some((nearer / 1_000_000, (middle + middle.signum() * 500_000) / 1_000_000))
}

pub(crate) fn check_clock(
    checks: &mut Checks,
    name: &str,
    reply: &ProbeResponse,
    leeway: Leeway<'_>,
) {
    let Some((least, likely)) = skew(reply) else {
        return checks.skip(name, "the answer has no Date header");
    };
    let seconds = i64::from(leeway.seconds);
    if least.abs() <= seconds {
        let said = match likely {
            0 => "no difference can be seen".to_owned(),
            ahead => format!("{}, within the leeway of {seconds} s", words(ahead)),
        };
        return checks.ok(name, said);
    }
    let advice = "set both clocks by NTP: tokens are refused as expired, or as made in the future";
    let change = match leeway.setting {
        Some((names, setting)) => {
            names.change(setting, format!("{advice}; this is how much is borne"))
        }
        None => Change::elsewhere(advice),
    };
    let compared = "the Date header of the issuer's answer and this machine's clock";
    let expected = format!("a difference of {seconds} s at most");
    checks.warn(name, words(likely), Diagnosis::new(compared, expected, words(likely), change));
}

fn words(ahead: i64) -> String {
    let direction = if ahead < 0 { "behind" } else { "ahead" };
    format!("the issuer's clock is {} s {direction}", ahead.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(date: i64, between: [i64; 2]) -> ProbeResponse {
        ProbeResponse {
            status: 200,
            location: None,
            is_html: false,
            body: Vec::new(),
            date: Some(date),
            between,
        }
    }

    #[test]
    fn what_rounding_and_the_way_explain_is_no_difference() {
        for between in
            [[100_000_000, 100_000_001], [100_999_999, 101_000_000], [99_500_000, 102_000_000]]
        {
            assert_eq!(skew(&reply(100, between)), Some((0, 0)), "{between:?}");
        }
    }

    #[test]
    fn a_difference_is_rounded_to_the_middle_of_what_is_possible() {
        // Ours is 90.0, theirs something from 100.0 to 100.999: between 10 and 11 seconds ahead.
        assert_eq!(skew(&reply(100, [90_000_000, 90_000_000])), Some((10, 11)));
        assert_eq!(skew(&reply(100, [90_600_000, 90_600_000])), Some((9, 10)));
        assert_eq!(skew(&reply(100, [110_400_000, 110_400_000])), Some((-9, -10)));
    }
}
