//! What a collector that is away costs. A process tells events to one place only, so this test has one of its own.

// Clippy allows `unwrap` in tests only where it sees that they are tests.
#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
        time::{Duration, Instant},
    };

    use langflix_runtime::{
        config::{Config, Sources},
        telemetry::{Export, Settings, Verbosity, init_with},
        trace::Span,
    };

    /// More than wait for a collector.
    const SPANS: u64 = 20_000;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_collector_that_is_away_costs_a_line_and_no_time() {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let environment = [("OTLP_ENDPOINT", format!("http://{gone}")), ("SAMPLE_RATIO", "1".to_owned())];
        let environment = environment.map(|(key, value)| (format!("LANGFLIX__TELEMETRY__{key}"), value)).into();
        let config = Config::load(&Sources { environment, ..Sources::default() }).unwrap();
        let export = Export::of(&config.telemetry, "test", "0");
        let page = Page::default();
        let writer = page.clone();
        let settings = Settings { json: true, verbosity: Verbosity::Verbose, export, ..Settings::default() };
        let exporting = init_with(&settings, move || writer.clone()).unwrap();

        let began = Instant::now();
        for number in 0..SPANS {
            drop(Span::begin(None, || format!("task {number}")));
        }
        let lasted = began.elapsed();
        assert!(lasted < Duration::from_secs(2), "{lasted:?} for spans that nobody takes");
        let began = Instant::now();
        drop(exporting);
        let lasted = began.elapsed();
        assert!(lasted < Duration::from_secs(4), "the process ended after {lasted:?}");

        let said = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let lost: u64 = lines.iter().map(|line| line["lost"].as_u64().unwrap()).sum();
        // The first batch, and what was left at the end.
        assert!(lost == SPANS && lines.len() <= 2, "{said}");
        assert!(lines.iter().all(|line| line["level"] == "WARN" && line["why"].is_string()), "{said}");
        assert!(said.contains("the collector is not reached") && said.contains("Connection refused"), "{said}");
    }
}
