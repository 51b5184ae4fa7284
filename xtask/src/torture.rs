//! `cargo xtask torture`: moves the headline data set while the program and the servers are killed at random moments, goes on each
//! time, and ends only when every target is identical with its source. Servers are `torture/server.rs`.

mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use self::server::{Kind, Server, signal};
use crate::cargo::{self, Failure, cargo};
use crate::dataset::{self, Scale, Target};

const SOURCE_PASSWORD: &str = "WHIMBREL_TORTURE_SOURCE_PASSWORD";
const TARGET_PASSWORD: &str = "WHIMBREL_TORTURE_TARGET_PASSWORD";

/// A run that has not ended after this long hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often a migration is gone on with in peace before it counts as stuck.
const GOES_ON: u32 = 4;

/// Moments within one migration.
const MOMENTS_EACH: u32 = 5;

/// The pairs, source first.
const PAIRS: [(&str, Side, Side); 9] = [
    (
        "postgres-postgres",
        Side::Server(Kind::Postgres),
        Side::Server(Kind::Postgres),
    ),
    (
        "mariadb-postgres",
        Side::Server(Kind::MariaDb),
        Side::Server(Kind::Postgres),
    ),
    (
        "postgres-mariadb",
        Side::Server(Kind::Postgres),
        Side::Server(Kind::MariaDb),
    ),
    (
        "mariadb-mariadb",
        Side::Server(Kind::MariaDb),
        Side::Server(Kind::MariaDb),
    ),
    ("sqlite-postgres", Side::File, Side::Server(Kind::Postgres)),
    ("postgres-sqlite", Side::Server(Kind::Postgres), Side::File),
    ("sqlite-mariadb", Side::File, Side::Server(Kind::MariaDb)),
    ("mariadb-sqlite", Side::Server(Kind::MariaDb), Side::File),
    ("sqlite-sqlite", Side::File, Side::File),
];

/// Where a database lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    File,
    Server(Kind),
}

struct Options {
    moments: u32,
    scale: Scale,
    seed: u64,
    pairs: Vec<usize>,
    program: Option<PathBuf>,
    folder: PathBuf,
}

/// Runs the loop and fails at the first migration that does not end identical.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let options = Options::parse(arguments)?;
    let program = match &options.program {
        Some(program) => program.clone(),
        None => build()?,
    };
    let parent = options
        .folder
        .join(format!("whimbrel-torture-{}", std::process::id()));
    fs::create_dir(&parent).map_err(to_failure)?;
    let outcome = torture(&options, &program, &parent);
    match &outcome {
        Ok(done) => {
            println!("torture: {done} moments survived, every migration ended identical");
            fs::remove_dir_all(&parent).map_err(to_failure)?;
        }
        Err(_) => println!("torture: what is left is in {}", parent.display()),
    }
    outcome.map(|_| ())
}

fn torture(options: &Options, program: &Path, parent: &Path) -> Result<u32, Failure> {
    let mut chance = Chance(options.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut done = 0;
    for (turn, at) in options.pairs.iter().enumerate() {
        let left = options.moments - done;
        let pairs_left = u32::try_from(options.pairs.len() - turn).unwrap_or(1);
        let share = left.div_ceil(pairs_left);
        if share > 0 {
            let mut pair = Pair::open(*at, options, program, parent)?;
            done += pair.torture(share, &mut chance)?;
        }
    }
    Ok(done)
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self {
            moments: 200,
            scale: Scale::parse("0.05").ok_or_else(|| Failure::new("no scale"))?,
            seed: 1,
            pairs: Vec::new(),
            program: None,
            folder: std::env::temp_dir(),
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let value = rest
                .next()
                .ok_or_else(|| Failure::usage(format!("`{argument}` needs a value")))?;
            let wrong = || Failure::usage(format!("cannot use `{argument} {value}`; see `cargo xtask help`"));
            match argument.as_str() {
                "--moments" => options.moments = value.parse().map_err(|_| wrong())?,
                "--scale" => options.scale = Scale::parse(value).ok_or_else(wrong)?,
                "--seed" => options.seed = value.parse().map_err(|_| wrong())?,
                "--pair" => {
                    let found = PAIRS.iter().position(|(name, ..)| name == value);
                    options.pairs.push(found.ok_or_else(wrong)?);
                }
                "--whimbrel" => options.program = Some(std::path::absolute(value).map_err(to_failure)?),
                "--data" => options.folder = std::path::absolute(value).map_err(to_failure)?,
                _ => return Err(wrong()),
            }
        }
        if options.pairs.is_empty() {
            options.pairs = (0..PAIRS.len()).collect();
        }
        Ok(options)
    }
}

/// Two places, with the data in the first.
struct Pair {
    name: &'static str,
    program: PathBuf,
    folder: PathBuf,
    source: Place,
    target: Place,
    /// How long a run takes that nobody disturbs.
    usual: Duration,
    migrations: u32,
}

enum Place {
    File(PathBuf),
    Server(Server),
}

/// What is killed.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Program,
    Source,
    Target,
}

/// What a moment did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// The run had ended by itself.
    TooLate,
    /// The run went on to its end all the same.
    Survived,
    /// The run ended early.
    Stopped,
}

