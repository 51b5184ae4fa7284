//! Services in containers: the images of database servers, the variables that other services are given, and the operators of a cluster
//! that make databases. The files are read line by line, which is all that an image needs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use whimbrel_core::is_secret;

use super::evidence::{Engine, Evidence, Weight};
use super::found::Found;
use super::masked::urls;
use super::project::{File, Project};
use super::variables::of_variable;
use super::withheld::withhold;

/// Bytes in which a manifest says that it is one, behind comments.
const MANIFEST_BYTES: u64 = 8 << 10;
/// Variables of one line that are looked into.
const NESTED_MAX: usize = 8;
/// Files of pipelines, beside those that are known by their folder.
const PIPELINES: [&str; 8] = [
    ".gitlab-ci.yml",
    "bitbucket-pipelines.yml",
    ".travis.yml",
    ".drone.yml",
    ".woodpecker.yml",
    "azure-pipelines.yml",
    "cloudbuild.yaml",
    "cloudbuild.yml",
];
/// Tags of images that are no numbers.
const TAGS: [&str; 4] = ["latest", "alpine", "stable", "lts"];
/// What stands behind the number in the tag of an image.
const SYSTEMS: [&str; 10] = [
    "alpine", "bookworm", "bullseye", "buster", "trixie", "jammy", "focal", "noble", "debian", "slim",
];
/// Words in the names of images that stand beside a server.
const BESIDE: [&str; 8] = [
    "exporter", "express", "admin", "backup", "bouncer", "pgpool", "proxy", "adminer",
];
/// Words in the names of images of servers.
const SERVERS: [(&str, Engine); 9] = [
    ("postgres", Engine::Postgresql),
    ("postgis", Engine::Postgresql),
    ("timescale", Engine::Postgresql),
    ("pgvector", Engine::Postgresql),
    ("mariadb", Engine::Mariadb),
    ("mysql", Engine::Mysql),
    ("mongo", Engine::Mongodb),
    ("mongodb", Engine::Mongodb),
    ("percona", Engine::Mysql),
];

/// Groups of resources in a cluster that an operator makes databases of, as parts of an `apiVersion`.
const OPERATORS: [(&str, Engine); 12] = [
    ("cnpg.io/", Engine::Postgresql),
    ("acid.zalan.do/", Engine::Postgresql),
    ("crunchydata.com/", Engine::Postgresql),
    ("stackgres.io/", Engine::Postgresql),
    ("pgv2.percona.com/", Engine::Postgresql),
    ("kubegres.reactive-tech.io/", Engine::Postgresql),
    ("mysql.oracle.com/", Engine::Mysql),
    ("moco.cybozu.com/", Engine::Mysql),
    ("pxc.percona.com/", Engine::Mysql),
    ("mariadb.", Engine::Mariadb),
    ("mongodb.com/", Engine::Mongodb),
    ("psmdb.percona.com/", Engine::Mongodb),
];

/// What the lines of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Compose,
    Manifest,
    Pipeline,
    Chart,
    Values,
    Image,
    Unit,
}

/// Returns what the services say.
pub(super) fn find(project: &Project, found: &mut Found) {
    for file in project.files() {
        if let Some(kind) = kind_of_name(file) {
            let weight = weight_of(file, kind);
            found.add(of_lines(project, file, (kind, weight), &project.lines(file)));
        } else if is_manifest(project, file) {
            let kind = (Kind::Manifest, Weight::Strong);
            found.add(of_lines(project, file, kind, &project.lines(file)));
        }
    }
}

/// Tells whether a file is about services, and is read here.
pub(super) fn is_about_services(project: &Project, file: &File) -> bool {
    kind_of_name(file).is_some() || is_manifest(project, file)
}

fn is_yaml(file: &File) -> bool {
    ["yml", "yaml"].contains(&file.extension())
}

fn kind_of_name(file: &File) -> Option<Kind> {
    let name = file.name.as_str();
    let stem = name.split('.').next().unwrap_or_default();
    if ["dockerfile", "containerfile"].contains(&stem) || file.extension() == "dockerfile" {
        return Some(Kind::Image);
    }
    if file.extension() == "container" {
        return Some(Kind::Unit);
    }
    if !is_yaml(file) {
        return None;
    }
    let is_compose = name.split(['.', '-', '_']).any(|part| part == "compose");
    let is_pipeline =
        file.folder() == "workflows" || file.folder() == ".circleci" || PIPELINES.contains(&name);
    match name {
        "chart.yaml" | "chart.yml" | "requirements.yaml" => Some(Kind::Chart),
        _ if is_compose => Some(Kind::Compose),
        _ if is_pipeline => Some(Kind::Pipeline),
        _ => (stem.split(['-', '_']).next() == Some("values")).then_some(Kind::Values),
    }
}

