//! The paper machine on a small study of three steps: what runs, what does not, and what is kept after a failure.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use isotherm::figure::Tier;
use isotherm::paper::{PaperError, PaperResult, State, Step, StepContext, Study, explain};

static GROWN: AtomicUsize = AtomicUsize::new(0);
static PRESSED: AtomicUsize = AtomicUsize::new(0);

#[derive(serde::Deserialize)]
struct Orchard {
    apples: usize,
}

fn grow(context: &StepContext<'_>) -> PaperResult<()> {
    let orchard: Orchard = context.configuration()?;
    GROWN.fetch_add(1, Ordering::SeqCst);
    std::fs::write(context.path("apples.txt"), "o".repeat(orchard.apples)).map_err(|e| context.error(e))
}

fn press(context: &StepContext<'_>) -> PaperResult<()> {
    PRESSED.fetch_add(1, Ordering::SeqCst);
    let apples = std::fs::read_to_string(context.input("grow")?.join("apples.txt")).map_err(|e| context.error(e))?;
    let juice = format!("{} drops", apples.len());
    std::fs::write(context.path("juice.txt"), &juice).map_err(|e| context.error(e))?;
    let mut passport = context.passport("juice", vec![Tier::Twin], 1, serde_json::Value::Null)?;
    passport.files.insert("juice.txt".into(), isotherm::base::hash::sha256(juice.as_bytes()));
    passport.write(&context.path("juice.json")).map_err(|e| context.error(e))
}

fn spill(context: &StepContext<'_>) -> PaperResult<()> {
    std::fs::write(context.path("half.txt"), "half").map_err(|e| context.error(e))?;
    Err(context.error("the jug broke"))
}

static STEPS: &[Step] = &[
    Step {
        name: "grow",
        about: "apples",
        rooms: &[&["src/base/"]],
        configurations: &["configs/orchard.toml"],
        needs: &[],
        data: &[],
        publishes: &[],
        run: grow,
    },
    Step {
        name: "press",
        about: "juice",
        rooms: &[&["src/base/"]],
        configurations: &["configs/press.toml"],
        needs: &["grow"],
        data: &[],
        publishes: &[("juice.txt", "figures/juice.txt"), ("juice.json", "figures/juice.json")],
        run: press,
    },
    Step {
        name: "spill",
        about: "fails",
        rooms: &[&["src/base/"]],
        configurations: &[],
        needs: &[],
        data: &[],
        publishes: &[("half.txt", "figures/half.txt")],
        run: spill,
    },
];

fn project(root: &Path) -> Study {
    for folder in ["configs", "data-manifests"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("data-manifests/xoa.toml");
    std::fs::copy(manifest, root.join("data-manifests/xoa.toml")).unwrap();
    std::fs::write(root.join("configs/orchard.toml"), "# five\napples = 5\n").unwrap();
    std::fs::write(root.join("configs/press.toml"), "turns = 1\n").unwrap();
    Study::at(root, STEPS).unwrap()
}

/// One test, since the counters are shared: the life of a study.
#[test]
fn only_what_changed_runs_again() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let study = project(root);
    let counts = || (GROWN.load(Ordering::SeqCst), PRESSED.load(Ordering::SeqCst));

    study.run("press").unwrap();
    assert_eq!(counts(), (1, 1));
    assert_eq!(std::fs::read_to_string(root.join("figures/juice.txt")).unwrap(), "5 drops");
    assert!(explain::verify(&study).unwrap().contains("holds         figures/juice.txt"));

    study.run("press").unwrap();
    assert_eq!(counts(), (1, 1), "nothing changed, nothing runs");

    std::fs::write(root.join("configs/orchard.toml"), "apples = 5 # the same, said otherwise\n").unwrap();
    study.run("press").unwrap();
    assert_eq!(counts(), (1, 1), "a comment is no change");

    std::fs::write(root.join("configs/press.toml"), "turns = 2\n").unwrap();
    let State::ToRun(why) = study.state(study.step("press").unwrap()).unwrap() else { panic!("press must be stale") };
    assert_eq!(why[0], "config configs/press.toml changed");
    assert!(matches!(explain::verify(&study), Err(PaperError::Stale(_))), "a published file of other inputs is stale");
    study.run("press").unwrap();
    assert_eq!(counts(), (1, 2), "only what depends on the changed configuration runs");

    std::fs::write(root.join("configs/orchard.toml"), "apples = 7\n").unwrap();
    study.run("press").unwrap();
    assert_eq!(counts(), (2, 3));
    assert_eq!(std::fs::read_to_string(root.join("figures/juice.txt")).unwrap(), "7 drops");

    std::fs::write(root.join("configs/orchard.toml"), "apples = 5\n").unwrap();
    study.run("press").unwrap();
    assert_eq!(counts(), (2, 3), "results of earlier inputs are still there");
    assert_eq!(std::fs::read_to_string(root.join("figures/juice.txt")).unwrap(), "5 drops", "and are published again");

    std::fs::write(root.join("figures/juice.txt"), "6 drops").unwrap();
    let message = explain::verify(&study).unwrap_err().to_string();
    assert!(message.contains("figures/juice.txt: altered"), "{message}");
    study.run("press").unwrap();
    assert_eq!(counts(), (2, 3));
    assert!(explain::verify(&study).is_ok(), "an altered figure is put right without work");

    let why = explain::why(&study, "juice").unwrap();
    assert!(why.contains("step press") && why.contains("step grow") && why.contains("config configs/orchard.toml"), "{why}");
    assert!(explain::plan(&study).unwrap().contains("spill              to run: it has not run yet"));
}

#[test]
fn a_failed_step_publishes_nothing_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let study = project(folder.path());
    assert_eq!(study.run("spill").unwrap_err().to_string(), "step 'spill': the jug broke");
    assert!(!folder.path().join("figures/half.txt").exists());
    assert!(study.run("cider").unwrap_err().to_string().contains("grow, press, spill"));
}

#[test]
fn a_bad_configuration_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let study = project(folder.path());
    std::fs::write(folder.path().join("configs/orchard.toml"), "pears = 5\n").unwrap();
    let message = study.run("grow").unwrap_err().to_string();
    assert!(message.contains("configs/orchard.toml") && message.contains("apples"), "{message}");
}
