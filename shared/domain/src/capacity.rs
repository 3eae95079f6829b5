use std::{num::NonZeroU32, time::Duration};

/// Episodes that are to be made into clips, and how fast that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workload {
    /// How many episodes.
    pub episodes: NonZeroU32,
    /// Clips of each.
    pub clips_per_episode: NonZeroU32,
    /// Clips that one node encodes in a thousand seconds, while it has enough of them.
    pub clips_per_node: NonZeroU32,
    /// From the moment that a node is asked for until it takes its first clip.
    pub node_start: Duration,
    /// What the analysis takes; none where it is not counted in.
    pub analysis: Option<AnalysisPace>,
}

/// How fast a model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnalysisPace {
    /// Requests of each episode, one a chunk.
    pub chunks_per_episode: NonZeroU32,
    /// What the provider takes.
    pub requests_per_minute: NonZeroU32,
}

/// What a number of nodes comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// Nodes that are asked for at the beginning and kept to the end.
    pub nodes: u64,
    /// When the last clip is done.
    pub done_after: Duration,
    /// What all nodes together are there for, their start included.
    pub node_time: Duration,
    /// What takes this long.
    pub bound: CapacityBound,
}

/// What decides when a [`Workload`] is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapacityBound {
    /// The encoding: with more nodes it is done sooner.
    Encoding,
    /// The start of nodes, which takes longer than what they are started for.
    NodeStart,
    /// The analysis: nodes wait for it.
    Analysis,
}

/// No number of nodes is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLate {
    /// When it is done with a node for each clip.
    pub earliest: Duration,
    /// What takes this long.
    pub bound: CapacityBound,
}

impl Workload {
    /// All clips.
    pub fn clips(&self) -> u64 {
        u64::from(self.episodes.get()) * u64::from(self.clips_per_episode.get())
    }

    /// All requests of the analysis, and how long the provider takes them at least; none where it is not counted in.
    pub fn analysis(&self) -> Option<(u64, Duration)> {
        let pace = self.analysis?;
        let requests = u64::from(self.episodes.get()) * u64::from(pace.chunks_per_episode.get());
        let ms = (u128::from(requests) * 60_000).div_ceil(pace.requests_per_minute.get().into());
        Some((requests, millis(ms)))
    }

    /// What so many nodes come to; one at least.
    ///
    /// Episodes are encoded while others are analysed. The clips of the last one can only begin when all is analysed. A
    /// node beyond the number of clips has nothing to do.
    pub fn with(&self, nodes: u64) -> Forecast {
        let nodes = nodes.max(1);
        let encode = self.encode(self.clips(), nodes);
        let by_nodes = self.node_start.saturating_add(encode);
        let last_episode = self.encode(self.clips_per_episode.get().into(), nodes);
        let by_analysis = self.analysis().map(|(_, lasting)| lasting.saturating_add(last_episode));
        let (done_after, bound) = match by_analysis {
            Some(by_analysis) if by_analysis > by_nodes => (by_analysis, CapacityBound::Analysis),
            _ if self.node_start > encode => (by_nodes, CapacityBound::NodeStart),
            _ => (by_nodes, CapacityBound::Encoding),
        };
        let node_time = millis(done_after.as_millis().saturating_mul(nodes.into()));
        Forecast { nodes, done_after, node_time, bound }
    }

    /// The fewest nodes with which it is done in time.
    ///
    /// # Errors
    /// Where no number of nodes is enough.
    pub fn within(&self, limit: Duration) -> Result<Forecast, TooLate> {
        let Forecast { done_after: earliest, bound, .. } = self.with(self.clips());
        if earliest > limit {
            return Err(TooLate { earliest, bound });
        }
        // More nodes are never slower.
        let (mut too_few, mut enough) = (0, self.clips());
        while enough - too_few > 1 {
            let middle = too_few + (enough - too_few) / 2;
            match self.with(middle).done_after <= limit {
                true => enough = middle,
                false => too_few = middle,
            }
        }
        Ok(self.with(enough))
    }

    /// How long `nodes` take over so many clips.
    fn encode(&self, clips: u64, nodes: u64) -> Duration {
        let pace = u128::from(nodes.min(clips)) * u128::from(self.clips_per_node.get());
        millis((u128::from(clips) * 1_000_000).div_ceil(pace))
    }
}

impl Forecast {
    /// What the nodes cost together, in the unit of `hour`, which is the price of one node for an hour.
    pub fn cost(&self, hour: u64) -> u128 {
        const HOUR_MS: u128 = 3_600_000;
        self.node_time.as_millis().saturating_mul(hour.into()).saturating_add(HOUR_MS / 2) / HOUR_MS
    }
}

