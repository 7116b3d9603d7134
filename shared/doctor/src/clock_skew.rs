use crate::{
    checks::Checks,
    diagnosis::{Change, Diagnosis, SettingNames},
    http_probe::ProbeResponse,
};

/// How far two clocks may differ before tokens are rejected.
#[derive(Clone, Copy, Debug)]
pub struct Leeway<'a> {
    /// The tolerance in seconds.
    pub seconds: u32,
    /// The setting of the tolerance, if there is one.
    pub setting: Option<(&'a SettingNames, &'a str)>,
}

/// Returns how far the other clock is ahead of ours in seconds: at least, and most likely. Negative
/// if it is behind.
///
/// The `Date` header has whole seconds, rounded down, from some moment between request and
/// response. What this uncertainty explains does not count as a difference.
fn skew(reply: &ProbeResponse) -> Option<(i64, i64)> {
    let date = reply.date?.saturating_mul(1_000_000);
    let [before, after] = reply.between;
    let (lowest, highest) =
        (date.saturating_sub(after), date.saturating_add(1_000_000).saturating_sub(before));
    if lowest <= 0 && highest >= 0 {
        return Some((0, 0));
    }
    let nearer = if lowest > 0 { lowest } else { highest };
    let middle = lowest.midpoint(highest);
    Some((nearer / 1_000_000, (middle + middle.signum() * 500_000) / 1_000_000))
}

pub(crate) fn check_clock(
    checks: &mut Checks,
    name: &str,
    reply: &ProbeResponse,
    leeway: Leeway<'_>,
) {
    let Some((minimum, likely)) = skew(reply) else {
        return checks.skip(name, "the response has no Date header");
    };
    let seconds = i64::from(leeway.seconds);
    if minimum.abs() <= seconds {
        let message = match likely {
            0 => "no difference".to_owned(),
            ahead => format!("{}, within the leeway of {seconds} s", describe(ahead)),
        };
        return checks.ok(name, message);
    }
    let advice = "synchronize both clocks (NTP): tokens would be rejected as expired or issued in the future";
    let change = match leeway.setting {
        Some((names, setting)) => {
            names.change(setting, format!("{advice}; this setting is the tolerance"))
        }
        None => Change::elsewhere(advice),
    };
    let compared = "the Date header of the issuer's response and this machine's clock";
    let expected = format!("a difference of {seconds} s at most");
    checks.warn(
        name,
        describe(likely),
        Diagnosis::new(compared, expected, describe(likely), change),
    );
}

fn describe(ahead: i64) -> String {
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
    fn rounding_and_network_delay_are_no_difference() {
        for between in
            [[100_000_000, 100_000_001], [100_999_999, 101_000_000], [99_500_000, 102_000_000]]
        {
            assert_eq!(skew(&reply(100, between)), Some((0, 0)), "{between:?}");
        }
    }

    #[test]
    fn likely_difference_is_the_middle_of_the_possible_range() {
        // Ours is 90.0, theirs something from 100.0 to 100.999: between 10 and 11 seconds ahead.
        assert_eq!(skew(&reply(100, [90_000_000, 90_000_000])), Some((10, 11)));
        assert_eq!(skew(&reply(100, [90_600_000, 90_600_000])), Some((9, 10)));
        assert_eq!(skew(&reply(100, [110_400_000, 110_400_000])), Some((-9, -10)));
    }
}
