//! A TCP proxy in front of a server that cuts, stalls, delays and half-closes connections on command or at a chosen byte, all of them or one.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Pieces that may be on their way in one direction of one connection.
const ON_THE_WAY: usize = 64;

/// Which way bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// What happens at the chosen byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Every open connection is closed.
    Cut,
    /// The connection that the byte travels on is closed.
    CutOne,
    /// Nothing is forwarded any more, in either direction, and nobody is told.
    Stall,
    /// Nothing is forwarded any more on the connection that the byte travels on, and nobody is told; others live.
    StallOne,
    /// Whoever waits for the byte is told that no more will come; the other direction stays open.
    HalfClose,
}

/// How slow the way is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    /// How long every piece travels.
    pub latency: Duration,
    /// Up to how much longer it takes.
    pub jitter: Duration,
    /// Of how many pieces one is lost and sent again, which takes a fifth of a second; none when 0.
    pub lost_one_in: u32,
}

#[derive(Debug, Default)]
struct State {
    stopping: bool,
    refusing: bool,
    stalled: bool,
    /// Connections that are stalled alone.
    frozen: BTreeSet<u64>,
    weather: Weather,
    /// Where the weather's chances come from, the same in every run.
    chance: u64,
    /// Bytes forwarded so far, by direction.
    forwarded: [u64; 2],
    /// The byte count at which a fault strikes, by direction.
    planned: [Option<(u64, Fault)>; 2],
    open: Vec<(u64, TcpStream)>,
    accepted: u64,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// A running proxy; dropping it closes every connection.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Starts a proxy on a free port of 127.0.0.1 that forwards to `server`.
    pub fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let for_listener = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, server, &for_listener));
        Ok(Self { address, shared })
    }

    /// Returns the address that clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes every open connection; new ones are welcome.
    pub fn cut(&self) {
        self.shared.change(State::cut);
    }

    /// Stops forwarding without telling anybody, as a cable that is pulled, until [`resume`](Self::resume).
    pub fn stall(&self) {
        self.shared.change(|state| state.stalled = true);
    }

    /// Stalls the connections that are open now, for good; new ones live. So does a firewall that forgets what it let through.
    pub fn stall_open(&self) {
        self.shared.change(|state| {
            let open: Vec<u64> = state.open.iter().map(|(connection, _)| *connection).collect();
            state.frozen.extend(open);
        });
    }

    /// Ends a stall, a refusal and every planned fault.
    pub fn resume(&self) {
        self.shared.change(|state| {
            (state.stalled, state.refusing, state.planned) = (false, false, [None, None]);
            state.frozen.clear();
        });
    }

    /// Closes every open connection and each new one at once, until [`resume`](Self::resume).
    pub fn refuse(&self) {
        self.shared.change(|state| {
            state.refusing = true;
            state.cut();
        });
    }

    /// Makes every piece that is forwarded travel so long.
    pub fn delay(&self, delay: Duration) {
        self.weather(Weather {
            latency: delay,
            ..Weather::default()
        });
    }

    /// Makes the way slow and uneven.
    pub fn weather(&self, weather: Weather) {
        self.shared.change(|state| state.weather = weather);
    }

    /// Lets `fault` strike once, after exactly `bytes` more bytes have gone in that direction.
    pub fn strike_after(&self, direction: Direction, bytes: u64, fault: Fault) {
        self.shared.change(|state| {
            state.planned[direction as usize] = Some((state.forwarded[direction as usize] + bytes, fault));
        });
    }

    /// Tells whether a planned fault has yet to strike.
    #[must_use]
    pub fn is_armed(&self) -> bool {
        self.shared.lock().planned.iter().any(Option::is_some)
    }

    /// Returns how many bytes have been forwarded in that direction, over all connections.
    #[must_use]
    pub fn forwarded(&self, direction: Direction) -> u64 {
        self.shared.lock().forwarded[direction as usize]
    }

    /// Returns how many connections have been accepted so far.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.shared.lock().accepted
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.change(|state| {
            state.stopping = true;
            state.cut();
        });
        // Wakes the listener, which then sees that it is to stop.
        TcpStream::connect(self.address).ok();
    }
}

impl State {
    fn cut(&mut self) {
        for (_, stream) in self.open.drain(..) {
            // Fails only for a connection that is closed already.
            stream.shutdown(Shutdown::Both).ok();
        }
    }

    fn cut_one(&mut self, connection: u64) {
        for (number, stream) in &self.open {
            if *number == connection {
                stream.shutdown(Shutdown::Both).ok();
            }
        }
        self.open.retain(|(number, _)| *number != connection);
    }

