//! Client of QEMU's control protocol (QMP; QEMU documentation, `docs/interop/qmp-spec`): a JSON object in each line, both ways.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long an answer may take. The device model may be busy with a whole screen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection.
#[derive(Debug)]
pub struct Qmp {
    stream: BufReader<UnixStream>,
}

/// Connects to a socket that QEMU is about to make.
pub fn connect(socket: &Path, patience: Duration) -> Result<UnixStream, String> {
    let end = Instant::now() + patience;
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
                return Ok(stream);
            }
            Err(error) if Instant::now() > end => return Err(format!("{}: {error}", socket.display())),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

impl Qmp {
    /// Connects and gets past the greeting.
    pub fn connect(socket: &Path) -> Result<Self, String> {
        let mut qmp = Qmp { stream: BufReader::new(connect(socket, PATIENCE)?) };
        let greeting = qmp.receive()?;
        if greeting.get("QMP").is_none() {
            return Err(format!("QEMU greets with {greeting}"));
        }
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Executes a command and answers what it returns. Events that come meanwhile are dropped.
    pub fn execute(&mut self, command: &str, arguments: Value) -> Result<Value, String> {
        let line = format!("{}\n", json!({"execute": command, "arguments": arguments}));
        let sent = self.stream.get_mut().write_all(line.as_bytes());
        sent.map_err(|error| format!("{command}: {error}"))?;
        loop {
            if let Some(answer) = answer(self.receive()?) {
                return answer.map_err(|error| format!("{command}: {error}"));
            }
        }
    }

    fn receive(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => Err("QEMU closed its control connection".into()),
            Ok(_) => serde_json::from_str(&line).map_err(|error| format!("QEMU sent {line:?}: {error}")),
            Err(error) => Err(format!("QEMU does not answer: {error}")),
        }
    }

    /// Executes a command of the monitor for people and answers what it prints.
    pub fn monitor(&mut self, command: &str) -> Result<String, String> {
        let answer = self.execute("human-monitor-command", json!({"command-line": command}))?;
        Ok(answer.as_str().unwrap_or_default().into())
    }

    /// Writes a picture of the screen, a PPM file.
    pub fn screendump(&mut self, file: &Path) -> Result<(), String> {
        self.execute("screendump", json!({"filename": file})).map(drop)
    }

    /// Presses and releases keys together, by QEMU's names for them (`ctrl`, `a`, `ret`).
    pub fn keys(&mut self, names: &[&str]) -> Result<(), String> {
        let event =
            |name: &&str, down| json!({"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": name}}});
        let presses = names.iter().map(|name| event(name, true));
        let releases = names.iter().rev().map(|name| event(name, false));
        let events: Vec<Value> = presses.chain(releases).collect();
        self.execute("input-send-event", json!({ "events": events })).map(drop)
    }
}

impl Qmp {
    /// Puts an absolute pointer to a place, from 0 to 0x7fff each way.
    pub fn point(&mut self, x: u32, y: u32) -> Result<(), String> {
        let axis = |name, value| json!({"type": "abs", "data": {"axis": name, "value": value}});
        self.execute("input-send-event", json!({ "events": [axis("x", x), axis("y", y)] })).map(drop)
    }

    /// Moves a relative pointer.
    pub fn push(&mut self, dx: i32, dy: i32) -> Result<(), String> {
        let axis = |name, value| json!({"type": "rel", "data": {"axis": name, "value": value}});
        self.execute("input-send-event", json!({ "events": [axis("x", dx), axis("y", dy)] })).map(drop)
    }

    /// Presses and releases a button of the pointer, by QEMU's name for it (`left`, `wheel-up`).
    pub fn click(&mut self, button: &str) -> Result<(), String> {
        self.button(button, true)?;
        self.button(button, false)
    }

    /// Presses or releases a button of the pointer.
    pub fn button(&mut self, button: &str, down: bool) -> Result<(), String> {
        let event = json!({"type": "btn", "data": {"down": down, "button": button}});
        self.execute("input-send-event", json!({ "events": [event] })).map(drop)
    }

    /// Types a text on a keyboard with the American layout. An error for a character that it has not.
    pub fn type_text(&mut self, text: &str) -> Result<(), String> {
        text.chars().try_for_each(|character| {
            let (key, shift) = us_key(character).ok_or_else(|| format!("no key has {character:?}"))?;
            if shift { self.keys(&["shift", &key]) } else { self.keys(&[&key]) }
        })
    }
}