fn weight_of(file: &File, kind: Kind) -> Weight {
    match kind {
        Kind::Compose if file.name.contains("compose") => Weight::Strong,
        Kind::Manifest | Kind::Unit => Weight::Strong,
        Kind::Compose | Kind::Pipeline | Kind::Chart | Kind::Values | Kind::Image => Weight::Medium,
    }
}

/// Tells whether a file begins with the description of a resource of a cluster.
fn is_manifest(project: &Project, file: &File) -> bool {
    if !is_yaml(file) {
        return false;
    }
    let start = project.start(file, MANIFEST_BYTES);
    let has = |key: &str| start.lines().any(|line| line.starts_with(key));
    has("apiVersion:") && has("kind:")
}

fn of_lines(
    project: &Project,
    file: &File,
    (kind, weight): (Kind, Weight),
    lines: &[String],
) -> Vec<Evidence> {
    let mut manifest = Manifest::default();
    let mut lists = Lists::default();
    project.pieces(file, lines.iter().enumerate().enumerate(), |(at, line)| {
        if at == 0 || line.starts_with("---") {
            manifest.begin(&lines[at..]);
        }
        if line.trim_start().starts_with('#') {
            return Vec::new();
        }
        match kind {
            Kind::Compose => of_line(file, weight, line),
            Kind::Manifest => manifest.of_line(file, weight, line),
            Kind::Pipeline => of_pipeline(file, weight, line, lists.is_of_services(line)),
            Kind::Values => of_values(file, weight, line),
            Kind::Chart => of_chart(file, weight, line).into_iter().collect(),
            Kind::Image => of_image(file, weight, line),
            Kind::Unit => of_unit(file, weight, line),
        }
    })
}

fn of_line(file: &File, weight: Weight, line: &str) -> Vec<Evidence> {
    let image = line
        .split_once("image")
        .filter(|(before, _)| begins_key(before))
        .and_then(|(_, after)| image(after));
    match image {
        Some(image) => vec![evidence_of(file, weight, &image)],
        None => of_command(file, weight, line),
    }
}

/// Tells whether a text ends where a key begins, or within one such as `db_image`; in a value the word would be a part of any text.
fn begins_key(before: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    let outside = before.trim_end_matches(is_part);
    let outside = outside.trim_end_matches(['"', '\'', ' ', '\t']);
    !is_secret(before) && (outside.is_empty() || outside.ends_with(['{', ',', '[', '-']))
}

/// Reads a line that is a variable, or a part of a command.
fn of_command(file: &File, weight: Weight, line: &str) -> Vec<Evidence> {
    let evidence = of_variable(file, weight, line);
    if !evidence.is_empty() || is_secret(line) {
        return evidence;
    }
    let found = urls(line);
    found
        .iter()
        .map(|url| Evidence::of_url(file, weight, "the URL", url))
        .collect()
}

/// Reads a line of a pipeline, where a service may be named alone: `- postgres:16`. Elsewhere than below `services` an item may be a login
/// with its password, unless it ends in a version.
fn of_pipeline(file: &File, weight: Weight, line: &str, is_service: bool) -> Vec<Evidence> {
    let item = line.trim().strip_prefix("- ").map(str::trim);
    let item = item.map(|item| {
        item.strip_prefix("name:")
            .unwrap_or(item)
            .trim()
            .trim_matches(['"', '\''])
    });
    let image = item
        .filter(|item| !item.contains(char::is_whitespace))
        .and_then(|item| image(&format!(":{item}")))
        .filter(|(image, _)| {
            let name = image.rsplit('/').next().and_then(|name| name.split(':').next());
            name.and_then(Engine::of_word).is_some() && (is_service || has_version(image))
        });
    match image {
        Some(image) => vec![evidence_of(file, weight, &image)],
        None => of_line(file, weight, line),
    }
}

