//! Objects as local files.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use aws_sdk_s3::primitives::ByteStream;
use langflix_ports::store::Error;
use tempfile::TempPath;
use tokio::{
    fs::File,
    io::{AsyncWriteExt as _, BufWriter},
    task::spawn_blocking,
};

use crate::{
    failure::{Failure, Sort, local},
    request::{Operation, Tries, counted},
    store::S3Store,
    wire::Request,
};

/// How much is written at once: each write is a trip to another thread.
const BUFFER: usize = 256 << 10;

/// A download that is under way.
struct Partial {
    file: BufWriter<File>,
    written: u64,
    /// The version that is read, and how long that is; known from the first answer on.
    version: Option<(String, u64)>,
}

/// What ended a stretch of a download.
enum Stop {
    /// It is whole.
    Whole,
    /// The connection was cut after some of it.
    Cut,
    /// The file cannot be written.
    File(io::Error),
}

impl S3Store {
    pub(crate) async fn fetch(&self, key: &str, path: &Path) -> Result<(), Error> {
        let at = |error: io::Error| local(key, path, &error);
        let (file, name) = beside(path).await.map_err(at)?;
        let mut partial = Partial { file: BufWriter::with_capacity(BUFFER, file), written: 0, version: None };
        let mut tries = Tries::new();
        loop {
            let stretch = counted(Operation::GetObject, self.stretch(key, &mut partial).await);
            match tries.settle(stretch).await.map_err(|failure| self.error(key, &failure))? {
                None => {}
                Some(Stop::Whole) => break,
                // What was read stays read, and the rest has all tries before it.
                Some(Stop::Cut) => tries = Tries::new(),
                Some(Stop::File(error)) => return Err(at(error)),
            }
        }
        partial.file.flush().await.map_err(at)?;
        partial.file.get_ref().sync_all().await.map_err(at)?;
        let to = path.to_owned();
        let renamed = spawn_blocking(move || name.persist(to).map_err(|error| error.error));
        renamed.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(at)
    }

    async fn stretch(&self, key: &str, partial: &mut Partial) -> Result<Stop, Failure> {
        let mut headers = Vec::new();
        let range = format!("bytes={}-", partial.written);
        if let Some((etag, size)) = &partial.version {
            if partial.written == *size {
                return Ok(Stop::Whole);
            }
            headers = vec![("if-match", etag.as_str()), ("range", range.as_str())];
        }
        let get = Request { headers: &headers, ..Request::new("GET", key) };
        let answer = self.wire.ask(get, self.timeouts.answer).await?;
        let comes = answer.size();
        let version = || (answer.header("etag").unwrap_or_default().to_owned(), comes);
        let (_, size) = partial.version.get_or_insert_with(version);
        if comes != *size - partial.written {
            return Err(Failure::new(Sort::Refused, "it sends another part than was asked for"));
        }
        let before = partial.written;
        match self.pour(&mut answer.body(), partial).await {
            Err(failure) if partial.written == before => Err(failure),
            Err(_) => Ok(Stop::Cut),
            Ok(stop) => Ok(stop),
        }
    }

    async fn pour(&self, body: &mut ByteStream, partial: &mut Partial) -> Result<Stop, Failure> {
        while let Some(piece) = self.wire.piece(body).await? {
            if let Err(error) = partial.file.write_all(piece.as_ref()).await {
                return Ok(Stop::File(error));
            }
            partial.written += piece.as_ref().len() as u64;
        }
        Ok(Stop::Whole)
    }
}

/// A temporary file in the folder of `path`, which is made where it does not exist; gone unless it is renamed.
async fn beside(path: &Path) -> io::Result<(File, TempPath)> {
    let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
    let made = spawn_blocking(move || {
        fs::create_dir_all(&folder)?;
        let mut builder = tempfile::Builder::new();
        // It may be read by whom the user lets read other files, unlike a temporary file.
        builder.prefix(".langflix-").permissions(Permissions::from_mode(0o666)).tempfile_in(folder)
    });
    let (file, name) = made.await.unwrap_or_else(|error| Err(io::Error::other(error)))?.into_parts();
    Ok((File::from_std(file), name))
}