    /// How long the next piece travels.
    fn travel(&mut self) -> Duration {
        const SENT_AGAIN: Duration = Duration::from_millis(200);
        let Weather {
            latency,
            jitter,
            lost_one_in,
        } = self.weather;
        self.chance = self
            .chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let chance = self.chance >> 33;
        let jitter = jitter.mul_f64((chance % 1000) as f64 / 1000.0);
        let lost = lost_one_in > 0 && chance.is_multiple_of(u64::from(lost_one_in));
        latency + jitter + if lost { SENT_AGAIN } else { Duration::ZERO }
    }

    /// Lets the planned fault strike.
    fn strike(&mut self, connection: u64, fault: Fault) -> Admitted {
        match fault {
            Fault::Stall => self.stalled = true,
            Fault::StallOne => {
                self.frozen.insert(connection);
            }
            Fault::Cut => {
                self.cut();
                return Admitted::End;
            }
            Fault::CutOne => {
                self.cut_one(connection);
                return Admitted::End;
            }
            Fault::HalfClose => return Admitted::End,
        }
        Admitted::Wait
    }

    fn admit(&mut self, connection: u64, direction: Direction, wanted: usize) -> Admitted {
        let at = direction as usize;
        if self.stopping {
            return Admitted::End;
        }
        if self.stalled || self.frozen.contains(&connection) {
            return Admitted::Wait;
        }
        match self.planned[at] {
            Some((limit, fault)) if self.forwarded[at] >= limit => {
                self.planned[at] = None;
                self.strike(connection, fault)
            }
            planned => {
                let room = planned.map_or(u64::MAX, |(limit, _)| limit - self.forwarded[at]);
                let passing = wanted.min(usize::try_from(room).unwrap_or(usize::MAX));
                self.forwarded[at] += passing as u64;
                Admitted::Pass(passing)
            }
        }
    }
}

