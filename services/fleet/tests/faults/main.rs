//! The services as processes on the real servers, which are killed, cut off and lied to, and give the same manifest all
//! the same.

#[cfg(test)]
mod asked;
#[cfg(test)]
mod episode;
#[cfg(test)]
mod fatal;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod network;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod role;
#[cfg(test)]
mod scratch;
#[cfg(test)]
#[path = "../support/small.rs"]
mod small;
#[cfg(test)]
mod store;
#[cfg(test)]
mod town;
