use std::time::Instant;

use super::{
    Gpu, GpuLimits, GpuSample, GpuState, Load, Saturation,
    gate::{Gate, Smoothed},
    limit::SessionLimit,
    others::Others,
};

/// The clips of this worker that have a session, or are about to open theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// How many they are.
    pub sessions: u32,
    /// How heavy they are together.
    pub load: Load,
}

/// Decides how many clips a GPU takes now. Holds what it has seen, and neither looks at a clock nor at the GPU itself.
#[derive(Clone, Debug)]
pub struct Admission {
    limits: GpuLimits,
    is_slice: bool,
    most_load: Load,
    /// What one clip has weighed lately.
    clip: Load,
    others: Others,
    sessions: SessionLimit,
    utilization: Smoothed,
    busy: Gate,
    used_up: Gate,
    short_of_memory: Gate,
}

/// What a session takes of the GPU's memory, in MB: 540 to 680 MiB were measured for 1080p at the preset p7.
const SESSION_MB: u64 = 650;

/// How much better a figure must be than its limit for the GPU to be open again, in percent of the limit.
const MARGIN: u64 = 10;

/// The same for what is left of the encoder, in percent of all of it.
const CAPACITY_MARGIN: u8 = 5;

impl Admission {
    /// Nothing seen yet, of a whole GPU with one engine until [`Self::pin`] says more.
    pub fn new(limits: GpuLimits) -> Self {
        Self {
            limits,
            is_slice: false,
            most_load: Load::ENGINE,
            clip: Load::FULL_HD,
            others: Others::default(),
            sessions: SessionLimit::new(limits.max_sessions),
            utilization: Smoothed::default(),
            busy: Gate::default(),
            used_up: Gate::default(),
            short_of_memory: Gate::default(),
        }
    }

    /// Tells which GPU it is.
    pub fn pin(&mut self, gpu: &Gpu) {
        self.is_slice = gpu.is_slice();
        self.most_load = Load::ENGINE.times(gpu.engines().unwrap_or(1));
    }

    /// How many clips the GPU takes beside those at hand.
    ///
    /// Asked after each sample, and with the last one whenever a clip begins or ends. A sample may be some hundred
    /// milliseconds behind what was begun.
    pub fn admit(&mut self, now: Instant, sample: &GpuSample, own: Own) -> GpuState {
        let others = self.others.update(now, sample.sessions, own.sessions);
        let open = own.sessions.saturating_add(others);
        self.sessions.begun(own.sessions);
        self.sessions.opened(sample.sessions.min(open));
        let unseen = open.saturating_sub(sample.sessions);
        // What refuses a session first, then what only slows it down.
        let bounds = [
            (self.sessions.room(now, open), self.sessions.state(open)),
            (self.room_by_memory(sample.free_memory_mb, unseen), GpuState::OutOfMemory),
            (self.room_by_load(own), GpuState::Saturated { by: Saturation::Load }),
            (self.room_by_capacity(sample.capacity_percent), GpuState::Saturated { by: Saturation::Capacity }),
            (
                self.room_by_utilization(now, sample.utilization_percent),
                GpuState::Saturated { by: Saturation::Utilization },
            ),
        ];
        // A GPU without an encoder looks like an idle one in all else; one that is used up has sessions.
        if sample.capacity_percent.is_none_or(|percent| percent == 0 && sample.sessions == 0 && own.sessions == 0) {
            return if self.is_slice { GpuState::MigSlice } else { GpuState::NoEncoder };
        }
        let free_slots = bounds.iter().map(|(room, _)| *room).min().unwrap_or(0);
        let full = bounds.into_iter().find(|(room, _)| *room == 0);
        full.map_or(GpuState::Ready { free_slots }, |(_, state)| state)
    }

    /// Whether a clip of that load may be begun beside those at hand, which may weigh less than it.
    pub fn fits(&self, own: Own, load: Load) -> bool {
        // One alone is taken however heavy it is, or else it would never be encoded.
        own.sessions == 0 || self.most_load.room(own.load, load) > 0
    }

    /// Learns from a session that the driver refused while so many were open, those of others among them; with none
    /// of our own, others hold all that the driver allows, and may be on other GPUs of the system.
    pub fn refused(&mut self, now: Instant, sessions: u32) {
        self.sessions.refused(now, sessions);
    }

    /// Learns from a session that was opened, so many with it, those of others among them.
    pub fn opened(&mut self, sessions: u32) {
        self.sessions.opened(sessions);
    }

    fn room_by_load(&mut self, own: Own) -> u32 {
        if own.sessions == 0 {
            // See `fits`.
            return self.most_load.room(own.load, self.clip).max(1);
        }
        self.clip = own.load.each_of(own.sessions);
        self.most_load.room(own.load.max(Load::LEAST.times(own.sessions)), self.clip)
    }

    fn room_by_memory(&mut self, free_mb: u64, unseen: u32) -> u32 {
        let least = self.limits.min_free_memory_mb;
        let free = free_mb.saturating_sub(SESSION_MB * u64::from(unseen));
        if self.short_of_memory.is_closed(free < least, free >= least + least * MARGIN / 100) {
            return 0;
        }
        u32::try_from(1 + free.saturating_sub(least) / SESSION_MB).unwrap_or(u32::MAX)
    }

    fn room_by_capacity(&mut self, percent: Option<u8>) -> u32 {
        let (percent, least) = (percent.unwrap_or(0), self.limits.min_capacity_percent);
        let better = percent >= least.saturating_add(CAPACITY_MARGIN).min(100);
        if self.used_up.is_closed(percent < least, better) { 0 } else { u32::MAX }
    }

    fn room_by_utilization(&mut self, now: Instant, percent: Option<u8>) -> u32 {
        let Some(percent) = self.utilization.update(now, percent.map(f64::from)) else {
            self.busy = Gate::default();
            return u32::MAX;
        };
        let most = f64::from(self.limits.max_utilization_percent);
        let calm = percent <= most * (100 - MARGIN) as f64 / 100.0;
        match self.busy.is_closed(percent > most, calm) {
            true => 0,
            // The figure lags behind what is begun, so near the limit clips are begun one by one.
            false if !calm => 1,
            false => u32::MAX,
        }
    }
}