/// What becomes of bytes that want to pass.
enum Admitted {
    /// So many may.
    Pass(usize),
    /// None may, for now.
    Wait,
    /// None ever will.
    End,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until bytes may pass and returns how many of `wanted` may; `None` ends the connection.
    fn admit(&self, connection: u64, direction: Direction, wanted: usize) -> Option<usize> {
        let mut state = self.lock();
        loop {
            match state.admit(connection, direction, wanted) {
                Admitted::Pass(passing) => return Some(passing),
                Admitted::End => return None,
                Admitted::Wait => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

fn accept(listener: &TcpListener, server: SocketAddr, shared: &Arc<Shared>) {
    for client in listener.incoming().flatten() {
        let mut state = shared.lock();
        if state.stopping {
            return;
        }
        if state.refusing {
            continue;
        }
        // A server that is down looks to the client like a connection that ends.
        let Ok(upstream) = TcpStream::connect(server) else {
            continue;
        };
        client.set_nodelay(true).ok();
        upstream.set_nodelay(true).ok();
        state.accepted += 1;
        let connection = state.accepted;
        let pairs = [
            (&client, &upstream, Direction::ToServer),
            (&upstream, &client, Direction::ToClient),
        ];
        for (from, to, direction) in pairs {
            let (Ok(from), Ok(to), Ok(kept)) = (from.try_clone(), to.try_clone(), from.try_clone()) else {
                continue;
            };
            state.open.push((connection, kept));
            let pump = Pump {
                connection,
                direction,
                shared: Arc::clone(shared),
            };
            std::thread::spawn(move || pump.listen(from, to));
        }
    }
}

/// One direction of one connection.
struct Pump {
    connection: u64,
    direction: Direction,
    shared: Arc<Shared>,
}

impl Pump {
    /// Takes in what is sent, and hands it on with the moment at which it is due: many pieces travel at once.
    fn listen(self, mut from: TcpStream, to: TcpStream) {
        let (way, arrivals) = sync_channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
        let shared = Arc::clone(&self.shared);
        let end = std::thread::spawn(move || self.deliver(to, &arrivals));
        let mut piece = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            let due = Instant::now() + shared.lock().travel();
            if way.send((due, piece[..length].to_vec())).is_err() {
                break;
            }
        }
        drop(way);
        end.join().ok();
    }

    fn deliver(&self, mut to: TcpStream, arrivals: &Receiver<(Instant, Vec<u8>)>) {
        'connection: while let Ok((due, piece)) = arrivals.recv() {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let mut rest = piece.as_slice();
            while !rest.is_empty() {
                let Some(passing) = self.shared.admit(self.connection, self.direction, rest.len()) else {
                    break 'connection;
                };
                if to.write_all(&rest[..passing]).is_err() {
                    break 'connection;
                }
                rest = &rest[passing..];
            }
        }
        to.shutdown(Shutdown::Write).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts a server that sends back what it gets, and a client that reaches it through a proxy.
    fn echo() -> (Proxy, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap()).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || send_back(&stream));
            }
        });
        let client = TcpStream::connect(proxy.address()).unwrap();
        (proxy, client)
    }

    fn send_back(mut stream: &TcpStream) {
        let mut piece = [0; 1024];
        while let Ok(length @ 1..) = stream.read(&mut piece) {
            stream.write_all(&piece[..length]).unwrap();
        }
    }

    fn exchange(client: &mut TcpStream, text: &[u8]) -> io::Result<Vec<u8>> {
        client.write_all(text)?;
        let mut answer = vec![0; text.len()];
        client.read_exact(&mut answer)?;
        Ok(answer)
    }

    #[test]
    fn a_cut_ends_open_connections_and_welcomes_new_ones() {
        let (proxy, mut client) = echo();
        assert_eq!(exchange(&mut client, b"hello").unwrap(), b"hello");
        assert_eq!(proxy.forwarded(Direction::ToClient), 5);
        proxy.cut();
        assert!(exchange(&mut client, b"hello").is_err());
        let mut second = TcpStream::connect(proxy.address()).unwrap();
        assert_eq!(exchange(&mut second, b"again").unwrap(), b"again");
    }

    #[test]
    fn a_planned_cut_strikes_at_its_byte() {
        let (proxy, mut client) = echo();
        proxy.strike_after(Direction::ToClient, 3, Fault::Cut);
        client.write_all(b"hello").unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).ok();
        assert_eq!(answer, b"hel");
    }

    #[test]
    fn a_stall_holds_bytes_until_it_is_lifted() {
        let (proxy, mut client) = echo();
        proxy.strike_after(Direction::ToClient, 2, Fault::Stall);
        client.write_all(b"hello").unwrap();
        let mut answer = [0; 5];
        client.read_exact(&mut answer[..2]).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        assert!(client.read(&mut answer[2..]).is_err());
        proxy.resume();
        client.set_read_timeout(None).unwrap();
        client.read_exact(&mut answer[2..]).unwrap();
        assert_eq!(&answer, b"hello");
    }

    #[test]
    fn one_stalled_connection_leaves_others_alone() {
        let (proxy, mut client) = echo();
        proxy.strike_after(Direction::ToClient, 2, Fault::StallOne);
        client.write_all(b"hello").unwrap();
        let mut answer = [0; 5];
        client.read_exact(&mut answer[..2]).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        assert!(client.read(&mut answer[2..]).is_err());
        assert!(!proxy.is_armed());
        let mut second = TcpStream::connect(proxy.address()).unwrap();
        assert_eq!(exchange(&mut second, b"again").unwrap(), b"again");
        assert_eq!(proxy.accepted(), 2);
    }

    #[test]
    fn a_half_closed_connection_goes_on_in_the_other_direction() {
        let (proxy, mut client) = echo();
        proxy.strike_after(Direction::ToClient, 2, Fault::HalfClose);
        client.write_all(b"hello").unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"he");
        let before = proxy.forwarded(Direction::ToServer);
        client.write_all(b"again").unwrap();
        while proxy.forwarded(Direction::ToServer) < before + 5 {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_slow_way_delays_and_keeps_the_order() {
        let (proxy, mut client) = echo();
        let latency = Duration::from_millis(20);
        proxy.weather(Weather {
            latency,
            jitter: Duration::from_millis(10),
            lost_one_in: 3,
        });
        let begun = Instant::now();
        assert_eq!(exchange(&mut client, b"hello").unwrap(), b"hello");
        assert!(begun.elapsed() >= 2 * latency);
        let long: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut writer = client.try_clone().unwrap();
        let sent = long.clone();
        let sender = std::thread::spawn(move || writer.write_all(&sent).unwrap());
        let mut answer = vec![0; long.len()];
        client.read_exact(&mut answer).unwrap();
        sender.join().unwrap();
        assert!(answer == long);
    }

    #[test]
    fn a_refusal_lasts_until_it_is_lifted() {
        let (proxy, mut client) = echo();
        proxy.refuse();
        assert!(exchange(&mut client, b"hello").is_err());
        assert!(exchange(&mut TcpStream::connect(proxy.address()).unwrap(), b"hello").is_err());
        proxy.resume();
        assert!(exchange(&mut TcpStream::connect(proxy.address()).unwrap(), b"hello").is_ok());
    }
}
