#![doc = include_str!("../README.md")]

mod check;
mod client;
mod copies;
mod download;
mod failure;
mod listing;
mod multipart;
mod page;
mod parts;
mod presign;
mod put;
mod reading;
mod request;
mod settings;
mod store;
mod upload;
mod wire;

pub use check::Check;
pub use listing::{Found, Stat};
pub use presign::PresignedUrl;
pub use reading::Reading;
pub use settings::{Credentials, Settings, SettingsError, Timeouts};
pub use store::S3Store;
pub use upload::Uploaded;