/// QEMU's name for the key of a character on an American keyboard, and whether it wants Shift.
fn us_key(character: char) -> Option<(String, bool)> {
    /// Characters without and with Shift, and the key.
    const OTHERS: [(char, char, &str); 23] = [
        ('1', '!', "1"),
        ('2', '@', "2"),
        ('3', '#', "3"),
        ('4', '$', "4"),
        ('5', '%', "5"),
        ('6', '^', "6"),
        ('7', '&', "7"),
        ('8', '*', "8"),
        ('9', '(', "9"),
        ('0', ')', "0"),
        ('-', '_', "minus"),
        ('=', '+', "equal"),
        ('[', '{', "bracket_left"),
        (']', '}', "bracket_right"),
        (';', ':', "semicolon"),
        ('\'', '"', "apostrophe"),
        ('`', '~', "grave_accent"),
        ('\\', '|', "backslash"),
        (',', '<', "comma"),
        ('.', '>', "dot"),
        ('/', '?', "slash"),
        (' ', ' ', "spc"),
        ('\n', '\n', "ret"),
    ];
    if character.is_ascii_alphabetic() {
        return Some((character.to_ascii_lowercase().into(), character.is_ascii_uppercase()));
    }
    let found = OTHERS.iter().find(|(plain, shifted, _)| character == *plain || character == *shifted)?;
    Some((found.2.into(), character != found.0))
}

/// What a line from QEMU answers; `None` for an event.
fn answer(line: Value) -> Option<Result<Value, String>> {
    if let Some(error) = line.get("error") {
        let text = error.get("desc").and_then(Value::as_str);
        return Some(Err(text.map_or_else(|| error.to_string(), str::to_owned)));
    }
    line.get("return").cloned().map(Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn events_are_no_answers() {
        assert_eq!(answer(json!({"event": "RESET", "data": {}})), None);
        assert_eq!(answer(json!({"return": {}})), Some(Ok(json!({}))));
        assert_eq!(answer(json!({"error": {"class": "C", "desc": "no"}})), Some(Err("no".into())));
    }

    #[test]
    fn every_printable_character_has_a_key_of_its_own() {
        let keys: std::collections::BTreeSet<_> = (' '..='~').map(|c| us_key(c).unwrap()).collect();
        assert_eq!(keys.len(), 95);
        assert_eq!(us_key('A'), Some(("a".into(), true)));
        assert_eq!(us_key('|'), Some(("backslash".into(), true)));
        assert_eq!(us_key('é'), None);
    }

    #[test]
    fn a_conversation() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("qmp");
        let listener = UnixListener::bind(&socket).unwrap();
        // Plays QEMU: what it answers, and what it was sent.
        let qemu = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut sent = Vec::new();
            reader.get_mut().write_all(b"{\"QMP\": {}}\n").unwrap();
            for answer in [
                "{\"return\": {}}\n",
                "{\"event\": \"STOP\"}\n{\"return\": \"text\"}\n",
                "{\"error\": {\"desc\": \"no such key\"}}\n",
            ] {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                sent.push(serde_json::from_str::<Value>(&line).unwrap());
                reader.get_mut().write_all(answer.as_bytes()).unwrap();
            }
            sent
        });
        let mut qmp = Qmp::connect(&socket).unwrap();
        assert_eq!(qmp.monitor("info version"), Ok("text".into()));
        assert_eq!(qmp.keys(&["ctrl", "x"]), Err("input-send-event: no such key".into()));
        let sent = qemu.join().unwrap();
        assert_eq!(sent[0]["execute"], "qmp_capabilities");
        assert_eq!(sent[1]["arguments"]["command-line"], "info version");
        let events = sent[2]["arguments"]["events"].as_array().unwrap();
        let told: Vec<(&str, bool)> = events
            .iter()
            .map(|event| (event["data"]["key"]["data"].as_str().unwrap(), event["data"]["down"].as_bool().unwrap()))
            .collect();
        assert_eq!(told, [("ctrl", true), ("x", true), ("x", false), ("ctrl", false)]);
        assert!(qmp.monitor("info status").is_err(), "QEMU is gone");
    }
}
