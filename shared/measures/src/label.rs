use langflix_domain::{EpisodeStatus, Gpu, VideoCodec};
use langflix_ports::queue::Place;
use metrics::SharedString;

/// A label's value. There are few of each sort: they come from the code or from the configuration, never from input.
pub trait Label {
    /// The label's name.
    const KEY: &'static str;

    /// The value.
    fn value(&self) -> SharedString;
}

/// The labels of a measure.
pub trait Labels {
    /// Their names.
    const KEYS: &'static [&'static str];

    /// Names and values.
    fn pairs(&self) -> Vec<metrics::Label>;
}

impl Labels for () {
    const KEYS: &'static [&'static str] = &[];

    fn pairs(&self) -> Vec<metrics::Label> {
        Vec::new()
    }
}

impl<A: Label> Labels for (A,) {
    const KEYS: &'static [&'static str] = &[A::KEY];

    fn pairs(&self) -> Vec<metrics::Label> {
        vec![pair(&self.0)]
    }
}

impl<A: Label, B: Label> Labels for (A, B) {
    const KEYS: &'static [&'static str] = &[A::KEY, B::KEY];

    fn pairs(&self) -> Vec<metrics::Label> {
        vec![pair(&self.0), pair(&self.1)]
    }
}

impl<A: Label, B: Label, C: Label> Labels for (A, B, C) {
    const KEYS: &'static [&'static str] = &[A::KEY, B::KEY, C::KEY];

    fn pairs(&self) -> Vec<metrics::Label> {
        vec![pair(&self.0), pair(&self.1), pair(&self.2)]
    }
}

impl<A: Label, B: Label, C: Label, D: Label> Labels for (A, B, C, D) {
    const KEYS: &'static [&'static str] = &[A::KEY, B::KEY, C::KEY, D::KEY];

    fn pairs(&self) -> Vec<metrics::Label> {
        vec![pair(&self.0), pair(&self.1), pair(&self.2), pair(&self.3)]
    }
}

fn pair<L: Label>(label: &L) -> metrics::Label {
    metrics::Label::new(L::KEY, label.value())
}

impl Label for Place {
    const KEY: &'static str = "queue";

    fn value(&self) -> SharedString {
        match self {
            Self::Work(name) => SharedString::const_str(name.as_str()),
            Self::Shelf(..) => self.to_string().into(),
        }
    }
}

impl Label for VideoCodec {
    const KEY: &'static str = "encoder";

    fn value(&self) -> SharedString {
        SharedString::const_str(self.as_str())
    }
}

impl Label for EpisodeStatus {
    const KEY: &'static str = "status";

    fn value(&self) -> SharedString {
        SharedString::const_str(self.as_str())
    }
}

/// The GPU that a worker is pinned to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuInfo {
    /// What it is.
    pub gpu: Gpu,
    /// How many encoder engines it has, where that is known.
    pub engines: String,
}

impl Labels for GpuInfo {
    const KEYS: &'static [&'static str] = &["uuid", "name", "pci", "driver", "engines"];

    fn pairs(&self) -> Vec<metrics::Label> {
        let Gpu { uuid, name, pci, driver } = &self.gpu;
        let values = [uuid, name, pci, driver, &self.engines];
        Self::KEYS.iter().zip(values).map(|(key, value)| metrics::Label::new(*key, value.clone())).collect()
    }
}
