//! The use cases of many processes: the same stages, their tasks in queues.

mod begin;
mod dispatcher;
mod follow;
mod order;
mod requests;
mod submit;
mod survey;
mod sweeper;
mod tasks;
mod watched;
mod worker;

pub use dispatcher::Dispatcher;
pub use follow::Follower;
pub use order::{Order, TaskOrder, Unreadable, work_queue};
pub use requests::Requests;
pub use submit::{Submitted, submit};
pub use survey::{Survey, latest_runs, manifest, manifest_so_far, open_runs, runs, stored_manifest};
pub use sweeper::{Sweeper, Swept};
pub use watched::{Ending, Progress, RunState, Watched, state};
pub use worker::Worker;
