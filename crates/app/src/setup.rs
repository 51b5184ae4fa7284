//! What every use case is given: where migrations are kept, settings, limits and the face that asks. Opens databases.

use std::path::PathBuf;
use std::sync::Arc;

use whimbrel_core::{
    Clock, ConnectOptions, DatabaseUrl, ErrorClass, ReadLimits, Result, Secret, Source, Target,
};

use crate::address::Address;
use crate::answering::unless_another;
use crate::connectors::connector;
use crate::refusal;
use crate::settings::{Environment, Settings};

/// The folder that holds the migrations when nobody says.
pub const BASE: &str = ".whimbrel";
/// Memory for queues and buffers when nobody says.
pub const MEMORY_BYTES: u64 = 512 << 20;

/// The person in front, or nobody.
pub trait Face: Send + Sync {
    /// Asks for the password of the database; none when nobody can be asked.
    fn ask_password(&self, database: &str) -> Option<Secret>;

    /// Shows a warning at once, with its stable code.
    fn warn(&self, code: &str, message: &str);
}

/// What every use case is given.
#[derive(Clone)]
pub struct Setup {
    /// The folder that holds the migrations.
    pub base: PathBuf,
    /// What `whimbrel.toml` says.
    pub settings: Settings,
    /// The environment's variables.
    pub environment: Environment,
    /// Readers and writers at once.
    pub jobs: usize,
    /// Memory for queues and buffers.
    pub memory_bytes: u64,
    /// The person in front.
    pub face: Arc<dyn Face>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Setup {
    /// Reads which database the text means, and warns about a password in it.
    ///
    /// # Errors
    /// As [`Address::read`].
    pub fn address(&self, text: &str) -> Result<Address> {
        let address = Address::read(text, &self.settings, &self.environment)?;
        if address.password_in_argument {
            let message = format!(
                "the password for {} stands in an argument, where the process list shows it; write ${{NAME}} in its place, or leave it out",
                address.url.masked()
            );
            self.face.warn(refusal::PASSWORD_IN_ARGUMENT, &message);
        }
        Ok(address)
    }

    /// Opens a database for reading; asks for the password when it is missing, and keeps it in the address.
    ///
    /// # Errors
    /// The connector's.
    pub async fn open_source(&self, address: &mut Address) -> Result<Arc<dyn Source>> {
        let connector = connector(&address.url.scheme)?;
        let options = self.connect_options();
        self.with_password(address, async |url| connector.source(url, &options).await)
            .await
    }

    /// Opens a database for writing; asks for the password when it is missing, and keeps it in the address.
    ///
    /// # Errors
    /// The connector's.
    pub async fn open_target(&self, address: &mut Address) -> Result<Arc<dyn Target>> {
        let connector = connector(&address.url.scheme)?;
        let options = self.connect_options();
        self.with_password(address, async |url| connector.target(url, &options).await)
            .await
    }

    /// Returns the time as files hold it: RFC 3339 in whole seconds, UTC.
    pub(crate) fn timestamp(&self) -> String {
        self.clock
            .now()
            .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    /// Returns how tables are read to be looked at.
    pub(crate) fn read_limits(&self) -> ReadLimits {
        ReadLimits {
            jobs: self.jobs,
            memory_bytes: self.memory_bytes,
        }
    }

    fn connect_options(&self) -> ConnectOptions {
        ConnectOptions {
            jobs: self.jobs,
            memory_bytes: self.memory_bytes,
            environment: self.environment.clone(),
        }
    }

    /// Tries without a password first: a password file or a trusting server may need none.
    async fn with_password<T>(
        &self,
        address: &mut Address,
        open: impl AsyncFn(&DatabaseUrl) -> Result<T>,
    ) -> Result<T> {
        let error = match unless_another(&address.url, open(&address.url)).await {
            Err(error) if error.class() == ErrorClass::Denied && address.url.password.is_none() => error,
            other => return other,
        };
        let Some(password) = self.face.ask_password(&address.url.masked()) else {
            return Err(error);
        };
        address.url.password = Some(password);
        open(&address.url).await
    }
}
