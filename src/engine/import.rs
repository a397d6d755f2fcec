//! Brings a file in: each line understood, compared with what is known, and written if it says
//! something new.
use std::{
    collections::{BTreeSet, HashMap, hash_map::RandomState},
    hash::BuildHasher,
    path::Path,
};

use serde::Serialize;
use tracing::info;

use super::{Engine, EngineError};
use crate::{
    domain::{
        AccountId, Columns, ContactId, EmailAddress, FieldProblem, ImportKind, Record, RepId,
    },
    sheet::{Sheet, StringRecord},
    store::{Change, StoreError, Tx},
};

/// How to read a file.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// What its lines are.
    pub kind: ImportKind,
    /// Columns whose meaning their name does not tell.
    pub columns: Vec<(String, String)>,
    /// Whether to say what would happen and write nothing.
    pub dry_run: bool,
}

/// What a file brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// How the file was written.
    pub encoding: String,
    /// Lines that were new.
    pub added: u64,
    /// Lines that said something new of what was known.
    pub changed: u64,
    /// Lines that said what was known.
    pub unchanged: u64,
    /// Lines that could not be used.
    pub refused: u64,
    /// Columns that were left out.
    pub ignored_columns: Vec<String>,
    /// Columns that became attributes.
    pub attributes: Vec<String>,
}

/// A line that could not be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedRow {
    /// The line in the file, from 1.
    pub line: u64,
    /// The column, if one cell is to blame.
    pub column: Option<String>,
    /// What the cell holds, shortened.
    pub value: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportProgress {
    /// Bytes of the file that were read.
    pub bytes_read: u64,
    /// Bytes of the file.
    pub bytes_total: u64,
}

/// Lines after which reading lets writing go on.
const TURN: u32 = 250;
/// Lines that are written in one transaction: enough that committing costs little of the whole, few
/// enough that a daemon on the same SQLite file waits for well under a second.
const BATCH: usize = 5000;

impl Engine {
    /// Imports the file at `path`. Good lines go in, bad ones are shown to `refused`; importing the
    /// same file again changes nothing.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or its columns not be understood, in which case nothing was
    /// written; or if the database fails, in which case the batches before are written and the
    /// import can be repeated.
    #[tracing::instrument(name = "engine.import", skip_all, err)]
    pub async fn import(
        &self,
        path: &Path,
        options: &ImportOptions,
        refused: &mut (dyn FnMut(RefusedRow) + Send),
        progress: &mut (dyn FnMut(ImportProgress) + Send),
    ) -> Result<ImportReport, EngineError> {
        let mut sheet = Sheet::open(path)?;
        let columns = Columns::map(options.kind, sheet.headers(), &options.columns)
            .map_err(EngineError::Columns)?;
        let mut intake = Intake {
            seen: Seen::default(),
            refused,
            report: ImportReport {
                encoding: sheet.encoding_name().to_owned(),
                ignored_columns: columns.ignored().collect(),
                attributes: columns.attributes().map(|(header, _)| header.to_owned()).collect(),
                ..ImportReport::default()
            },
        };
        let mut batch = intake.read_batch(&mut sheet, &columns).await;
        while let Some(lines) = batch {
            // The next lines are understood while the database takes these.
            let writing = self.write_batch(lines, options.dry_run);
            let (written, next) = tokio::join!(writing, intake.read_batch(&mut sheet, &columns));
            intake.note(written?);
            batch = next;
            progress(ImportProgress {
                bytes_read: sheet.bytes_read(),
                bytes_total: sheet.bytes_total(),
            });
        }
        let report = intake.report;
        let ImportReport { added, changed, unchanged, refused, .. } = &report;
        info!(added, changed, unchanged, refused, "Imported {added} new lines, {changed} changed");
        Ok(report)
    }

    /// Writes lines that refer to what is there, and gives back those that do not.
    async fn write_batch(&self, batch: Lines, dry_run: bool) -> Result<Written, EngineError> {
        let mut tx = self.store.begin().await?;
        let known = Known::of(&mut tx, &batch).await?;
        let mut sorted = Sorted::default();
        let mut refused = Vec::new();
        for (line, record) in batch {
            if let Err((column, value, reason)) = sorted.add(record, &known) {
                let (column, value) = (Some(column.to_owned()), Some(value));
                refused.push(RefusedRow { line, column, value, reason });
            }
        }
        let changes = sorted.write(&mut tx, self.clock.now()).await?;
        if !dry_run {
            tx.commit().await?;
        }
        Ok(Written { changes, refused })
    }
}

