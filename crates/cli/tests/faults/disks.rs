//! A disk is full, or what is on it is damaged.

use std::path::{Path, PathBuf};
use std::process::Command;

use whimbrel_testkit::postgres::TestDatabase;

use crate::route::{Kind, Route, Side, fill, skip};

/// A small disk, taken away with this value; none, said aloud, where nothing may be mounted.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: &Path, options: &str) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder)
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            skip("this test needs to mount a small disk");
            return None;
        }
        Some(Self(folder.to_owned()))
    }

    fn grow(&self) {
        let options = "remount,size=300m";
        let grown = Command::new("mount").args(["-o", options]).arg(&self.0).status();
        assert!(grown.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").args(["-l"]).arg(&self.0).status().ok();
    }
}

#[test]
fn a_full_disk_of_the_target_stops_with_a_hint_and_the_run_goes_on_when_there_is_room() {
    let folder = PathBuf::from("/tmp").join(format!("whimbrel-small-{}", std::process::id()));
    let Some(disk) = SmallDisk::mount(&folder, "size=11m,mode=777") else {
        return;
    };
    let Some(admin) = TestDatabase::create("small_disk") else {
        return;
    };
    // The server makes the folder itself, so that it is its own.
    let home = folder.join("space");
    admin.execute(&format!(
        "create table t (); copy t to program 'mkdir -m 700 {}'",
        home.display()
    ));
    admin.execute(&format!("create tablespace small location '{}'", home.display()));
    let target = TestDatabase::create_with("small", "tablespace small").unwrap();
    let route = Route::between(
        Side::direct(Kind::Sqlite.create("small").unwrap()),
        Side::direct(Box::new(target)),
    );
    fill(Kind::Sqlite, route.source.database.as_ref(), 40_000);
    let hash = route.plan();
    route.without_retries();
    let output = route.run(&hash).expect_code(1);
    // The code, not the words: a disk that ends within a page is told as a short write.
    assert!(output.stderr.contains("SQLSTATE 53100"), "{}", output.stderr);
    assert!(output.stderr.contains("hint: make room"), "{}", output.stderr);
    disk.grow();
    route.finish(&hash, output);
    drop(route);
    admin.execute("drop tablespace small");
    drop(disk);
    std::fs::remove_dir_all(folder).ok();
}

#[test]
fn a_full_disk_under_the_migrations_own_files_stops_and_leaves_nothing_torn() {
    let Some(route) = Route::create((Kind::Sqlite, Kind::Sqlite), "own_disk", 2_000, "") else {
        return;
    };
    let files = route.folder().join(".whimbrel");
    let Some(disk) = SmallDisk::mount(&files, "size=2m") else {
        return;
    };
    let hash = route.plan();
    let filler = files.join("filler");
    for room in [0, 8_192, 24_576] {
        // Takes all that is left, and gives a little back: the files then end in the middle of the run.
        std::fs::write(&filler, vec![0; 4 << 20]).ok();
        let size = std::fs::metadata(&filler).unwrap().len();
        std::fs::File::options()
            .write(true)
            .open(&filler)
            .unwrap()
            .set_len(size.saturating_sub(room))
            .unwrap();
        let output = route.run(&hash);
        assert!(matches!(output.code, Some(0 | 1)), "{output:?}");
        if output.code == Some(1) {
            assert!(
                output.stderr.contains("space") || output.stderr.contains("full"),
                "{}",
                output.stderr
            );
        }
        std::fs::remove_file(&filler).unwrap();
    }
    let output = route.run(&hash);
    route.finish(&hash, output);
    route.program(&["report", "--check-log"]).run().expect_code(0);
    drop(disk);
}

/// The file named, below the migrations' folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let mut files = entries.map(|entry| entry.path().join(name));
    files.find(|file| file.is_file())
}

/// Runs until there is a checkpoint, kills the program and returns the file.
fn killed_behind_a_checkpoint(route: &Route, hash: &str) -> PathBuf {
    let files = route.folder().join(".whimbrel");
    // A kill between the two renames of a checkpoint leaves only the one before it; then the next run is killed.
    loop {
        let mut running = route.start(hash);
        running.wait_until("a checkpoint", || find(&files, "checkpoint.json").is_some());
        running.kill_9();
        if let Some(file) = find(&files, "checkpoint.json") {
            return file;
        }
    }
}

#[test]
fn a_damaged_checkpoint_is_told_from_a_good_one_and_does_not_matter() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [Damage; 4] = [
        |bytes| bytes.truncate(bytes.len() / 2),
        Vec::clear,
        |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 4;
        },
        |bytes| bytes.fill(0),
    ];
    for damage in damages {
        let Some(route) = Route::create((Kind::Sqlite, Kind::Sqlite), "torn", 2_000, "") else {
            return;
        };
        let hash = route.plan();
        let file = killed_behind_a_checkpoint(&route, &hash);
        let mut bytes = std::fs::read(&file).unwrap();
        damage(&mut bytes);
        std::fs::write(&file, bytes).unwrap();
        let output = route.run(&hash);
        route.finish(&hash, output);
    }
}
