//! Line editing for an interactive shell on a terminal
//!
//! [`Editor`] is an input object that takes the place of the prompter and the
//! file descriptor reader: it shows the prompt and lets the user edit a whole
//! command, which may have several lines, with history and completion.
//! The editing itself is done by the `rustyline` crate.
//!
//! - `HISTFILE` names the file that keeps the history (`~/.sh_history` if it
//!   is not set, none if it is empty) and `HISTSIZE` the number of commands.
//! - `set -o vi` switches to the key bindings of vi.
//! - `^C` gives up the command being edited; `^D` on an empty line is the end
//!   of input.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustyline::completion::{Completer, FilenameCompleter, Pair, extract_word};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hinter, HistoryHinter};
use rustyline::history::MemHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, EditMode, Helper};
use yash_env::Env;
use yash_env::option::Option::Vi;
use yash_env::option::State::On;
use yash_env::semantics::ExitStatus;
use yash_env::variable::{HOME, PATH, Scope};
use yash_prompt::{expand_posix, fetch_posix};
use yash_syntax::input::{Context, Input, Result};
use yash_syntax::parser::Parser;
use yash_syntax::parser::lex::Lexer;

/// Commands that are kept unless `HISTSIZE` says otherwise
const HISTORY_SIZE: usize = 1000;
/// Exit status after `^C`: that of a command that SIGINT has ended
const INTERRUPTED: ExitStatus = ExitStatus(128 + 2);
/// Words that a command may follow
const OPENING_WORDS: [&str; 14] = [
    "!", "{", "if", "then", "elif", "else", "while", "until", "do", "time", "exec", "command",
    "env", "sudo",
];

/// Input object that reads commands from a terminal
pub struct Editor<'a, 'b, S> {
    env: &'a RefCell<&'b mut Env<S>>,
    terminal: rustyline::Editor<Assistant, MemHistory>,
    history: Option<PathBuf>,
    /// Lines of what was read that have not been asked for yet
    rest: VecDeque<String>,
}

impl<'a, 'b, S> Editor<'a, 'b, S> {
    /// Creates an editor for the terminal at the standard input and output.
    ///
    /// The result is `None` if the terminal cannot be used for editing.
    pub fn new(env: &'a RefCell<&'b mut Env<S>>) -> Option<Self> {
        let (size, history) = history_settings(&env.borrow());
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .max_history_size(size)
            .ok()?
            .history_ignore_space(true)
            .build();
        let past = MemHistory::with_config(&config);
        let mut terminal = rustyline::Editor::with_history(config, past).ok()?;
        terminal.set_helper(Some(Assistant::default()));
        if let Some(path) = &history {
            for command in load(path, size) {
                terminal.add_history_entry(command).ok()?;
            }
        }
        Some(Self {
            env,
            terminal,
            history,
            rest: VecDeque::new(),
        })
    }

    /// Remembers a command, here and in the file.
    ///
    /// A history that cannot be written is not worth a message at every prompt.
    fn remember(&mut self, command: &str) {
        let added = self.terminal.add_history_entry(command);
        if let (Ok(true), Some(path)) = (added, &self.history) {
            _ = OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .and_then(|mut file| file.write_all((escaped(command) + "\n").as_bytes()));
        }
    }
}

impl<S: 'static> Input for Editor<'_, '_, S> {
    #[allow(
        clippy::await_holding_refcell_ref,
        reason = "the parser and the executor do not run concurrently with this method"
    )]
    async fn next_line(&mut self, context: &Context) -> Result {
        if let Some(line) = self.rest.pop_front() {
            return Ok(line);
        }

        let prompt = {
            let env = &mut **self.env.borrow_mut();
            if let Some(assistant) = self.terminal.helper_mut() {
                *assistant = Assistant::new(env);
            }
            let prompt = fetch_posix(&env.variables, context);
            expand_posix(env, &prompt, context.is_first_line()).await
        };
        let is_vi = self.env.borrow().options.get(Vi) == On;
        self.set_mode(if is_vi { EditMode::Vi } else { EditMode::Emacs });

        match self.terminal.readline(&(plain(&prompt), prompt)) {
            Ok(text) => {
                self.remember(&text);
                self.rest = lines(&text);
                Ok(self.rest.pop_front().unwrap_or_default())
            }
            Err(ReadlineError::Interrupted) => {
                self.env.borrow_mut().exit_status = INTERRUPTED;
                Ok("\n".to_owned())
            }
            Err(ReadlineError::Eof) => Ok(String::new()),
            Err(ReadlineError::Io(error)) => Err(error),
            Err(error) => Err(std::io::Error::other(error)),
        }
    }
}

impl<S> Editor<'_, '_, S> {
    fn set_mode(&mut self, mode: EditMode) {
        use rustyline::config::Configurer as _;
        self.terminal.set_edit_mode(mode);
    }
}

/// Number of commands in the history, and its file
fn history_settings<S>(env: &Env<S>) -> (usize, Option<PathBuf>) {
    let variable = |name| env.variables.get_scalar(name);
    let size = variable("HISTSIZE").and_then(|size| size.parse().ok());
    let file = match variable("HISTFILE") {
        Some("") => None,
        Some(path) => Some(path.into()),
        None => variable(HOME).map(|home| Path::new(home).join(".sh_history")),
    };
    (size.unwrap_or(HISTORY_SIZE), file)
}

/// Reads the history file; if it has become much longer than the history, it is cut.
fn load(path: &Path, size: usize) -> Vec<String> {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(size)..];
    if lines.len() > 2 * size {
        _ = fs::write(path, last.join("\n") + "\n");
    }
    last.iter().map(|line| unescaped(line)).collect()
}

