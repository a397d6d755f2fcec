//! What the store promises, on SQLite and on PostgreSQL alike.
mod classifying;
mod deciding;
mod doubting;
mod feedback;
mod importing;
mod leasing;
mod modelling;
mod opening;
mod outbox;
