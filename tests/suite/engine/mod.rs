//! What the engine promises, from a file to the mails and back, on both databases.
mod breaking_down;
mod doctor;
mod doubts;
mod feedback;
mod gate;
mod hostile;
mod importing;
mod international;
mod occasions;
mod outgoing;
mod planning;
mod preflight;
mod relays;
mod sending;
mod stopping;
mod tiers;
mod trouble;