/// What became of a batch.
struct Written {
    changes: Vec<Change>,
    refused: Vec<RefusedRow>,
}

/// Keys that occurred, as hashes, with the line of the first: 16 bytes a line and not the key.
#[derive(Default)]
struct Seen {
    state: RandomState,
    lines: HashMap<u64, u32>,
}

impl Seen {
    /// Notes that `key` stands on `line`; gives back the line on which it stood before.
    fn note(&mut self, key: &str, line: u64) -> Option<u32> {
        let hash = self.state.hash_one(key);
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        match self.lines.entry(hash) {
            std::collections::hash_map::Entry::Occupied(first) => Some(*first.get()),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(line);
                None
            }
        }
    }
}

/// The reading side: understands lines and keeps the account of all.
struct Intake<'a> {
    seen: Seen,
    refused: &'a mut (dyn FnMut(RefusedRow) + Send),
    report: ImportReport,
}

type Lines = Vec<(u64, Record)>;

impl Intake<'_> {
    fn refuse(&mut self, row: RefusedRow) {
        self.report.refused += 1;
        (self.refused)(row);
    }

    /// The next lines that can be used, or `None` at the end of the file.
    async fn read_batch(&mut self, sheet: &mut Sheet, columns: &Columns) -> Option<Lines> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut cells = StringRecord::new();
        for turn in 1_u32.. {
            if batch.len() >= BATCH {
                break;
            }
            if turn.is_multiple_of(TURN) {
                tokio::task::yield_now().await;
            }
            match sheet.next_record(&mut cells) {
                Ok(Some(line)) => {
                    let values: Vec<&str> = cells.iter().collect();
                    match columns.parse(&values) {
                        Ok(record) => self.keep(line, record, &mut batch),
                        Err(problems) => self.refuse_cells(line, problems),
                    }
                }
                Ok(None) if batch.is_empty() => return None,
                Ok(None) => break,
                Err(problem) => {
                    let (line, reason) = (problem.line, problem.reason.to_string());
                    self.refuse(RefusedRow { line, column: None, value: None, reason });
                }
            }
        }
        Some(batch)
    }

    fn keep(&mut self, line: u64, record: Record, batch: &mut Lines) {
        let key = record.key();
        match self.seen.note(&key, line) {
            None => batch.push((line, record)),
            Some(first) => self.refuse(RefusedRow {
                line,
                column: None,
                value: None,
                reason: format!("the same {} as on line {first}", record.key_name()),
            }),
        }
    }

    /// One line in the report for each cell, one refusal in the count for the whole line.
    fn refuse_cells(&mut self, line: u64, problems: Vec<FieldProblem>) {
        self.report.refused += 1;
        for FieldProblem { column, value, reason } in problems {
            let (column, value) = (Some(column), Some(value));
            (self.refused)(RefusedRow { line, column, value, reason });
        }
    }

    /// Counts what became of a batch.
    fn note(&mut self, written: Written) {
        for row in written.refused {
            self.refuse(row);
        }
        for change in written.changes {
            match change {
                Change::Added => self.report.added += 1,
                Change::Changed => self.report.changed += 1,
                Change::Unchanged => self.report.unchanged += 1,
            }
        }
    }
}

/// The rows that a batch refers to.
struct Known {
    accounts: HashMap<String, AccountId>,
    reps: HashMap<String, RepId>,
    contacts: HashMap<String, ContactId>,
}

impl Known {
    /// Looks up what `batch` refers to. Accounts that contacts name and reps that anybody names are
    /// made if they are not there.
    async fn of(tx: &mut Tx, batch: &Lines) -> Result<Self, StoreError> {
        let (mut accounts, mut makes_accounts) = (BTreeSet::new(), false);
        let mut reps = BTreeSet::new();
        let mut contacts = BTreeSet::new();
        for (_, record) in batch {
            match record {
                Record::Contact(contact) => {
                    accounts.extend(contact.account.clone());
                    makes_accounts = true;
                }
                Record::Account(account) => reps.extend(account.rep.clone()),
                Record::Rep(_) => {}
                Record::Order(order) => accounts.extend(Some(order.account.clone())),
                Record::Contract(contract) => accounts.extend(Some(contract.account.clone())),
                Record::Touch(touch) => {
                    contacts.extend(Some(touch.contact.clone()));
                    reps.extend(touch.rep.clone());
                }
            }
        }
        let mut known = Self {
            accounts: tx.account_ids(&accounts).await?,
            reps: tx.rep_ids(&reps).await?,
            contacts: tx.contact_ids(&contacts).await?,
        };
        accounts.retain(|name| !known.accounts.contains_key(name));
        if makes_accounts && !accounts.is_empty() {
            tx.add_accounts(&accounts).await?;
            known.accounts.extend(tx.account_ids(&accounts).await?);
        }
        reps.retain(|rep| !known.reps.contains_key(&rep.match_key()));
        if !reps.is_empty() {
            tx.add_reps(&reps).await?;
            known.reps.extend(tx.rep_ids(&reps).await?);
        }
        Ok(known)
    }

