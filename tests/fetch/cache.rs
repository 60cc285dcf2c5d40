//! What happens on this machine: full disks, kills, damage, terms, files put by hand.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use isotherm::data::{Cache, FetchOptions, FileStatus, Manifest, fetch, verify};

use crate::server::{Reply, Server, content, fetch_into, files, manifest, options, pinned, read};

/// A part file that is a link to /dev/full stands for the full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_one_sentence_and_damages_nothing() {
    let server = Server::start(|asked, _| Reply::file(asked, &content(10_000), "\"a\""));
    let url = server.url("/data.nc");
    let manifest = manifest(&url, "");
    let folder = tempfile::tempdir().unwrap();
    let product = folder.path().join("loop/1");
    std::fs::create_dir_all(&product).unwrap();
    std::os::unix::fs::symlink("/dev/full", product.join(".data.nc.part")).unwrap();
    std::fs::write(product.join(".data.nc.part.json"), format!("{{\"url\":\"{url}\",\"validator\":null}}")).unwrap();
    let message = fetch_into(folder.path(), &manifest).unwrap_err().to_string();
    assert!(message.contains("the disk is full") && !message.contains('\n'), "{message}");
    assert!(!product.join("data.nc").exists());
    // room is made
    std::fs::remove_file(product.join(".data.nc.part")).unwrap();
    fetch_into(folder.path(), &manifest).unwrap();
    assert!(read(folder.path()) == content(10_000));
}

/// Not a test of its own: the process that the kill test starts and kills.
#[test]
#[ignore = "started by the kill test"]
fn child_that_fetches() {
    let (Ok(folder), Ok(url)) = (std::env::var("KILL_TEST_FOLDER"), std::env::var("KILL_TEST_URL")) else { return };
    fetch_into(folder.as_ref(), &manifest(&url, "")).unwrap();
}

#[test]
fn a_killed_fetch_is_resumed() {
    let bytes = content(400_000);
    let served = bytes.clone();
    let server = Server::start(move |asked, number| {
        let mut reply = Reply::file(asked, &served, "\"a\"");
        if number == 0 {
            reply.pause = Some((10_000, Duration::from_millis(50)));
        }
        reply
    });
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "cache::child_that_fetches"])
        .env("KILL_TEST_FOLDER", folder.path())
        .env("KILL_TEST_URL", server.url("/data.nc"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let part = folder.path().join("loop/1/.data.nc.part");
    let started = Instant::now();
    while std::fs::metadata(&part).map_or(0, |m| m.len()) < 50_000 {
        assert!(started.elapsed() < Duration::from_secs(20), "the child fetches nothing");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(files(folder.path()), [".data.nc.part", ".data.nc.part.json"]);
    let there = std::fs::metadata(&part).unwrap().len();
    assert!((50_000..400_000).contains(&there), "{there}");
    // the lock of the killed process is no obstacle
    fetch_into(folder.path(), &manifest(&server.url("/data.nc"), "")).unwrap();
    assert!(read(folder.path()) == bytes);
    assert_eq!(server.log()[1].header("range"), Some(format!("bytes={there}-").as_str()));
    assert_eq!(files(folder.path()), ["data.nc"]);
}

#[test]
fn two_fetches_at_once_ask_once() {
    let server = Server::start(|asked, _| {
        let mut reply = Reply::file(asked, &content(50_000), "\"a\"");
        reply.pause = Some((10_000, Duration::from_millis(40)));
        reply
    });
    let manifest = manifest(&server.url("/data.nc"), "");
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        let fetches: Vec<_> = (0..3).map(|_| scope.spawn(|| fetch_into(folder.path(), &manifest))).collect();
        for fetch in fetches {
            fetch.join().unwrap().unwrap();
        }
    });
    assert_eq!(server.log().len(), 1);
    assert!(read(folder.path()) == content(50_000));
}

#[test]
fn damage_is_found_and_repaired() {
    let server = Server::start(|asked, _| Reply::file(asked, &content(900), "\"a\""));
    for more in [String::new(), pinned(&content(900))] {
        let manifest = manifest(&server.url("/data.nc"), &more);
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        fetch_into(folder.path(), &manifest).unwrap();
        let status = || verify(&manifest, &cache).unwrap().remove(0).status;
        assert_eq!(status(), FileStatus::Whole);
        let path = cache.member(&manifest, "data.nc").unwrap();
        let mut damaged = content(900);
        damaged[5] ^= 8;
        std::fs::write(&path, damaged).unwrap();
        assert!(matches!(status(), FileStatus::Damaged { .. }));
        assert_eq!(fetch_into(folder.path(), &manifest).unwrap().fetched.len(), 1);
        assert_eq!(status(), FileStatus::Whole);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(status(), FileStatus::Missing);
        assert!(cache.member(&manifest, "data.nc").unwrap_err().to_string().contains("isotherm data fetch loop"));
    }
}

#[test]
fn terms_are_accepted_once_and_anew_when_they_change() {
    let server = Server::start(|asked, _| Reply::file(asked, &content(900), "\"a\""));
    let mut manifest = manifest(&server.url("/data.nc"), "");
    manifest.licence.acceptance = Some("for research only".into());
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let message = fetch_into(folder.path(), &manifest).unwrap_err().to_string();
    assert!(message.contains("--accept-terms"), "{message}");
    assert!(server.log().is_empty() && files(folder.path()).is_empty());
    fetch(&manifest, &cache, &FetchOptions { accept_terms: true, ..options() }).unwrap();
    fetch_into(folder.path(), &manifest).unwrap();
    manifest.licence.acceptance = Some("for research on Mondays only".into());
    assert!(fetch_into(folder.path(), &manifest).unwrap_err().to_string().contains("--accept-terms"));
}

#[test]
fn files_put_by_hand_are_taken_in() {
    let plain = toml::to_string(&manifest("https://example.org/data.nc", "")).unwrap();
    let start = plain.find("[[access]]").unwrap();
    let access = "[[access]]\nprotocol = \"manual\"\ninstructions = \"Put it into {folder}\"";
    let manual = Manifest::parse(&format!("{}{access}", &plain[..start]), "manual").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let product = folder.path().join("loop/1");
    let message = fetch_into(folder.path(), &manual).unwrap_err().to_string();
    assert!(message.contains("by hand") && message.contains(&product.display().to_string()), "{message}");
    std::fs::write(product.join("mine.nc"), b"mine").unwrap();
    assert_eq!(fetch_into(folder.path(), &manual).unwrap().fetched, [product.join("mine.nc")]);
    assert_eq!(fetch_into(folder.path(), &manual).unwrap().present, [product.join("mine.nc")]);
    std::fs::write(product.join("mine.nc"), b"hers").unwrap();
    assert!(matches!(verify(&manual, &Cache::at(folder.path())).unwrap()[0].status, FileStatus::Damaged { .. }));
}
