//! What operators see of the fleet: the same on the command line, on the dispatcher's page and in its HTTP API.

mod overview;
mod problem;
mod run;
mod season;
mod worker;

pub use overview::{Overview, Queue, RunCounts, Spend};
pub use problem::Problem;
pub use run::{Phase, Run, RunDetails, RunFailure, RunSpend};
pub use season::SeasonPace;
pub(crate) use worker::Says;
pub use worker::{GpuView, Task, Worker, WorkerPart};