/// A command as one line of the history file
fn escaped(command: &str) -> String {
    command.replace('\\', "\\\\").replace('\n', "\\n")
}

fn unescaped(line: &str) -> String {
    let mut command = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => command.push('\n'),
            ('\\', Some(other)) => command.push(other),
            (c, _) => command.push(c),
        }
    }
    command
}

/// Lines of a text, each with its newline
fn lines(text: &str) -> VecDeque<String> {
    text.split('\n').map(|line| format!("{line}\n")).collect()
}

/// A prompt without the sequences that change colors or the window's title
fn plain(prompt: &str) -> String {
    let mut plain = String::with_capacity(prompt.len());
    let mut chars = prompt.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => match chars.next() {
                Some('[') => drop(chars.find(|c| ('@'..='~').contains(c))),
                Some(']') => drop(chars.find(|&c| c == '\x07')),
                _ => {}
            },
            c => plain.push(c),
        }
    }
    plain
}

/// What helps the user: completion, hints from the history, and knowing where a command ends
#[derive(Default)]
struct Assistant {
    /// Names of built-ins, functions and aliases
    commands: Vec<String>,
    variables: Vec<String>,
    path: String,
    files: FilenameCompleter,
    hints: HistoryHinter,
}

impl Assistant {
    fn new<S>(env: &Env<S>) -> Self {
        let builtins = env.builtins.keys().map(|&name| name.to_owned());
        let functions = env.functions.iter().map(|function| function.name.clone());
        let aliases = env.aliases.iter().map(|alias| alias.0.name.clone());
        let variables = env.variables.iter(Scope::Global);
        Self {
            commands: builtins.chain(functions).chain(aliases).collect(),
            variables: variables.map(|(name, _)| name.to_owned()).collect(),
            path: env.variables.get_scalar(PATH).unwrap_or_default().to_owned(),
            ..Self::default()
        }
    }

    /// Names of commands that begin with this
    fn commands(&self, prefix: &str) -> BTreeSet<String> {
        let is_program = |entry: &fs::DirEntry| {
            fs::metadata(entry.path()).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
        };
        let programs = self
            .path
            .split(':')
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flat_map(|entries| entries.flatten())
            .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix)))
            .filter(is_program)
            .filter_map(|entry| entry.file_name().into_string().ok());
        let known = self.commands.iter().filter(|name| name.starts_with(prefix)).cloned();
        known.chain(programs).collect()
    }

    /// Names of variables that begin with this, as words of the command line
    fn variables(&self, prefix: &str) -> BTreeSet<String> {
        self.variables.iter().filter(|name| name.starts_with(prefix)).cloned().collect()
    }
}

/// Whether a character ends a word
fn ends_word(c: char) -> bool {
    c.is_whitespace() || ";|&<>()`\"'${}=".contains(c)
}

/// Whether a command, and not an argument, comes after this text
fn is_before_command(text: &str) -> bool {
    let text = text.trim_end_matches([' ', '\t']);
    let last = text.rsplit(|c: char| c.is_whitespace() || ";|&(`".contains(c)).next();
    text.is_empty()
        || text.ends_with(['\n', ';', '|', '&', '(', '`'])
        || last.is_some_and(|word| OPENING_WORDS.contains(&word))
}

/// One candidate is a whole word: a space follows it.
fn candidates(names: BTreeSet<String>) -> Vec<Pair> {
    let end = if names.len() == 1 { " " } else { "" };
    let pair = |name: String| Pair {
        replacement: format!("{name}{end}"),
        display: name,
    };
    names.into_iter().map(pair).collect()
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &rustyline::Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, word) = extract_word(line, at, Some('\\'), ends_word);
        let before = &line[..start];
        if before.ends_with('$') || before.ends_with("${") {
            return Ok((start, candidates(self.variables(word))));
        }
        if !word.contains(['/', '~']) && !word.is_empty() && is_before_command(before) {
            return Ok((start, candidates(self.commands(word))));
        }
        let (start, mut found) = self.files.complete_path(line, at)?;
        if let [only] = &mut found[..]
            && !only.replacement.ends_with('/')
        {
            only.replacement.push(' ');
        }
        Ok((start, found))
    }
}

impl Hinter for Assistant {
    type Hint = String;

    fn hint(&self, line: &str, at: usize, context: &rustyline::Context<'_>) -> Option<String> {
        let hint = self.hints.hint(line, at, context)?;
        // Of a command with more lines, the first one.
        hint.lines().next().filter(|hint| !hint.is_empty()).map(str::to_owned)
    }
}

impl Highlighter for Assistant {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        format!("\x1b[90m{hint}\x1b[m").into()
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        kind == CmdKind::ForcedRefresh
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match is_unfinished(context.input()) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

impl Helper for Assistant {}

/// Input that notes whether the parser wants more than there is
struct Probe {
    lines: VecDeque<String>,
    wanted_more: Rc<Cell<bool>>,
}

impl Input for Probe {
    async fn next_line(&mut self, context: &Context) -> Result {
        let line = self.lines.pop_front();
        if line.is_none() && !context.is_first_line() {
            self.wanted_more.set(true);
        }
        Ok(line.unwrap_or_default())
    }
}

/// Whether the parser wants more lines after this text
fn is_unfinished(text: &str) -> bool {
    use futures_util::FutureExt as _;
    let wanted_more = Rc::new(Cell::new(false));
    let mut lexer = Lexer::new(Box::new(Probe {
        lines: lines(text),
        wanted_more: Rc::clone(&wanted_more),
    }));
    loop {
        if !lexer.pending() {
            lexer.flush();
        }
        let command = Parser::new(&mut lexer).command_line().now_or_never();
        if !matches!(command, Some(Ok(Some(_)))) {
            return wanted_more.get();
        }
    }
}
