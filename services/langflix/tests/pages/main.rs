//! The HTML pages: their markup, and how they look and behave in a real browser.

// Clippy allows `unwrap` in tests only where it sees that they are tests.
#[cfg(test)]
mod browser;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod in_browser;
#[cfg(test)]
mod markup;
