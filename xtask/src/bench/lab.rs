//! Where the measurements happen: the servers, the sources that are filled once, the target that is emptied before each run, and the
//! folders that go when all is done.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::contents::{Contents, Profile};
use super::limit::Limit;
use super::measure::{Measured, Script, Stopwatch};
use super::options::{LOW_MEMORY, Options, VERIFIED, WHIMBREL};
use super::pair::{Engine, LIMIT, Pair};
use super::peer::{Job, Peer};
use super::place::Place;
use super::process::Clock;
use super::server::Server;
use super::whimbrel::{Settings, Whimbrel};
use crate::cargo::Failure;
use crate::dataset::{self, Scale, Target};
use crate::test::has_room;

/// A folder in memory, on Linux.
const IN_MEMORY: &str = "/dev/shm";
/// The folders of a run are called this and the number of its process.
const RUN: &str = "whimbrel-bench-";

/// Who takes part.
#[derive(Debug, Clone, Copy)]
pub(super) enum Contender {
    Whimbrel(Settings),
    Peer(&'static Peer),
    Limit,
}

impl Contender {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Whimbrel(Settings { memory: Some(_), .. }) => LOW_MEMORY,
            Self::Whimbrel(Settings { verify: true, .. }) => VERIFIED,
            Self::Whimbrel(_) => WHIMBREL,
            Self::Peer(peer) => peer.name,
            Self::Limit => LIMIT,
        }
    }
}

/// A source that does not change.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) place: Place,
    pub(super) profile: Profile,
}

/// What one run showed.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) measured: Measured,
    pub(super) contents: Contents,
}

/// The place of the measurements.
#[derive(Debug)]
pub(super) struct Lab {
    folder: PathBuf,
    exchange: PathBuf,
    servers: Vec<Server>,
    pub(super) whimbrel: Whimbrel,
    clock: Clock,
    patience: Duration,
    seed: u64,
    samples: BTreeMap<(Engine, String), Sample>,
}

impl Lab {
    /// Builds Whimbrel, or takes the given program, and makes the folders.
    pub(super) fn open(options: &Options) -> Result<Self, Failure> {
        let whimbrel = match &options.whimbrel {
            Some(program) => Whimbrel {
                program: program.clone(),
            },
            None => Whimbrel::build()?,
        };
        let memory = Path::new(IN_MEMORY);
        let shared = if has_room(IN_MEMORY) {
            memory
        } else {
            &options.data
        };
        let failed = |error: io::Error| Failure::new(format!("cannot make the folders: {error}"));
        fs::create_dir_all(&options.data).map_err(failed)?;
        for parent in [&options.data, shared] {
            remove_abandoned(parent);
        }
        Ok(Self {
            folder: open_folder(&options.data, "").map_err(failed)?,
            exchange: open_folder(shared, "-exchange").map_err(failed)?,
            servers: Vec::new(),
            whimbrel,
            clock: Clock::new(),
            patience: Duration::from_secs(options.patience_seconds),
            seed: options.seed,
            samples: BTreeMap::new(),
        })
    }

    /// Returns a database that does not exist yet; its server is started when it is the first.
    pub(super) fn place(&mut self, engine: Engine, name: &str) -> Result<Place, Failure> {
        if engine == Engine::Sqlite {
            return Ok(Place::file(self.folder.join(format!("{name}.db"))));
        }
        if let Some(server) = self.servers.iter().find(|server| server.engine == engine) {
            return Ok(server.place(name));
        }
        println!("starting {engine}");
        let server = Server::start(engine, &self.folder)?;
        let place = server.place(name);
        self.servers.push(server);
        Ok(place)
    }

    /// Returns the data set of a scale, made when it is asked for the first time.
    pub(super) fn data_set(&mut self, engine: Engine, scale: &str) -> Result<Sample, Failure> {
        let key = (engine, scale.to_owned());
        if let Some(sample) = self.samples.get(&key) {
            return Ok(sample.clone());
        }
        let place = self.place(engine, &format!("source_{}", scale.replace('.', "_")))?;
        place.empty().map_err(Failure::new)?;
        let begun = Instant::now();
        let target = Target::parse(&place.url())?;
        let size = Scale::parse(scale).ok_or_else(|| Failure::usage("no scale"))?;
        dataset::fill(&target, size, self.seed)?;
        let sample = Self::sample(place)?;
        println!(
            "the data set in {engine}: {} rows in {:.0} s",
            sample.profile.rows,
            begun.elapsed().as_secs_f64()
        );
        self.samples.insert(key, sample.clone());
        Ok(sample)
    }

    /// Adds up a source that is filled.
    pub(super) fn sample(place: Place) -> Result<Sample, Failure> {
        let profile = Profile::of(&place, None).map_err(Failure::new)?;
        Ok(Sample { place, profile })
    }