/// The longest there is where it is longer.
fn millis(ms: u128) -> Duration {
    let seconds = u64::try_from(ms / 1000).ok();
    seconds.map_or(Duration::MAX, |seconds| Duration::from_secs(seconds) + Duration::from_millis((ms % 1000) as u64))
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, strategy::Union};

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn number(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    /// 4800 clips, of which a node encodes one in five seconds.
    fn seasons() -> Workload {
        Workload {
            episodes: number(240),
            clips_per_episode: number(20),
            clips_per_node: number(200),
            node_start: Duration::from_mins(5),
            analysis: None,
        }
    }

    fn analysed_at(requests_per_minute: u32) -> Workload {
        let pace = AnalysisPace { chunks_per_episode: number(30), requests_per_minute: number(requests_per_minute) };
        Workload { analysis: Some(pace), ..seasons() }
    }

    #[test]
    fn nodes_share_the_clips_after_they_have_started() {
        let one = seasons().with(1);
        assert_eq!(one.done_after, Duration::from_secs(4800 * 5 + 300));
        let two = seasons().with(2);
        assert_eq!((two.done_after, two.node_time), (Duration::from_secs(12_300), Duration::from_secs(24_600)));
        assert_eq!(two.bound, CapacityBound::Encoding);
    }

    #[test]
    fn the_fewest_that_are_in_time_are_enough_to_the_millisecond() {
        let exactly = seasons().with(3).done_after;
        assert_eq!(seasons().within(exactly).unwrap().nodes, 3);
        assert_eq!(seasons().within(exactly - Duration::from_millis(1)).unwrap().nodes, 4);
    }

    #[test]
    fn the_analysis_is_waited_for_and_then_one_episode_more() {
        let planned = analysed_at(60).within(3 * HOUR).unwrap();
        assert_eq!((planned.nodes, planned.bound), (3, CapacityBound::Encoding));
        let planned = analysed_at(30).within(5 * HOUR).unwrap();
        assert_eq!((planned.nodes, planned.bound), (2, CapacityBound::Analysis));
        assert_eq!(planned.done_after, 4 * HOUR + Duration::from_secs(50));
    }

    #[test]
    fn what_no_node_helps_against_is_told_with_its_earliest_end() {
        let too_late = TooLate { earliest: 4 * HOUR + Duration::from_secs(5), bound: CapacityBound::Analysis };
        assert_eq!(analysed_at(30).within(4 * HOUR), Err(too_late));
        let too_late = TooLate { earliest: Duration::from_secs(305), bound: CapacityBound::NodeStart };
        assert_eq!(seasons().within(Duration::from_secs(304)), Err(too_late));
        assert_eq!(seasons().within(Duration::from_secs(305)).unwrap().nodes, 4800);
    }

    #[test]
    fn nodes_are_paid_for_from_the_moment_they_are_asked_for() {
        let two = seasons().with(2);
        assert_eq!(two.cost(3_600_000), 24_600_000);
        assert_eq!(Forecast { node_time: Duration::from_millis(1), ..two }.cost(1_800_000), 1, "half is rounded up");
    }

    fn nonzero() -> impl Strategy<Value = NonZeroU32> {
        Union::new([(1..100_u32).boxed(), any::<u32>().boxed()]).prop_map(|any| number(any.max(1)))
    }

    fn workload() -> impl Strategy<Value = Workload> {
        let pace = (nonzero(), nonzero()).prop_map(|(chunks_per_episode, requests_per_minute)| AnalysisPace {
            chunks_per_episode,
            requests_per_minute,
        });
        let all = (nonzero(), nonzero(), nonzero(), any::<u32>(), proptest::option::of(pace));
        all.prop_map(|(episodes, clips_per_episode, clips_per_node, start, analysis)| Workload {
            episodes,
            clips_per_episode,
            clips_per_node,
            node_start: Duration::from_millis(start.into()),
            analysis,
        })
    }

    proptest! {
        #[test]
        fn more_nodes_are_never_slower_and_never_do_less(work in workload(), nodes in any::<u32>(), more in any::<u32>()) {
            let (some, others) = (work.with(nodes.into()), work.with(u64::from(nodes) + u64::from(more)));
            prop_assert!(others.done_after <= some.done_after);
            // What is encoded takes its time however many share it.
            let encoded = u128::from(work.clips()) * 1_000_000 / u128::from(work.clips_per_node.get());
            for forecast in [some, others] {
                let least = encoded.saturating_add(work.node_start.as_millis()).min(Duration::MAX.as_millis());
                prop_assert!(forecast.node_time.as_millis() >= least);
            }
        }

        #[test]
        fn a_plan_is_in_time_and_one_node_fewer_is_not(work in workload(), limit in any::<u32>()) {
            let limit = Duration::from_secs(limit.into());
            match work.within(limit) {
                Ok(planned) => {
                    prop_assert!(planned.done_after <= limit);
                    prop_assert!(planned.nodes == 1 || work.with(planned.nodes - 1).done_after > limit);
                    prop_assert!(planned.nodes <= work.clips());
                }
                Err(late) => {
                    prop_assert!(late.earliest > limit);
                    prop_assert_eq!(work.with(u64::MAX).done_after, late.earliest);
                }
            }
        }

        #[test]
        fn nothing_is_done_before_it_can_be(work in workload(), nodes in any::<u64>()) {
            let forecast = work.with(nodes);
            prop_assert!(forecast.done_after >= work.node_start);
            if let Some((_, analysis)) = work.analysis() {
                prop_assert!(forecast.done_after >= analysis);
            }
            let without = Workload { analysis: None, ..work }.with(nodes);
            prop_assert_eq!(forecast.bound == CapacityBound::Analysis, forecast.done_after > without.done_after);
            prop_assert!(forecast.node_time >= forecast.done_after);
            prop_assert!(forecast.cost(u64::MAX) >= forecast.cost(1));
        }
    }
}
