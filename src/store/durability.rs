//! What the database does so that it keeps what was committed.
use std::path::Path;

use super::{Backend, Store, StoreError};
use crate::domain::doctor::{Disk, Durability};

impl Store {
    /// The settings on which it depends whether a commit outlives a power failure.
    pub async fn durability(&self) -> Result<Durability, StoreError> {
        match &self.backend {
            Backend::Sqlite { writer, .. } => {
                let sql = "select file from pragma_database_list where name = 'main'";
                let file: String = sqlx::query_scalar(sql).fetch_one(writer).await?;
                let journal_mode =
                    sqlx::query_scalar("pragma journal_mode").fetch_one(writer).await?;
                let synchronous =
                    sqlx::query_scalar("pragma synchronous").fetch_one(writer).await?;
                Ok(Durability::File { disk: disk_of(&file), journal_mode, synchronous })
            }
            Backend::Postgres(pool) => {
                let sql = "select current_setting('synchronous_commit'), current_setting('fsync'),
                                  current_setting('full_page_writes'), pg_is_in_recovery()";
                let (synchronous_commit, fsync, full_page_writes, is_standby) =
                    sqlx::query_as(sql).fetch_one(pool).await?;
                Ok(Durability::Server { synchronous_commit, fsync, full_page_writes, is_standby })
            }
        }
    }
}

/// What a file lies on; one without a name is in memory.
#[cfg(target_os = "linux")]
fn disk_of(file: &str) -> Disk {
    if file.is_empty() {
        return Disk::Memory;
    }
    rustix::fs::statfs(Path::new(file)).map_or(Disk::Unknown, |found| {
        // The field is signed on some machines, and the numbers have 32 bits.
        u32::try_from(found.f_type & 0xffff_ffff).map_or(Disk::Unknown, disk_of_kind)
    })
}

#[cfg(not(target_os = "linux"))]
fn disk_of(file: &str) -> Disk {
    if Path::new(file).as_os_str().is_empty() { Disk::Memory } else { Disk::Unknown }
}

/// By the numbers in statfs(2).
#[cfg(target_os = "linux")]
const fn disk_of_kind(number: u32) -> Disk {
    match number {
        0x6969 => Disk::Remote("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Disk::Remote("SMB"),
        0x6573_5546 => Disk::Remote("FUSE"),
        0x0102_1997 => Disk::Remote("9P"),
        0x00c3_6400 => Disk::Remote("Ceph"),
        0x5346_414f => Disk::Remote("AFS"),
        0x0102_1994 | 0x8584_58f6 => Disk::Memory,
        _ => Disk::Local,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn disks_of_other_machines_are_told_from_our_own() {
        assert_eq!(disk_of_kind(0x6969), Disk::Remote("NFS"));
        assert_eq!(disk_of_kind(0xfe53_4d42), Disk::Remote("SMB"));
        assert_eq!(disk_of_kind(0xef53), Disk::Local);
        assert_eq!(disk_of(""), Disk::Memory);
        assert_eq!(disk_of("/nowhere/at/all"), Disk::Unknown);
    }

    #[tokio::test]
    async fn a_file_is_kept_as_the_program_opened_it() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("d.db").display());
        let Durability::File { journal_mode, synchronous, .. } =
            Store::open(&url).await.unwrap().durability().await.unwrap()
        else {
            panic!("a file is no server")
        };
        assert_eq!((journal_mode.as_str(), synchronous), ("wal", 2));
    }
}