    /// Removes the data set of a scale.
    pub(super) fn forget(&mut self, engine: Engine, scale: &str) -> Result<(), Failure> {
        let sample = self.samples.remove(&(engine, scale.to_owned()));
        sample.map_or(Ok(()), |sample| sample.place.drop().map_err(Failure::new))
    }

    /// Lets a contender move the source into an empty target and compares the contents.
    pub(super) fn measure(
        &mut self,
        pair: Pair,
        contender: Contender,
        scale: &str,
    ) -> Result<Finding, String> {
        let source = self.data_set(pair.source, scale).map_err(to_text)?;
        if !matches!(contender, Contender::Limit) {
            return self.move_into(pair.target, contender, &source);
        }
        let like = self.data_set(pair.target, scale).map_err(to_text)?;
        self.limit(&source, &like)
    }

    /// Measures what the engines take to give out a source and to take in their own copy of it.
    pub(super) fn limit(&mut self, source: &Sample, like: &Sample) -> Result<Finding, String> {
        let target = self.place(like.place.engine, "target").map_err(to_text)?;
        let folder = self.prepare(&target)?;
        let limit = Limit {
            source: &source.place,
            sample: &like.place,
            target: &target,
            folder: &folder,
            exchange: &self.exchange,
        };
        let measured = limit.measure(&self.stopwatch())?;
        Self::compare(measured, like, &target)
    }

    /// Lets Whimbrel or a peer move a source.
    pub(super) fn move_into(
        &mut self,
        engine: Engine,
        contender: Contender,
        source: &Sample,
    ) -> Result<Finding, String> {
        let target = self.place(engine, "target").map_err(to_text)?;
        let folder = self.prepare(&target)?;
        let (script, good): (Script, &[i32]) = match contender {
            Contender::Whimbrel(settings) => {
                let planned = self.whimbrel.plan(settings, &source.place, &target, &folder)?;
                (planned.script, planned.good)
            }
            Contender::Peer(peer) => {
                let job = Job {
                    source: &source.place,
                    target: &target,
                    folder: &folder,
                };
                let script = (peer.script)(&job).map_err(|error| error.to_string())?;
                (script, &[0])
            }
            Contender::Limit => return Err("the limit moves nothing".to_owned()),
        };
        let stopwatch = self.stopwatch();
        let measured = stopwatch.run(&self.with_programs(script), &folder, good)?;
        Self::compare(measured, source, &target)
    }

    fn compare(measured: Measured, source: &Sample, target: &Place) -> Result<Finding, String> {
        let arrived = Profile::of(target, Some(&source.profile))?;
        let contents = source.profile.compare(&arrived);
        Ok(Finding { measured, contents })
    }

    /// Empties the target and the folder of the contender, and lets what is still unwritten reach the disk.
    fn prepare(&self, target: &Place) -> Result<PathBuf, String> {
        let failed = |error: io::Error| format!("cannot make its folder: {error}");
        let folder = self.folder.join("work");
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(failed)?;
        }
        fs::create_dir(&folder).map_err(failed)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        target.empty()?;
        Command::new("sync").status().map_err(failed)?;
        Ok(folder)
    }

    /// All servers count; one that has nothing to do takes nothing.
    fn stopwatch(&self) -> Stopwatch {
        Stopwatch {
            clock: self.clock,
            servers: self.servers.iter().map(|server| server.process).collect(),
            patience: self.patience,
        }
    }

    /// The clients of PostgreSQL have to be as new as the server.
    fn with_programs(&self, script: Script) -> Script {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let postgres = self
            .servers
            .iter()
            .find(|server| server.engine == Engine::Postgres);
        let folders = postgres.map(|server| server.programs.clone()).into_iter();
        match std::env::join_paths(folders.chain(std::env::split_paths(&path))) {
            Ok(path) => script.with("PATH", path.to_string_lossy()),
            Err(_) => script,
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.servers.clear();
        for folder in [&self.folder, &self.exchange] {
            fs::remove_dir_all(folder).ok();
        }
    }
}

fn to_text(failure: Failure) -> String {
    failure.to_string()
}

/// Makes a folder that servers, which run as users of their own, can make folders in.
fn open_folder(parent: &Path, suffix: &str) -> io::Result<PathBuf> {
    let folder = parent.join(format!("{RUN}{}{suffix}", std::process::id()));
    fs::create_dir(&folder)?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o1777))?;
    Ok(folder)
}

/// Removes what runs left behind that were killed.
fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(rest) = name.strip_prefix(RUN) else {
            continue;
        };
        let id: String = rest.chars().take_while(char::is_ascii_digit).collect();
        if !id.is_empty() && !Path::new("/proc").join(id).exists() {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}
