//! Opens a session of our own: transport, greeting, encryption, and whatever way in the server wants. The packets and scrambles are
//! those of the driver's own library.

use std::time::Duration;

use mysql_async::{DriverError, Opts, Result};
use mysql_common::constants::CapabilityFlags;
use mysql_common::crypto;
use mysql_common::io::ParseBuf;
use mysql_common::packets::{AuthPlugin, AuthSwitchRequest, HandshakePacket, HandshakeResponse, SslRequest};
use mysql_common::proto::MySerialize as _;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream};

use super::answer::{self, refused, unexpected};
use super::packets::Packets;
use crate::tls;

/// The largest packet that we say we take: 1 GiB, the most that a server sends.
const PACKET_MAX: u32 = 1 << 30;

/// `utf8mb4_general_ci`, which every server knows.
const COLLATION: u8 = 45;

/// Between two questions whether a silent server is still there, and how many may stay without an answer.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 4;

/// What we ask of the protocol, as far as the server can.
const CAPABILITIES: CapabilityFlags = CapabilityFlags::CLIENT_LONG_PASSWORD
    .union(CapabilityFlags::CLIENT_LONG_FLAG)
    .union(CapabilityFlags::CLIENT_CONNECT_WITH_DB)
    .union(CapabilityFlags::CLIENT_PROTOCOL_41)
    .union(CapabilityFlags::CLIENT_TRANSACTIONS)
    .union(CapabilityFlags::CLIENT_SECURE_CONNECTION)
    .union(CapabilityFlags::CLIENT_MULTI_RESULTS)
    .union(CapabilityFlags::CLIENT_PS_MULTI_RESULTS)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA)
    .union(CapabilityFlags::CLIENT_CONNECT_ATTRS);

/// The server greets once more, in another way in.
const ANOTHER_WAY: u8 = 0xFE;
/// The server says something that belongs to the way in.
const MORE: u8 = 0x01;
/// Of `caching_sha2_password`: the scramble was enough; the password itself is wanted; the server's key is asked for.
const ENOUGH: u8 = 0x03;
const WHOLE_PASSWORD: u8 = 0x04;
const KEY_PLEASE: u8 = 0x02;

/// Connects and logs in; returns the packets and the session's number.
pub(super) async fn login(opts: &Opts) -> Result<(Packets, u32)> {
    let mut packets = connected(opts).await?;
    let greeting = packets.packet().await?;
    if greeting.first() == Some(&answer::REFUSED) {
        return Err(refused(greeting).into());
    }
    let greeting: HandshakePacket<'_> = ParseBuf(greeting).parse(())?;
    let greeting = greeting.into_owned();
    let mut capabilities = CAPABILITIES & greeting.capabilities();
    // What goes through a socket leaves the machine for nobody to see.
    let encrypted = opts.ssl_opts().filter(|_| opts.socket().is_none());
    if let Some(options) = encrypted {
        if !greeting.capabilities().contains(CapabilityFlags::CLIENT_SSL) {
            return Err(DriverError::NoClientSslFlagFromServer.into());
        }
        capabilities |= CapabilityFlags::CLIENT_SSL;
        let mut request = Vec::new();
        SslRequest::new(capabilities, PACKET_MAX, COLLATION).serialize(&mut request);
        packets.send(&request).await?;
        let host = options.tls_hostname_override().unwrap_or(opts.ip_or_hostname());
        packets = packets.encrypted(&tls::connector(options).await?, host).await?;
    }
    let mut entry = Entry {
        password: opts.pass().filter(|password| !password.is_empty()),
        plugin: way_in(&greeting),
        nonce: greeting.nonce(),
        is_private: encrypted.is_some() || opts.socket().is_some(),
        packets,
    };
    entry.introduce(opts, capabilities).await?;
    entry.convince().await?;
    Ok((entry.packets, greeting.connection_id()))
}

async fn connected(opts: &Opts) -> Result<Packets> {
    if let Some(socket) = opts.socket() {
        return Ok(Packets::new(UnixStream::connect(socket).await?));
    }
    let stream = TcpStream::connect((opts.ip_or_hostname(), opts.tcp_port())).await?;
    stream.set_nodelay(opts.tcp_nodelay())?;
    if let Some(idle) = opts.tcp_keepalive() {
        let keepalive = TcpKeepalive::new()
            .with_time(idle)
            .with_interval(KEEPALIVE_INTERVAL)
            .with_retries(KEEPALIVE_RETRIES);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    }
    Ok(Packets::new(stream))
}

