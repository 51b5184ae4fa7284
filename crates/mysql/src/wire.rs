//! A session of our own that reads: it speaks the server's protocol so that rows can be decoded where they arrive. Statements that
//! change things and everything besides rows stay the driver's.

mod answer;
mod login;
mod packets;

use std::sync::Arc;

use mysql_async::prelude::FromRow;
use mysql_async::{Column, DriverError, Opts, Result, Row, Value};
use mysql_common::io::ParseBuf;
use mysql_common::packets::StmtPacket;
use mysql_common::proto::{Binary, MyDeserialize, Text};
use mysql_common::row::RowDeserializer;
use mysql_common::value::ServerSide;

use self::answer::{is_end, refused, unexpected};
use self::packets::Packets;
use crate::connect::{Lookout, Server};
use crate::error::{Failure, classify, from_connect};

const QUERY: u8 = 0x03;
const PREPARE: u8 = 0x16;
const EXECUTE: u8 = 0x17;
const CLOSE_STATEMENT: u8 = 0x19;

/// An open session. A future of it that is dropped half-way leaves a session of which nothing more can be said.
#[derive(Debug)]
pub(crate) struct Session {
    packets: Packets,
    id: u32,
    /// True while there are rows that nobody has read.
    unread: bool,
    /// The statement whose rows were read last; the server keeps it until it is told.
    statement: Option<u32>,
}

impl Session {
    /// Opens a session that only reads.
    pub(crate) async fn reader(server: &Server) -> whimbrel_core::Result<Self> {
        let (opts, timeout) = server.way_in();
        let failure = match tokio::time::timeout(timeout, Self::open(opts)).await {
            Ok(Ok(mut session)) => {
                session.look_after(server.lookout(session.id()));
                for sql in server.reader_pins() {
                    session.query_drop(&sql).await.map_err(classify)?;
                }
                return Ok(session);
            }
            Ok(Err(error)) => Failure::Driver(error),
            Err(_) => Failure::Late(timeout),
        };
        Err(from_connect(failure, &server.place))
    }

    /// Connects and logs in.
    async fn open(opts: &Opts) -> Result<Self> {
        let (packets, id) = Box::pin(login::login(opts)).await?;
        Ok(Self {
            packets,
            id,
            unread: false,
            statement: None,
        })
    }

    /// Lets the server be asked what the session does while we wait for it.
    pub(crate) fn look_after(&mut self, lookout: Lookout) {
        self.packets.look_after(lookout);
    }

    /// Returns the session's number, by which others can end what it does.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Runs a statement and reads past what it gives.
    pub(crate) async fn query_drop(&mut self, sql: &str) -> Result<()> {
        self.begin(QUERY, sql.as_bytes()).await?;
        if self.columns().await?.is_some() {
            self.unread = true;
            self.drain().await?;
        }
        Ok(())
    }

    /// Returns all rows of a query.
    pub(crate) async fn query<T: FromRow>(&mut self, sql: &str) -> Result<Vec<T>> {
        self.begin(QUERY, sql.as_bytes()).await?;
        let rows = self.collect::<RowDeserializer<ServerSide, Text>>().await?;
        rows.into_iter()
            .map(|row| {
                T::from_row_opt(row.into()).map_err(|error| DriverError::FromRow { row: error.0 }.into())
            })
            .collect()
    }

    /// Returns the first row of a query.
    pub(crate) async fn query_first<T: FromRow>(&mut self, sql: &str) -> Result<Option<T>> {
        Ok(self.query(sql).await?.into_iter().next())
    }

    /// Returns all rows of a query with their values in the server's own form.
    pub(crate) async fn values(&mut self, sql: &str) -> Result<Vec<Vec<Value>>> {
        self.execute(sql).await?;
        let rows = self.collect::<RowDeserializer<ServerSide, Binary>>().await?;
        Ok(rows.into_iter().map(|row| Row::from(row).unwrap()).collect())
    }