impl Pair {
    fn open(at: usize, options: &Options, program: &Path, parent: &Path) -> Result<Self, Failure> {
        let (name, source, target) = PAIRS[at];
        let folder = parent.join(name);
        fs::create_dir(&folder).map_err(to_failure)?;
        use std::os::unix::fs::PermissionsExt as _;
        for folder in [parent, &folder] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(to_failure)?;
        }
        let place = |side, name: &str| match side {
            Side::File => Ok(Place::File(folder.join(format!("{name}.db")))),
            Side::Server(kind) => Server::start(kind, &folder, name).map(Place::Server),
        };
        let pair = Self {
            name,
            program: program.to_owned(),
            source: place(source, "source")?,
            target: place(target, "target")?,
            folder: folder.clone(),
            usual: Duration::ZERO,
            migrations: 0,
        };
        if let Place::Server(server) = &pair.source {
            server.create("source")?;
        }
        let url = match &pair.source {
            Place::File(path) => format!("sqlite:{}", path.display()),
            Place::Server(server) => server.url("source", &server.password),
        };
        let rows = dataset::fill(&Target::parse(&url)?, options.scale, options.seed)?;
        println!("{name}: {rows} rows in the source");
        Ok(pair)
    }

    /// Kills at so many moments, over as many migrations as that takes.
    fn torture(&mut self, moments: u32, chance: &mut Chance) -> Result<u32, Failure> {
        let migration = self.plan()?;
        let begun = Instant::now();
        self.finish(&migration)?;
        self.usual = begun.elapsed();
        println!("{}: undisturbed in {:.1} s", self.name, self.usual.as_secs_f64());
        self.discard(&migration)?;
        let mut done = 0;
        while done < moments {
            let migration = self.plan()?;
            let wanted = (moments - done).min(MOMENTS_EACH);
            for _ in 0..wanted {
                let outcome = self.moment(&migration, chance, done + 1)?;
                done += u32::from(outcome != Moment::TooLate);
                if outcome != Moment::Stopped {
                    break;
                }
            }
            self.finish(&migration)?;
            self.discard(&migration)?;
        }
        Ok(done)
    }

    /// Runs until a random moment and kills.
    fn moment(&mut self, migration: &Migration, chance: &mut Chance, number: u32) -> Result<Moment, Failure> {
        let victims = self.victims();
        let victim = victims[chance.among(victims.len())];
        let millis = chance.below(u64::try_from(self.usual.as_millis()).unwrap_or(u64::MAX));
        let mut child = self.start(migration)?;
        std::thread::sleep(Duration::from_millis(millis));
        let is_over = child.try_wait().map_err(to_failure)?.is_some();
        if is_over {
            // The machine is quicker now than it was, or less was left to do.
            self.usual = self.usual.min(Duration::from_millis(millis.max(100)));
            return Ok(Moment::TooLate);
        }
        match victim {
            Victim::Program => signal("KILL", &child.id().to_string()),
            Victim::Source => self.strike(chance, |pair| &mut pair.source)?,
            Victim::Target => self.strike(chance, |pair| &mut pair.target)?,
        }
        let code = self.wait(&mut child, migration)?;
        println!(
            "{}: moment {number}, migration {}: killed the {} after {millis} ms, the program ended with {}",
            self.name,
            migration.number,
            format!("{victim:?}").to_lowercase(),
            code.map_or("a signal".to_owned(), |code| code.to_string())
        );
        match code {
            Some(0) => return Ok(Moment::Survived),
            None | Some(1) => return Ok(Moment::Stopped),
            Some(_) => {}
        }
        Err(self.failed(
            migration,
            &format!("exit code {code:?} after the {victim:?} was killed"),
        ))
    }

    fn victims(&self) -> Vec<Victim> {
        let mut victims = vec![Victim::Program];
        for (place, victim) in [(&self.source, Victim::Source), (&self.target, Victim::Target)] {
            if matches!(place, Place::Server(_)) {
                victims.push(victim);
            }
        }
        victims
    }

    fn strike(&mut self, chance: &mut Chance, which: fn(&mut Self) -> &mut Place) -> Result<(), Failure> {
        if let Place::Server(server) = which(self) {
            server.kill();
            std::thread::sleep(Duration::from_millis(chance.below(1500)));
            server.boot()?;
        }
        Ok(())
    }

    /// Plans a migration into an empty database.
    fn plan(&mut self) -> Result<Migration, Failure> {
        self.migrations += 1;
        let number = self.migrations;
        let folder = self.folder.join(format!("migration-{number}"));
        fs::create_dir(&folder).map_err(to_failure)?;
        let database = format!("target{number}");
        if let Place::Server(server) = &self.target {
            server.create(&database)?;
        }
        let mut migration = Migration {
            number,
            folder,
            database,
            id: String::new(),
            hash: String::new(),
        };
        let urls = [
            self.source.url("source", SOURCE_PASSWORD),
            self.target.url(&migration.database, TARGET_PASSWORD),
        ];
        let mut command = self.command(&migration);
        command
            .arg("plan")
            .args(urls)
            .args(["--accept-suggested", "--json"]);
        if matches!(&self.target, Place::Server(server) if server.kind == Kind::MariaDb) {
            command.args(["--decide", "feature_left_out=leave_out"]);
        }
        let output = command.output().map_err(to_failure)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let (Some(id), Some(hash)) = (text_of(&text, "migration_id"), text_of(&text, "plan_hash")) else {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(self.failed(&migration, &format!("no plan: {said}")));
        };
        (migration.id, migration.hash) = (id.to_owned(), hash.to_owned());
        Ok(migration)
    }

    /// Goes on in peace until the migration is done, and lets the databases be compared once more.
    fn finish(&self, migration: &Migration) -> Result<(), Failure> {
        let mut code = None;
        for _ in 0..GOES_ON {
            code = self.wait(&mut self.start(migration)?, migration)?;
            if code == Some(0) {
                break;
            }
        }
        if code != Some(0) {
            return Err(self.failed(
                migration,
                &format!("it does not come to an end: exit code {code:?}"),
            ));
        }
        let mut command = self.command(migration);
        command.args(["verify", &migration.id, "--json"]);
        self.say_where(&mut command, migration);
        let output = command.output().map_err(to_failure)?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || !text.contains("identical") {
            fs::write(migration.folder.join("verify.json"), &output.stdout).map_err(to_failure)?;
            return Err(self.failed(migration, "the databases are not identical"));
        }
        Ok(())
    }

    fn discard(&self, migration: &Migration) -> Result<(), Failure> {
        match &self.target {
            Place::File(path) => {
                let path = path.with_file_name(format!("{}.db", migration.database));
                for suffix in ["", "-wal", "-shm", "-journal"] {
                    fs::remove_file(format!("{}{suffix}", path.display())).ok();
                }
            }
            Place::Server(server) => server.discard(&migration.database)?,
        }
        fs::remove_dir_all(&migration.folder).map_err(to_failure)
    }

    fn start(&self, migration: &Migration) -> Result<Child, Failure> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(migration.folder.join("log"));
        let log = log.map_err(to_failure)?;
        let mut command = self.command(migration);
        command.args(["run", &migration.id, "--approve", &migration.hash]);
        self.say_where(&mut command, migration);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(to_failure)?)
            .stderr(log);
        command.spawn().map_err(to_failure)
    }

    fn urls(&self, migration: &Migration) -> [String; 2] {
        [
            self.source.url("source", SOURCE_PASSWORD),
            self.target.url(&migration.database, TARGET_PASSWORD),
        ]
    }

    fn say_where(&self, command: &mut Command, migration: &Migration) {
        let [source, target] = self.urls(migration);
        command.args(["--source", &source, "--target", &target]);
    }

    fn wait(&self, child: &mut Child, migration: &Migration) -> Result<Option<i32>, Failure> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = child.try_wait().map_err(to_failure)? {
                return Ok(status.code());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // Its stacks are still there to be looked at by hand, until the signal.
        let failure = self.failed(migration, &format!("process {} hangs", child.id()));
        signal("KILL", &child.id().to_string());
        child.wait().map_err(to_failure)?;
        Err(failure)
    }

    fn command(&self, migration: &Migration) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&migration.folder);
        for (place, name) in [(&self.source, SOURCE_PASSWORD), (&self.target, TARGET_PASSWORD)] {
            if let Place::Server(server) = place {
                command.env(name, &server.password);
            }
        }
        command
    }

    fn failed(&self, migration: &Migration, what: &str) -> Failure {
        let log = fs::read_to_string(migration.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(25)..].join("\n");
        Failure::new(format!(
            "{}: migration {}: {what}\n{last}\n(folder: {})",
            self.name,
            migration.number,
            migration.folder.display()
        ))
    }
}

