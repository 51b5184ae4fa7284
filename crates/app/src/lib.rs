//! The use cases, one function each. Requests and results are data; faces parse, call one function and present what it returns.
//! How rows are moved is the pipeline's, what a plan says the planner's, and an engine is known only to `connectors.rs`.

pub mod refusal;
pub mod settings;

mod address;
pub mod connectors;

mod answering;
mod setup;

mod migration;
mod next;

mod analyze;
mod approval;
mod cleanup;
pub mod demo;
mod demonstrate;
mod detect;
mod inspect;
mod log;
mod mapping;
mod pause;
mod plan;
mod preview;
pub mod report;
mod rollback;
mod run;
mod status;
mod verify;

pub use address::Address;
pub use analyze::{AnalysisWatch, Pair};
pub use approval::{Approve, Unattended};
pub use cleanup::{CleanupOutcome, CleanupPreview, CleanupRequest, cleanup, preview as preview_cleanup};
pub use demonstrate::{DemoRequest, FOLDER as DEMO_FOLDER, Stage, plan_demo, set_stage};
pub use detect::{DETECTORS, Detection, Detector, Engine, Evidence, Standing, Weight, detect};
pub use inspect::{
    ColumnDetail, InspectRequest, Inventory, KeyDetail, ObjectCount, PageFile, ReferenceDetail, Remark,
    SuspectedDetail, TableDetail, TableInventory, UsageNote, Weight as RemarkWeight, inspect,
};
pub use log::{LogVerdict, ReportPage, check_log, report_page};
pub use migration::{Attendance, Databases};
pub use next::in_folder;
pub use pause::{PauseOutcome, let_go_on, pause};
pub use plan::{DecisionState, Draft, PlanRequest, PlanSummary, draft};
pub use preview::{init_config, preview};
pub use rollback::{
    Checkpoint, RollbackOutcome, RollbackPreview, RollbackRequest, preview as preview_rollback, rollback,
};
pub use run::{RunOutcome, RunRequest, replay_rejects, run, run_draft, run_unattended};
pub use setup::{BASE, Face, MEMORY_BYTES, Setup};
pub use status::{Status, rows_planned, status, statuses};
pub use verify::{VerifyOutcome, VerifyRequest, verify};
pub use whimbrel_pipeline::{InWork, Kind, Observer, Outlook, PauseState, Progress};
pub use whimbrel_quality::{ColumnQuality, Unit as LengthUnit};
pub use whimbrel_transform::{Preview, PreviewRow};