    /// Begins to read the rows of a query in the binary protocol.
    pub(crate) async fn rows(&mut self, sql: &str) -> Result<Rows<'_>> {
        self.execute(sql).await?;
        let columns = self
            .columns()
            .await?
            .ok_or(DriverError::UnexpectedPacket { payload: Vec::new() })?;
        self.unread = true;
        Ok(Rows {
            columns,
            session: self,
        })
    }

    /// Reads past the rows that nobody wants. A refusal among them ends them too.
    pub(crate) async fn drain(&mut self) -> Result<()> {
        while self.unread {
            let packet = self.packets.packet().await?;
            if packet.first() == Some(&answer::REFUSED) {
                let error = refused(packet);
                self.unread = false;
                return Err(error.into());
            }
            self.unread = !is_end(packet);
        }
        Ok(())
    }

    /// Sends a command, once nothing of the last one is left.
    async fn begin(&mut self, command: u8, body: &[u8]) -> Result<()> {
        self.drain().await?;
        if let Some(statement) = self.statement.take() {
            self.packets
                .command(CLOSE_STATEMENT, &statement.to_le_bytes())
                .await?;
        }
        self.packets.command(command, body).await
    }

    async fn execute(&mut self, sql: &str) -> Result<()> {
        const NO_CURSOR: u8 = 0;
        self.begin(PREPARE, sql.as_bytes()).await?;
        let answer = self.packets.packet().await?;
        if answer.first() == Some(&answer::REFUSED) {
            return Err(refused(answer).into());
        }
        let prepared: StmtPacket = ParseBuf(answer).parse(())?;
        self.statement = Some(prepared.statement_id());
        if prepared.num_params() > 0 {
            return Err(unexpected(b"a statement with parameters"));
        }
        if prepared.num_columns() > 0 {
            // They come again with the rows.
            while !is_end(self.packets.packet().await?) {}
        }
        let mut body = prepared.statement_id().to_le_bytes().to_vec();
        body.push(NO_CURSOR);
        body.extend_from_slice(&1_u32.to_le_bytes());
        self.packets.command(EXECUTE, &body).await
    }

    /// Reads the columns of a result; none when the statement gives no rows.
    async fn columns(&mut self) -> Result<Option<Arc<[Column]>>> {
        let answer = self.packets.packet().await?;
        let count = match answer {
            [answer::DONE, ..] => return Ok(None),
            [answer::REFUSED, ..] => return Err(refused(answer).into()),
            [count @ 1..=250] => usize::from(*count),
            [0xFC, low, high] => usize::from(*low) | usize::from(*high) << 8,
            _ => return Err(unexpected(answer)),
        };
        let mut columns = Vec::with_capacity(count);
        for _ in 0..count {
            columns.push(ParseBuf(self.packets.packet().await?).parse(())?);
        }
        let end = self.packets.packet().await?;
        match is_end(end) {
            true => Ok(Some(columns.into())),
            false => Err(unexpected(end)),
        }
    }

    async fn collect<R>(&mut self) -> Result<Vec<R>>
    where
        R: for<'a> MyDeserialize<'a, Ctx = Arc<[Column]>>,
    {
        let Some(columns) = self.columns().await? else {
            return Ok(Vec::new());
        };
        let mut rows = Vec::new();
        self.unread = true;
        loop {
            let packet = self.packets.packet().await?;
            if packet.first() == Some(&answer::REFUSED) {
                let error = refused(packet);
                self.unread = false;
                return Err(error.into());
            }
            if is_end(packet) {
                self.unread = false;
                return Ok(rows);
            }
            rows.push(ParseBuf(packet).parse(Arc::clone(&columns))?);
        }
    }
}

/// Rows of the binary protocol that are being read.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    session: &'a mut Session,
    columns: Arc<[Column]>,
}

/// What is there of the rows.
#[derive(Debug)]
pub(crate) enum Next<'a> {
    /// A whole row, as the protocol has it.
    Row(&'a [u8]),
    /// The rows have ended.
    End,
    /// More has to arrive first.
    Nothing,
}

impl Rows<'_> {
    /// Returns what the server says about the columns.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Returns the next row when it has arrived.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Next<'_>> {
        let session = &mut *self.session;
        if !session.unread {
            return Ok(Next::End);
        }
        match session.packets.ready() {
            Some(row @ [answer::DONE, ..]) => Ok(Next::Row(row)),
            Some(packet) => {
                session.unread = false;
                match packet.first() {
                    Some(&answer::REFUSED) => Err(refused(packet).into()),
                    _ if is_end(packet) => Ok(Next::End),
                    _ => Err(unexpected(packet)),
                }
            }
            None => Ok(Next::Nothing),
        }
    }

    /// Lets go of what the rows given out so far took, where that is much.
    pub(crate) fn forget(&mut self) {
        self.session.packets.forget();
    }

    /// Waits until more has arrived.
    pub(crate) async fn wait(&mut self) -> Result<()> {
        self.session.packets.fill().await
    }
}
