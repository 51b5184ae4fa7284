//! A TCP proxy in front of a server that cuts, stalls and delays connections on command or at a chosen byte.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Which way bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// What happens to a connection at the chosen byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Every open connection is closed.
    Cut,
    /// Nothing is forwarded any more, in either direction, and nobody is told.
    Stall,
}

#[derive(Debug, Default)]
struct State {
    stopping: bool,
    refusing: bool,
    stalled: bool,
    delay: Duration,
    /// Bytes forwarded so far, by direction.
    forwarded: [u64; 2],
    /// The byte count at which a fault strikes, by direction.
    planned: [Option<(u64, Fault)>; 2],
    open: Vec<TcpStream>,
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
        self.shared.lock().cut();
    }

    /// Stops forwarding without telling anybody, as a cable that is pulled, until [`resume`](Self::resume).
    pub fn stall(&self) {
        self.shared.change(|state| state.stalled = true);
    }

    /// Ends a stall, a refusal and every planned fault.
    pub fn resume(&self) {
        self.shared.change(|state| {
            (state.stalled, state.refusing, state.planned) = (false, false, [None, None]);
        });
    }

    /// Closes every open connection and each new one at once, until [`resume`](Self::resume).
    pub fn refuse(&self) {
        self.shared.change(|state| {
            state.refusing = true;
            state.cut();
        });
    }

    /// Makes every piece that is forwarded wait.
    pub fn delay(&self, delay: Duration) {
        self.shared.change(|state| state.delay = delay);
    }

    /// Lets `fault` strike once, after exactly `bytes` more bytes have gone in that direction.
    pub fn strike_after(&self, direction: Direction, bytes: u64, fault: Fault) {
        self.shared.change(|state| {
            state.planned[direction as usize] = Some((state.forwarded[direction as usize] + bytes, fault));
        });
    }

    /// Returns how many bytes have been forwarded in that direction, over all connections.
    #[must_use]
    pub fn forwarded(&self, direction: Direction) -> u64 {
        self.shared.lock().forwarded[direction as usize]
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
        for stream in self.open.drain(..) {
            // Fails only for a connection that is closed already.
            stream.shutdown(Shutdown::Both).ok();
        }
    }
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
    fn admit(&self, direction: Direction, wanted: usize) -> Option<usize> {
        let at = direction as usize;
        let mut state = self.lock();
        loop {
            if state.stopping {
                return None;
            }
            if !state.stalled {
                match state.planned[at] {
                    Some((limit, fault)) if state.forwarded[at] >= limit => {
                        state.planned[at] = None;
                        match fault {
                            Fault::Stall => state.stalled = true,
                            Fault::Cut => {
                                state.cut();
                                return None;
                            }
                        }
                    }
                    planned => {
                        let room = planned.map_or(u64::MAX, |(limit, _)| limit - state.forwarded[at]);
                        let passing = wanted.min(usize::try_from(room).unwrap_or(usize::MAX));
                        state.forwarded[at] += passing as u64;
                        return Some(passing);
                    }
                }
            }
            if state.stalled {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
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
        let pairs = [
            (&client, &upstream, Direction::ToServer),
            (&upstream, &client, Direction::ToClient),
        ];
        for (from, to, direction) in pairs {
            let (Ok(from), Ok(to), Ok(kept)) = (from.try_clone(), to.try_clone(), from.try_clone()) else {
                continue;
            };
            state.open.push(kept);
            let shared = Arc::clone(shared);
            std::thread::spawn(move || pump(from, to, direction, &shared));
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, direction: Direction, shared: &Shared) {
    let mut piece = vec![0; 16 * 1024];
    'connection: while let Ok(length @ 1..) = from.read(&mut piece) {
        let delay = shared.lock().delay;
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        let mut rest = &piece[..length];
        while !rest.is_empty() {
            let Some(passing) = shared.admit(direction, rest.len()) else {
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
    fn a_refusal_lasts_until_it_is_lifted() {
        let (proxy, mut client) = echo();
        proxy.refuse();
        assert!(exchange(&mut client, b"hello").is_err());
        assert!(exchange(&mut TcpStream::connect(proxy.address()).unwrap(), b"hello").is_err());
        proxy.resume();
        assert!(exchange(&mut TcpStream::connect(proxy.address()).unwrap(), b"hello").is_ok());
    }
}