    fn rep(&self, address: Option<&EmailAddress>) -> Option<RepId> {
        self.reps.get(&address?.match_key()).copied()
    }
}

/// A batch by kind. One of the lists is filled, since a file is of one kind.
#[derive(Default)]
struct Sorted {
    contacts: Vec<(crate::domain::ContactRecord, Option<AccountId>)>,
    accounts: Vec<(crate::domain::AccountRecord, Option<RepId>)>,
    reps: Vec<crate::domain::RepRecord>,
    orders: Vec<(crate::domain::OrderRecord, AccountId)>,
    contracts: Vec<(crate::domain::ContractRecord, AccountId)>,
    touches: Vec<(crate::domain::TouchRecord, ContactId, Option<RepId>)>,
}

/// Column, value and what is wrong with it.
type Unknown = (&'static str, String, String);

impl Sorted {
    fn add(&mut self, record: Record, known: &Known) -> Result<(), Unknown> {
        let account = |name: &str| {
            let reason = "there is no account of this key or name; import accounts first";
            let missing = || ("account", name.to_owned(), reason.to_owned());
            known.accounts.get(name).copied().ok_or_else(missing)
        };
        match record {
            Record::Contact(contact) => {
                let account = contact.account.as_ref();
                let account = account.and_then(|name| known.accounts.get(name).copied());
                self.contacts.push((contact, account));
            }
            Record::Account(record) => {
                let rep = known.rep(record.rep.as_ref());
                self.accounts.push((record, rep));
            }
            Record::Rep(rep) => self.reps.push(rep),
            Record::Order(order) => {
                let account = account(&order.account)?;
                self.orders.push((order, account));
            }
            Record::Contract(contract) => {
                let account = account(&contract.account)?;
                self.contracts.push((contract, account));
            }
            Record::Touch(touch) => {
                let reason = "there is no contact with this address; import contacts first";
                let missing = || ("contact", touch.contact.as_str().to_owned(), reason.to_owned());
                let contact = known.contacts.get(&touch.contact.match_key()).copied();
                let contact = contact.ok_or_else(missing)?;
                let rep = known.rep(touch.rep.as_ref());
                self.touches.push((touch, contact, rep));
            }
        }
        Ok(())
    }

    /// Writes the batch; contacts of accounts about which something new was said are classified
    /// and decided on anew.
    async fn write(
        self,
        tx: &mut Tx,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Vec<Change>, StoreError> {
        if !self.contacts.is_empty() {
            return tx.import_contacts(&self.contacts, now).await;
        }
        if !self.reps.is_empty() {
            return tx.import_reps(&self.reps, now).await;
        }
        if !self.touches.is_empty() {
            return tx.import_touches(&self.touches, now).await;
        }
        let (changes, accounts): (_, Vec<AccountId>) = if self.accounts.is_empty() {
            let mut changes = tx.import_orders(&self.orders, now).await?;
            changes.extend(tx.import_contracts(&self.contracts, now).await?);
            let orders = self.orders.iter().map(|(_, account)| *account);
            (changes, orders.chain(self.contracts.iter().map(|(_, account)| *account)).collect())
        } else {
            let changes = tx.import_accounts(&self.accounts, now).await?;
            let keys = self.accounts.iter().map(|(account, _)| account.key.clone()).collect();
            (changes, tx.account_ids(&keys).await?.into_values().collect())
        };
        if changes.iter().any(|change| *change != Change::Unchanged) {
            tx.touch_accounts(&accounts.into_iter().collect(), now).await?;
        }
        Ok(changes)
    }
}