impl Place {
    fn url(&self, database: &str, password: &str) -> String {
        match self {
            Self::File(path) if database == "source" => format!("sqlite:{}", path.display()),
            Self::File(path) => format!(
                "sqlite:{}",
                path.with_file_name(format!("{database}.db")).display()
            ),
            Self::Server(server) => server.url(database, &format!("${{{password}}}")),
        }
    }
}

struct Migration {
    number: u32,
    folder: PathBuf,
    database: String,
    id: String,
    hash: String,
}

/// Chances that are the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }

    fn among(&mut self, choices: usize) -> usize {
        usize::try_from(self.below(choices as u64)).unwrap_or(0)
    }
}

fn build() -> Result<PathBuf, Failure> {
    let folder = cargo::root().join("target");
    let mut command = cargo(&["build", "--release", "-p", "whimbrel", "--target-dir"]);
    command.arg(&folder);
    cargo::run(command, "cargo build")?;
    Ok(folder.join("release").join("whimbrel"))
}

fn to_failure(error: std::io::Error) -> Failure {
    Failure::new(error.to_string())
}

/// Reads a member of a document whose members stand on lines of their own.
fn text_of<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let start = format!("\"{name}\": \"");
    let found = json.lines().find_map(|line| line.trim().strip_prefix(&start));
    found.map(|rest| rest.trim_end_matches(',').trim_end_matches('"'))
}
