//! Finds expressions without a network, from a lexicon.