/// Tells whether the tag of an image is a version: `16.4-alpine3.20`.
fn has_version(image: &str) -> bool {
    let Some((_, tag)) = image.rsplit_once(':') else {
        return false;
    };
    let mut parts = tag.split('-');
    let is_number = |part: &str| {
        let mut numbers = part.split('.');
        numbers.all(|number| {
            (1..=4).contains(&number.len()) && number.chars().all(|letter| letter.is_ascii_digit())
        })
    };
    let is_system = |part: &str| {
        let name = part.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
        SYSTEMS.contains(&name)
    };
    TAGS.contains(&tag) || parts.next().is_some_and(is_number) && parts.all(is_system)
}

/// The keys above a line of a pipeline, with their indents, and whether each is `services`.
#[derive(Debug, Default)]
struct Lists {
    above: Vec<(usize, bool)>,
}

impl Lists {
    /// Tells whether a line is an item of the list of services.
    fn is_of_services(&mut self, line: &str) -> bool {
        let text = line.trim();
        let indent = line.len() - line.trim_start().len();
        if text.starts_with("- ") {
            self.above.retain(|(above, _)| *above <= indent);
            return self.above.last().is_some_and(|(_, is_services)| *is_services);
        }
        if let Some(key) = text.strip_suffix(':') {
            self.above.retain(|(above, _)| *above < indent);
            self.above.push((indent, key == "services"));
        }
        false
    }
}

/// Reads a line of the values of a chart: the image of a server, or the section of a chart that is installed beside.
fn of_values(file: &File, weight: Weight, line: &str) -> Vec<Evidence> {
    if let Some(image) = line.trim().strip_prefix("repository").and_then(image) {
        return vec![evidence_of(file, weight, &image)];
    }
    let section = line
        .strip_suffix(':')
        .map(|name| name.strip_suffix("-ha").unwrap_or(name));
    match section.and_then(Engine::of_word) {
        Some(engine) => {
            let what = format!("a section is named `{}`", engine.name());
            vec![Evidence::new(file, weight, what).of(engine)]
        }
        None => of_line(file, weight, line),
    }
}

fn evidence_of(file: &File, weight: Weight, (image, engine): &(String, Engine)) -> Evidence {
    Evidence::new(file, weight, format!("the image is `{image}`")).of(*engine)
}

/// What the lines before said about the next one.
#[derive(Debug, Default)]
struct Manifest {
    is_secret: bool,
    /// The document says so of itself, before its values or behind them.
    is_document_secret: bool,
    /// The name of the variable whose value is on the next line.
    name: Option<String>,
}

impl Manifest {
    /// Begins a document, which starts these lines.
    fn begin(&mut self, lines: &[String]) {
        let mut document = lines.iter().skip(1).take_while(|line| !line.starts_with("---"));
        let is_kind = |line: &String| line.trim() == "kind: Secret";
        self.is_document_secret = lines.first().is_some_and(is_kind) || document.any(is_kind);
        self.is_secret = self.is_document_secret;
        self.name = None;
    }

    fn of_line(&mut self, file: &File, weight: Weight, line: &str) -> Vec<Evidence> {
        let text = line.trim_start_matches([' ', '-', '\t']);
        let Some((key, value)) = text.split_once(':') else {
            return Vec::new();
        };
        let value = value.trim().trim_matches(['"', '\'']);
        match key {
            "apiVersion" => {
                self.is_secret = self.is_document_secret;
                let operator = OPERATORS.iter().find(|(group, _)| value.contains(group));
                let evidence = operator.map(|(_, engine)| {
                    let what = format!("an operator of {} makes it", engine.name());
                    Evidence::new(file, weight, what).of(*engine)
                });
                evidence.into_iter().collect()
            }
            "kind" => {
                self.is_secret = value == "Secret" || self.is_document_secret;
                Vec::new()
            }
            "name" => {
                self.name = Some(value.to_owned());
                Vec::new()
            }
            "value" => {
                // The name may stand behind the value.
                let name = self.name.take().unwrap_or_else(|| key.to_owned());
                of_variable(file, weight, &format!("{name}: {value}"))
            }
            _ if self.is_secret => match decoded(value) {
                Some(lines) => {
                    let lines = match lines.as_slice() {
                        [value] => vec![format!("{key}: {value}")],
                        _ if is_secret(key) => Vec::new(),
                        _ => lines,
                    };
                    lines
                        .iter()
                        .flat_map(|line| of_variable(file, weight, line))
                        .collect()
                }
                None => of_line(file, weight, text),
            },
            _ => of_line(file, weight, text),
        }
    }
}

