//! What was measured, for people.

use std::fmt::Write as _;

use langflix_domain::Prices;

use super::{
    advice::figure,
    measure::Measured,
    provider::Asking,
    told::{Result, reason, title},
    trials::Trial,
};
use crate::fleet::Table;

/// All that was measured of encoders. `rate` is the source's, in frames a second.
pub(super) fn encoders(trials: &[(Trial, Result)], rate: f64) -> String {
    let heads = [
        "ENCODER",
        "PRESET",
        "CRF/CQ#",
        "AT ONCE#",
        "THREADS#",
        "CLIPS/S#",
        "TIMES#",
        "FPS#",
        "CPU S/CLIP#",
        "PEAK MB#",
        "MB/MIN#",
    ];
    let mut table = Table::new(&heads);
    let mut failed = String::new();
    for (trial, result) in trials {
        let encode = &trial.encode;
        let way = [
            encode.codec.as_str().to_owned(),
            encode.preset.clone(),
            encode.crf.to_string(),
            trial.slots.to_string(),
            encode.threads.to_string(),
        ];
        let numbers = match result {
            Ok(measured) => numbers(measured, rate),
            Err(why) => {
                let _written = writeln!(failed, "{}: {}", title(trial), reason(why));
                [const { String::new() }; 6].map(|_| "-".to_owned())
            }
        };
        table.row(way.into_iter().chain(numbers));
    }
    format!("{}{failed}", table.render())
}

fn numbers(measured: &Measured, rate: f64) -> [String; 6] {
    let or_dash = |number: Option<f64>| number.map_or("-".to_owned(), figure);
    [
        figure(measured.clips_a_second()),
        figure(measured.speed()),
        figure(measured.speed() * rate),
        or_dash(measured.cpu_a_clip()),
        measured.peak.map_or("-".to_owned(), |bytes| (bytes / 1_000_000).to_string()),
        figure(measured.bytes_a_minute() / 1e6),
    ]
}

/// All that was measured of the provider.
pub(super) fn provider(asking: &Asking, prices: Option<&Prices>) -> String {
    let heads = ["AT ONCE#", "CHUNKS#", "CHUNKS/S#", "P50 S#", "P95 S#", "TOKENS IN#", "OUT#", "COST#", "ERRORS"];
    let mut table = Table::new(&heads);
    let mut said = String::new();
    for level in &asking.levels {
        let seconds = |percent| level.latency(percent).map_or("-".to_owned(), |took| figure(took.as_secs_f64()));
        let answers = level.answers.len() as u64;
        let each = |tokens: u64| tokens.checked_div(answers).map_or("-".to_owned(), |tokens| tokens.to_string());
        let cost = prices.map(|prices| format!("{:.4} {}", prices.amount(level.usage), prices.currency));
        let mut errors: Vec<String> = level.errors.iter().map(|(kind, (count, _))| format!("{kind} {count}")).collect();
        errors.extend((level.unanswered > 0).then(|| format!("not answered in time {}", level.unanswered)));
        table.row([
            level.at_once.to_string(),
            answers.to_string(),
            figure(level.rate()),
            seconds(50),
            seconds(95),
            each(level.usage.input_tokens),
            each(level.usage.output_tokens),
            cost.unwrap_or_else(|| "-".to_owned()),
            errors.join(", "),
        ]);
        for (_, message) in level.errors.values() {
            if !said.contains(message.as_str()) {
                let _written = writeln!(said, "{message}");
            }
        }
    }
    format!("{}{said}", table.render())
}
