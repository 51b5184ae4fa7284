//! Services in containers: the images of database servers, and the URLs that other services are given. The files are read line by
//! line, which is all that an image needs.

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

/// Returns what the services say.
pub(super) fn find(project: &Project) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for file in project.files() {
        if let Some(weight) = weight_of(file) {
            for (at, line) in project.lines(file).iter().enumerate() {
                evidence.extend(of_line(file, weight, line).into_iter().map(|each| each.on(at)));
            }
        }
    }
    evidence
}

fn weight_of(file: &File) -> Option<Weight> {
    if !["yml", "yaml"].contains(&file.extension()) {
        return None;
    }
    if file.name.starts_with("docker-compose")
        || file.name.starts_with("compose.")
        || file.name.starts_with("compose-")
    {
        return Some(Weight::Strong);
    }
    let is_pipeline = file.folder() == "workflows" || file.name == ".gitlab-ci.yml";
    is_pipeline.then_some(Weight::Medium)
}

fn of_line(file: &File, weight: Weight, line: &str) -> Vec<Evidence> {
    if line.trim_start().starts_with('#') {
        return Vec::new();
    }
    if let Some((image, engine)) = line.split_once("image").and_then(|(_, after)| image(after)) {
        return vec![Evidence::new(file, weight, format!("the image is `{image}`")).of(engine)];
    }
    of_variable(file, weight, line)
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