/// Only these two are offered first; whatever else a login wants the server asks for.
fn way_in(greeting: &HandshakePacket<'_>) -> AuthPlugin<'static> {
    match greeting.auth_plugin() {
        Some(AuthPlugin::CachingSha2Password) => AuthPlugin::CachingSha2Password,
        _ => AuthPlugin::MysqlNativePassword,
    }
}

/// A login that is going on.
struct Entry<'a> {
    packets: Packets,
    password: Option<&'a str>,
    plugin: AuthPlugin<'static>,
    nonce: Vec<u8>,
    /// True where a password may be said in clear: nobody else hears it.
    is_private: bool,
}

impl Entry<'_> {
    async fn introduce(&mut self, opts: &Opts, capabilities: CapabilityFlags) -> Result<()> {
        let scramble = self.scramble()?;
        let response = HandshakeResponse::new(
            Some(scramble),
            (8, 0, 0),
            opts.user().map(str::as_bytes),
            opts.db_name().map(str::as_bytes),
            Some(self.plugin.borrow()),
            capabilities,
            opts.connect_attributes().cloned(),
            PACKET_MAX,
        );
        let mut bytes = Vec::new();
        response.serialize(&mut bytes);
        self.packets.send(&bytes).await
    }

    /// What the way in wants to hear of the password; nothing when there is none.
    fn scramble(&self) -> Result<Vec<u8>> {
        match &self.plugin {
            AuthPlugin::MysqlOldPassword => return Err(DriverError::MysqlOldPasswordDisabled.into()),
            AuthPlugin::MysqlClearPassword => return Err(DriverError::CleartextPluginDisabled.into()),
            AuthPlugin::CachingSha2Password | AuthPlugin::MysqlNativePassword | AuthPlugin::Ed25519 => {}
            AuthPlugin::MariadbParsec { .. } | AuthPlugin::Other(_) => {
                let name = String::from_utf8_lossy(self.plugin.as_bytes()).into_owned();
                return Err(DriverError::UnknownAuthPlugin { name }.into());
            }
        }
        let scramble = self.plugin.gen_data(self.password, &self.nonce);
        Ok(scramble.map(|data| data.to_vec()).unwrap_or_default())
    }

    /// Answers until the server lets us in.
    async fn convince(&mut self) -> Result<()> {
        loop {
            let said = self.packets.packet().await?.to_vec();
            match said.as_slice() {
                [answer::DONE, ..] => return Ok(()),
                [answer::REFUSED, ..] => return Err(refused(&said).into()),
                // Nothing but this byte asks for the oldest of scrambles.
                [ANOTHER_WAY] => return Err(DriverError::MysqlOldPasswordDisabled.into()),
                [ANOTHER_WAY, ..] => {
                    let request: AuthSwitchRequest<'_> = ParseBuf(&said).parse(())?;
                    self.nonce = request.plugin_data().to_vec();
                    self.plugin = request.auth_plugin().into_owned();
                    let scramble = self.scramble()?;
                    self.packets.send(&scramble).await?;
                }
                [MORE, ENOUGH] if self.plugin == AuthPlugin::CachingSha2Password => {}
                [MORE, WHOLE_PASSWORD] if self.plugin == AuthPlugin::CachingSha2Password => {
                    self.tell_password().await?;
                }
                _ => return Err(unexpected(&said)),
            }
        }
    }

    /// Says the password itself: as it is where nobody else hears it, else under the server's key.
    async fn tell_password(&mut self) -> Result<()> {
        let mut password = self.password.unwrap_or_default().as_bytes().to_vec();
        password.push(0);
        if self.is_private {
            return self.packets.send(&password).await;
        }
        self.packets.send(&[KEY_PLEASE]).await?;
        let answer = self.packets.packet().await?;
        let [MORE, key @ ..] = answer else {
            return Err(match answer.first() {
                Some(&answer::REFUSED) => refused(answer).into(),
                _ => unexpected(answer),
            });
        };
        for (byte, mask) in password.iter_mut().zip(self.nonce.iter().cycle()) {
            *byte ^= mask;
        }
        let encrypted = crypto::encrypt(&password, key);
        self.packets.send(&encrypted).await
    }
}
