//! Services in containers: the images of database servers, the variables that other services are given, and the operators of a cluster
//! that make databases. The files are read line by line, which is all that an image needs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::evidence::{Engine, Evidence, Weight};
use super::project::{File, Project};
use super::variables::of_variable;

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
    ("percona", Engine::Mysql),
    ("mongo", Engine::Mongodb),
    ("mongodb", Engine::Mongodb),
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
    Chart,
    Image,
    Unit,
}

/// Returns what the services say.
pub(super) fn find(project: &Project) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for file in project.files() {
        if let Some(kind) = kind_of_name(file) {
            let weight = weight_of(file, kind);
            evidence.extend(of_lines(file, kind, weight, &project.lines(file)));
        } else if is_yaml(file) {
            let lines = project.lines(file);
            if is_manifest(&lines) {
                evidence.extend(of_lines(file, Kind::Manifest, Weight::Strong, &lines));
            }
        }
    }
    evidence
}

/// Tells whether a file is about services, and is read here.
pub(super) fn is_about_services(file: &File, lines: &[String]) -> bool {
    kind_of_name(file).is_some() || (is_yaml(file) && is_manifest(lines))
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
        file.folder() == "workflows" || name == ".gitlab-ci.yml" || name == "bitbucket-pipelines.yml";
    match name {
        "chart.yaml" | "chart.yml" | "requirements.yaml" => Some(Kind::Chart),
        _ => (is_compose || is_pipeline).then_some(Kind::Compose),
    }
}

fn weight_of(file: &File, kind: Kind) -> Weight {
    match kind {
        Kind::Compose if file.name.contains("compose") => Weight::Strong,
        Kind::Manifest | Kind::Unit => Weight::Strong,
        Kind::Compose | Kind::Chart | Kind::Image => Weight::Medium,
    }
}

/// Tells whether the lines describe resources of a cluster.
fn is_manifest(lines: &[String]) -> bool {
    let has = |key: &str| lines.iter().any(|line| line.starts_with(key));
    has("apiVersion:") && has("kind:")
}

fn of_lines(file: &File, kind: Kind, weight: Weight, lines: &[String]) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    let mut manifest = Manifest::default();
    for (at, line) in lines.iter().enumerate() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        let found = match kind {
            Kind::Compose => of_line(file, weight, line),
            Kind::Manifest => manifest.of_line(file, weight, line),
            Kind::Chart => of_chart(file, weight, line).into_iter().collect(),
            Kind::Image => of_image(file, weight, line),
            Kind::Unit => of_unit(file, weight, line),
        };
        evidence.extend(found.into_iter().map(|each| each.on(at)));
    }
    evidence
}

fn of_line(file: &File, weight: Weight, line: &str) -> Vec<Evidence> {
    match line.split_once("image").and_then(|(_, after)| image(after)) {
        Some(image) => vec![evidence_of(file, weight, &image)],
        None => of_variable(file, weight, line),
    }
}

fn evidence_of(file: &File, weight: Weight, (image, engine): &(String, Engine)) -> Evidence {
    Evidence::new(file, weight, format!("the image is `{image}`")).of(*engine)
}

/// What the lines before said about the next one.
#[derive(Debug, Default)]
struct Manifest {
    is_secret: bool,
    /// The name of the variable whose value is on the next line.
    name: Option<String>,
}

impl Manifest {
    fn of_line(&mut self, file: &File, weight: Weight, line: &str) -> Vec<Evidence> {
        let text = line.trim_start_matches([' ', '-', '\t']);
        let Some((key, value)) = text.split_once(':') else {
            return Vec::new();
        };
        let value = value.trim().trim_matches(['"', '\'']);
        match key {
            "apiVersion" => {
                self.is_secret = false;
                let operator = OPERATORS.iter().find(|(group, _)| value.contains(group));
                let evidence = operator.map(|(_, engine)| {
                    let what = format!("an operator of {} makes it", engine.name());
                    Evidence::new(file, weight, what).of(*engine)
                });
                evidence.into_iter().collect()
            }
            "kind" => {
                self.is_secret = value == "Secret";
                Vec::new()
            }
            "name" => {
                self.name = Some(value.to_owned());
                Vec::new()
            }
            "value" => {
                let name = self.name.take().unwrap_or_default();
                of_variable(file, weight, &format!("{name}: {value}"))
            }
            _ if self.is_secret => match decoded(value) {
                Some(value) => of_variable(file, weight, &format!("{key}: {value}")),
                None => of_line(file, weight, text),
            },
            _ => of_line(file, weight, text),
        }
    }
}

/// Returns the text that the value of a secret stands for, on one line.
fn decoded(value: &str) -> Option<String> {
    let bytes = STANDARD.decode(value).ok().filter(|bytes| !bytes.is_empty())?;
    String::from_utf8(bytes)
        .ok()
        .map(|text| text.replace(['\n', '\r'], " "))
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
            let image = image(&format!(":{rest}"));
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
    // `${IMAGE:-postgres:16}`: what is taken when nobody says.
    let value = match value.strip_prefix("${") {
        Some(variable) => variable.split_once(":-")?.1,
        None => value,
    };
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_./:-".contains(letter);
    let image: String = value.chars().take_while(|letter| is_part(*letter)).collect();
    let name = image.rsplit('/').next()?.split(':').next()?.to_ascii_lowercase();
    let path = image.split(':').next()?.to_ascii_lowercase();
    if BESIDE.iter().any(|word| name.contains(word)) {
        return None;
    }
    let server = SERVERS
        .iter()
        .find(|(word, _)| name.contains(word) || path.ends_with(word))?;
    Some((image, server.1))
}
