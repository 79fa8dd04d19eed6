//! Copying, moving and deleting, one after the other, in a thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ochre_ui::{Sender, Task};

use super::{Files, Message};
use crate::format;
use crate::job::{self, Outcome, Progress};

/// How often it is told how far a job is.
const TELL: Duration = Duration::from_millis(100);

/// A job that runs.
#[derive(Debug)]
pub struct Running {
    /// What.
    pub task: job::Task,
    /// How far it is.
    pub progress: Progress,
    stop: Arc<AtomicBool>,
}

impl Running {
    /// What it does, in words.
    pub fn title(&self) -> String {
        let (verb, paths) = match &self.task {
            job::Task::Copy(paths, _) => ("Copying", paths),
            job::Task::Move(paths, _) => ("Moving", paths),
            job::Task::Delete(paths) => ("Deleting", paths),
        };
        match &paths[..] {
            [path] => format!("{verb} “{}”", path.file_name().unwrap_or_default().to_string_lossy()),
            paths => format!("{verb} {} items", paths.len()),
        }
    }

    /// How far it is, in words.
    pub fn state(&self) -> String {
        let Progress { files, files_in_all, bytes, bytes_in_all } = &self.progress;
        match &self.task {
            job::Task::Copy(..) if *bytes_in_all > 0 => {
                format!("{} of {}", format::size(*bytes), format::size(*bytes_in_all))
            }
            _ if *files_in_all > 1 => format!("{files} of {files_in_all}"),
            _ => String::new(),
        }
    }

    /// Whether it has been stopped already.
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Files {
    /// Does this now, or after what is being done.
    pub(super) fn begin(&mut self, task: job::Task) -> Task<Message> {
        if self.running.is_some() {
            self.waiting.push_back(task);
            return Task::none();
        }
        let stop = Arc::new(AtomicBool::new(false));
        self.running = Some(Running { task: task.clone(), progress: Progress::default(), stop: Arc::clone(&stop) });
        Task::run(move |sender| work(&task, &stop, &sender))
    }

    pub(super) fn progress(&mut self, progress: Progress) {
        if let Some(running) = &mut self.running {
            running.progress = progress;
        }
    }

    pub(super) fn stop(&mut self) {
        self.waiting.clear();
        if let Some(running) = &self.running {
            running.stop.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn job_done(&mut self, outcome: Outcome) -> Task<Message> {
        let Some(running) = self.running.take() else { return Task::none() };
        self.notice = complaint(&running.task, &outcome);
        let here = outcome.made.iter().filter(|path| path.parent() == Some(&self.folder));
        self.wanted = here.filter_map(|path| path.file_name()).map(Into::into).collect();
        let next = self.waiting.pop_front().map_or_else(Task::none, |task| self.begin(task));
        self.read().and(next)
    }
}

fn work(task: &job::Task, stop: &AtomicBool, sender: &Sender<Message>) {
    let mut last: Option<Instant> = None;
    let outcome = job::run(task, stop, &mut |progress| {
        if last.is_none_or(|last| last.elapsed() >= TELL) {
            last = Some(Instant::now());
            sender.send(Message::Progress(progress.clone()));
        }
    });
    sender.send(Message::Done(outcome));
}

/// What could not be done, in one sentence.
fn complaint(task: &job::Task, outcome: &Outcome) -> Option<String> {
    let ((path, reason), more) = (outcome.failures.first()?, outcome.failures.len() - 1);
    let verb = match task {
        job::Task::Copy(..) => "copied",
        job::Task::Move(..) => "moved",
        job::Task::Delete(_) => "deleted",
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let others = if more > 0 { format!(" (and {})", format::count(more, "other", "others")) } else { String::new() };
    Some(format!("“{name}”{others} was not {verb}: {reason}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_in_words() {
        let running = |task, progress| Running { task, progress, stop: Arc::default() };
        let progress = Progress { files: 1, files_in_all: 3, bytes: 1_500, bytes_in_all: 4_000 };
        let copy = running(job::Task::Copy(vec!["/a/x".into()], "/b".into()), progress.clone());
        assert_eq!((copy.title(), copy.state()), ("Copying “x”".into(), "1.5 KB of 4.0 KB".into()));
        let delete = running(job::Task::Delete(vec!["/a".into(), "/b".into()]), progress);
        assert_eq!((delete.title(), delete.state()), ("Deleting 2 items".into(), "1 of 3".into()));
    }

    #[test]
    fn complaints_name_one_file() {
        let task = job::Task::Delete(vec!["/a".into()]);
        let failures = vec![("/a/x".into(), "it is in use".into()), ("/a/y".into(), "it is in use".into())];
        let outcome = Outcome { failures, ..Outcome::default() };
        assert_eq!(complaint(&task, &outcome).unwrap(), "“x” (and 1 other) was not deleted: it is in use.");
        assert_eq!(complaint(&task, &Outcome::default()), None);
    }
}
