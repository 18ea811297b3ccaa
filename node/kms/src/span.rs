//! The arguments that say for how long a grant is paid, or renewed.

use clap::Args;
use kms_client::Span;

use crate::failure::{Failure, Outcome};
use crate::time::{Moment, Seconds};

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SpanArgs {
    /// For how many periods
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["duration", "until"])]
    periods: Option<u32>,
    /// For how long: 90m, 12h, 30d, 4w; as many whole periods as hold it
    #[arg(
        long = "for",
        id = "duration",
        value_name = "TIME",
        conflicts_with = "until"
    )]
    duration: Option<Seconds>,
    /// Until then: 2026-12-24, 2026-12-24T18:30Z (UTC), or seconds since 1970; a date is its first
    /// moment
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
}

impl SpanArgs {
    /// The span that the arguments name.
    pub(crate) fn span(self) -> Outcome<Span> {
        match (self.periods, self.duration, self.until) {
            (Some(periods), ..) => Ok(Span::Periods(periods)),
            (None, Some(Seconds(seconds)), _) => Ok(Span::Seconds(seconds)),
            (None, None, Some(Moment(time))) => Ok(Span::Until(time)),
            (None, None, None) => Err(Failure::usage(
                "it must be said for how long: --periods NUMBER, --for 30d or --until 2026-12-24",
            )),
        }
    }
}
