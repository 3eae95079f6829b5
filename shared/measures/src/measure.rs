use std::{fmt, marker::PhantomData, time::Duration};

use metrics::{Key, Level, Metadata, Unit};

use crate::label::Labels;

/// What is known of a measure before anything is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Description {
    /// Its name, which ends with its unit.
    pub name: &'static str,
    /// What it measures, in one line.
    pub help: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its labels' names.
    pub labels: &'static [&'static str],
}

/// What a measure is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Is what it was last said to be.
    Gauge,
    /// Values, counted by these upper bounds.
    Histogram(&'static [f64]),
}

/// A measure that only grows.
pub struct Counter<L> {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) labels: PhantomData<fn(L)>,
}

/// A measure that is what it was last said to be.
pub struct Gauge<L> {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) labels: PhantomData<fn(L)>,
}

/// A measure of many values.
pub struct Histogram<L> {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) bounds: &'static [f64],
    pub(crate) labels: PhantomData<fn(L)>,
}

const METADATA: Metadata<'static> = Metadata::new("langflix", Level::INFO, None);

fn key(name: &'static str, labels: &impl Labels) -> Key {
    Key::from_parts(name, labels.pairs())
}

impl<L: Labels> Counter<L> {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// It has grown by so much.
    pub fn add(&self, labels: L, by: u64) {
        self.of(&labels).increment(by);
    }

    /// The one with these labels, for who counts often. It exists from now on: what begins at its first event hides that
    /// event from whoever looks at its increase.
    pub fn of(&self, labels: &L) -> metrics::Counter {
        metrics::with_recorder(|recorder| recorder.register_counter(&key(self.name, labels), &METADATA))
    }
}

impl<L: Labels> Gauge<L> {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// It is so much now.
    pub fn set(&self, labels: L, to: f64) {
        self.of(&labels).set(to);
    }

    /// The one with these labels, for who sets it often.
    pub fn of(&self, labels: &L) -> metrics::Gauge {
        metrics::with_recorder(|recorder| recorder.register_gauge(&key(self.name, labels), &METADATA))
    }
}

impl<L: Labels> Histogram<L> {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// One more value.
    pub fn record(&self, labels: L, value: f64) {
        self.of(&labels).record(value);
    }

    /// One more duration, in seconds.
    pub fn took(&self, labels: L, time: Duration) {
        self.record(labels, time.as_secs_f64());
    }

    /// The one with these labels, for who records often.
    pub fn of(&self, labels: &L) -> metrics::Histogram {
        metrics::with_recorder(|recorder| recorder.register_histogram(&key(self.name, labels), &METADATA))
    }
}

/// Any measure, for who describes all of them.
pub(crate) trait Measure: Sync {
    fn description(&self) -> Description;
}

impl<L: Labels> Measure for Counter<L> {
    fn description(&self) -> Description {
        Description { name: self.name, help: self.help, kind: Kind::Counter, labels: L::KEYS }
    }
}

impl<L: Labels> Measure for Gauge<L> {
    fn description(&self) -> Description {
        Description { name: self.name, help: self.help, kind: Kind::Gauge, labels: L::KEYS }
    }
}

impl<L: Labels> Measure for Histogram<L> {
    fn description(&self) -> Description {
        Description { name: self.name, help: self.help, kind: Kind::Histogram(self.bounds), labels: L::KEYS }
    }
}

impl Description {
    /// Tells the recorder of this process what the measure is.
    pub fn tell(&self) {
        let (name, help) = (self.name.into(), self.help.into());
        metrics::with_recorder(|recorder| match self.kind {
            Kind::Counter => recorder.describe_counter(name, self.unit(), help),
            Kind::Gauge => recorder.describe_gauge(name, self.unit(), help),
            Kind::Histogram(_) => recorder.describe_histogram(name, self.unit(), help),
        });
    }

    fn unit(&self) -> Option<Unit> {
        match self.name.trim_end_matches("_total").rsplit('_').next()? {
            "seconds" => Some(Unit::Seconds),
            "bytes" => Some(Unit::Bytes),
            "percent" => Some(Unit::Percent),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        })
    }
}
