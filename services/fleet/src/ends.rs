use std::time::Duration;

use langflix_domain::FailureKind;
use langflix_pipeline::{Ended, Error, Try, fleet::Order};
use langflix_runtime::worker::{End, Fault, Job, Reason, Why};

/// How long a worker pauses whose provider wants nothing from it, unless the provider says how long.
const NO_ANSWERS: Duration = Duration::from_mins(10);
/// How long a worker pauses while a server or its disk fails.
const NO_SERVER: Duration = Duration::from_secs(5);

/// What the message asks for, after it is noted in logs and status.
///
/// # Errors
/// The end of a message that cannot be read.
pub fn order_of(job: &Job) -> Result<Order, End> {
    let order = Order::read(&job.body).map_err(|unreadable| End::Bury {
        why: Why::new(Reason::Message, unreadable.to_string()),
        fault: Fault::Elsewhere,
    })?;
    job.concerns(order.run().as_str(), &order.label());
    Ok(order)
}

/// The end of a message that another queue is for.
pub fn misplaced(order: &Order) -> End {
    End::Bury {
        why: Why::new(Reason::Message, format!("{} is not worked on in this queue", order.label())),
        fault: Fault::Elsewhere,
    }
}

/// Which try of its task a message is, where there are so many.
pub fn this_try(job: &Job, max_attempts: u32) -> Try<'static> {
    Try { repeated: job.is_repeated(), last: last(job, max_attempts), alone: false, trace: None }
}

/// Whether a message is tried for the last time.
pub fn last(job: &Job, max_attempts: u32) -> bool {
    job.attempt.saturating_add(1) >= max_attempts
}

/// What the end of a task means for its message.
pub fn end_of_task(ended: Result<Ended, Error>) -> End {
    match ended {
        Ok(Ended::Recorded(None)) => End::Done,
        // Somebody wanted it so: there is nothing to look into.
        Ok(Ended::Recorded(Some(failure))) if failure.kind == FailureKind::Cancelled => End::Done,
        Ok(Ended::Recorded(Some(failure))) => End::Bury { fault: fault_of(failure.kind), why: failure.into() },
        Ok(Ended::Later { failure, after }) => match failure.kind {
            FailureKind::QuotaExhausted | FailureKind::Auth => {
                End::Pause { lasting: after.unwrap_or(NO_ANSWERS), why: failure.into() }
            }
            kind => End::Retry { after, why: failure.into(), fault: fault_of(kind) },
        },
        Ok(Ended::HandedBack(failure)) => {
            // A GPU that refuses is watched by itself, and clips go elsewhere.
            let device = failure.kind == FailureKind::Encoder;
            End::HandBack { fault: if device { Fault::Elsewhere } else { Fault::Worker }, why: failure.into() }
        }
        Err(error) => end_of_error(&error),
    }
}

/// What the end of a dispatcher's step means for its message.
pub fn end_of_step(done: Result<(), Error>) -> End {
    match done {
        Ok(()) => End::Done,
        Err(error) => end_of_error(&error),
    }
}

fn end_of_error(error: &Error) -> End {
    let why = Why::new(Reason::Store, error.to_string());
    if error.passes() { End::Pause { lasting: NO_SERVER, why } } else { End::Bury { why, fault: Fault::Elsewhere } }
}

/// Whose fault a failure may be: an encoder that fails on clip after clip is broken, and a provider that no answer comes
/// from may answer others.
fn fault_of(kind: FailureKind) -> Fault {
    match kind {
        FailureKind::Encoder | FailureKind::TimedOut | FailureKind::Unavailable => Fault::Worker,
        _ => Fault::Elsewhere,
    }
}

#[cfg(test)]
mod tests {
    use langflix_domain::Failure;

    use super::*;

    fn recorded(kind: FailureKind) -> End {
        end_of_task(Ok(Ended::Recorded(Some(Failure { kind, message: "so it is".to_owned() }))))
    }

    #[test]
    fn a_task_that_failed_for_good_is_parked_and_one_that_was_cancelled_is_not() {
        assert!(matches!(recorded(FailureKind::Cancelled), End::Done));
        assert!(matches!(recorded(FailureKind::Input), End::Bury { fault: Fault::Elsewhere, .. }));
        assert!(matches!(recorded(FailureKind::Encoder), End::Bury { fault: Fault::Worker, .. }));
    }

    #[test]
    fn what_others_may_do_and_this_worker_cannot_is_its_own_fault() {
        let failure = |kind| Failure { kind, message: "so it is".to_owned() };
        let ends = [
            end_of_task(Ok(Ended::HandedBack(failure(FailureKind::Unavailable)))),
            end_of_task(Ok(Ended::Later { failure: failure(FailureKind::Unavailable), after: None })),
        ];
        assert!(matches!(ends[0], End::HandBack { fault: Fault::Worker, .. }));
        assert!(matches!(ends[1], End::Retry { fault: Fault::Worker, .. }));
    }
}