/// Returns the lines that the value of a secret stands for; it may be a file of variables.
fn decoded(value: &str) -> Option<Vec<String>> {
    let bytes = STANDARD.decode(value).ok().filter(|bytes| !bytes.is_empty())?;
    let text = String::from_utf8(bytes).ok()?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    withhold(&mut lines);
    Some(lines)
}

/// Reads a line of a chart, which names the charts that it installs beside.
fn of_chart(file: &File, weight: Weight, line: &str) -> Option<Evidence> {
    let name = line.trim_start_matches([' ', '-']).strip_prefix("name:")?;
    let name = name.trim().trim_matches(['"', '\'']);
    let engine = Engine::of_word(name.strip_suffix("-ha").unwrap_or(name))?;
    let what = format!("it installs the chart of {}", engine.name());
    Some(Evidence::new(file, weight, what).of(engine))
}

/// Reads a line of the recipe of an image.
fn of_image(file: &File, weight: Weight, line: &str) -> Vec<Evidence> {
    let (instruction, rest) = line.trim().split_once(' ').unwrap_or_default();
    match instruction.to_ascii_uppercase().as_str() {
        "FROM" => {
            // `FROM --platform=linux/amd64 postgres:16`
            let name = rest.split_whitespace().find(|word| !word.starts_with("--"));
            let image = name.and_then(|name| image(&format!(":{name}")));
            image
                .iter()
                .map(|image| evidence_of(file, weight, image))
                .collect()
        }
        "ENV" | "ARG" => of_variable(file, weight, rest),
        _ => Vec::new(),
    }
}

/// Reads a line of a container that systemd runs.
fn of_unit(file: &File, weight: Weight, line: &str) -> Vec<Evidence> {
    match line.split_once('=') {
        Some(("Image", image_name)) => {
            let image = image(&format!(":{image_name}"));
            image
                .iter()
                .map(|image| evidence_of(file, weight, image))
                .collect()
        }
        Some(("Environment", variable)) => of_variable(file, weight, variable),
        _ => Vec::new(),
    }
}

/// Reads what follows the word `image`.
fn image(after: &str) -> Option<(String, Engine)> {
    let value = after.trim_start_matches(['"', '\'', ' ']).strip_prefix(':')?;
    let value = value.trim_start_matches(['"', '\'', ' ']);
    // `&name postgres:16` gives the value a name.
    let value = match value.strip_prefix('&') {
        Some(named) => named.split_once(' ')?.1.trim_start_matches(['"', '\'', ' ']),
        None => value,
    };
    let value = resolved(value, NESTED_MAX);
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_./:-${}*".contains(letter);
    let end = value.find(|letter| !is_part(letter)).unwrap_or(value.len());
    let (image, rest) = value.split_at(end);
    // What stands before an `@` is a login, unless the sum of the image follows.
    if rest.starts_with('@') && !rest.starts_with("@sha256:") {
        return None;
    }
    let name = image.rsplit('/').next()?.split(':').next()?.to_ascii_lowercase();
    let path = image.split(':').next()?.to_ascii_lowercase();
    if BESIDE.iter().any(|word| name.contains(word)) {
        return None;
    }
    let server = SERVERS
        .iter()
        .find(|(word, _)| name.contains(word) || path.ends_with(word))?;
    Some((image.to_owned(), server.1))
}

/// Puts what is taken when nobody says in place of variables: `${TAG:-16}` is `16`, and `$TAG` stays.
fn resolved(value: &str, levels: usize) -> String {
    let Some((before, variable)) = value.split_once("${") else {
        return value.to_owned();
    };
    if levels == 0 {
        return format!("{before}***");
    }
    // The end of the variable is behind those within it.
    let mut open = 1;
    let end = variable.find(|letter| {
        open += usize::from(letter == '{');
        open -= usize::from(letter == '}');
        open == 0
    });
    // What is taken in place of a secret may stand behind.
    let Some(end) = end else {
        return format!("{before}***");
    };
    let (inside, after) = (&variable[..end], &variable[end + 1..]);
    let name = inside.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let (name, default) = inside.split_at(name.unwrap_or(inside.len()));
    let default = default.strip_prefix(':').unwrap_or(default).strip_prefix('-');
    let inside = match default {
        Some(_) if is_secret(name) => "***".to_owned(),
        Some(default) => resolved(default, levels - 1),
        None => format!("${{{name}}}"),
    };
    format!("{before}{inside}{}", resolved(after, levels - 1))
}
