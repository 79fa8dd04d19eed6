//! From keys to characters. One keyboard: all that are plugged in are taken together before (see [`router`](crate::router)).

use std::collections::BTreeMap;
use std::time::Duration;

use input_contract::{Event, key, leds, modifier};

use crate::compose;
use crate::keymap::{Keymap, Level};

/// Keys that are held for others, and what they are.
const HELD: [(u8, u16); 8] = [
    (key::LEFT_SHIFT, modifier::SHIFT),
    (key::RIGHT_SHIFT, modifier::SHIFT),
    (key::LEFT_CTRL, modifier::CTRL),
    (key::RIGHT_CTRL, modifier::CTRL),
    (key::LEFT_ALT, modifier::ALT),
    (key::RIGHT_ALT, modifier::ALT_GR),
    (key::LEFT_SUPER, modifier::SUPER),
    (key::RIGHT_SUPER, modifier::SUPER),
];
/// Keys that are pressed once for on and once for off; their modifier and their light.
const LOCKS: [(u8, u16, u8); 3] = [
    (key::CAPS_LOCK, modifier::CAPS, leds::CAPS),
    (key::NUM_LOCK, modifier::NUM, leds::NUM),
    (key::SCROLL_LOCK, modifier::SCROLL, leds::SCROLL),
];
/// Keys with the same character in every map.
const EVERYWHERE: [(u8, char); 11] = [
    (key::ESCAPE, '\u{1b}'),
    (key::BACKSPACE, '\u{8}'),
    (key::TAB, '\t'),
    (key::ENTER, '\n'),
    (key::SPACE, ' '),
    (key::DELETE, '\u{7f}'),
    (key::PAD_MINUS, '-'),
    (key::PAD_PLUS, '+'),
    (key::PAD_TIMES, '*'),
    (key::PAD_SLASH, '/'),
    (key::PAD_ENTER, '\n'),
];
/// What the number pad's keys are without num lock, from digit 0 to 9 and the point; the middle one is nothing.
const PAD: [u8; 11] = [
    key::INSERT,
    key::END,
    key::DOWN,
    key::PAGE_DOWN,
    key::LEFT,
    0,
    key::RIGHT,
    key::HOME,
    key::UP,
    key::PAGE_UP,
    key::DELETE,
];

/// How keys repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Milliseconds until a key that is held repeats.
    pub delay: u32,
    /// Times in a second then; 0: never.
    pub rate: u32,
}

/// A key that is held and repeats.
#[derive(Clone, Copy, Debug)]
struct Repeating {
    /// As it came from the device.
    code: u8,
    event: Event,
    text: Option<char>,
    next: Duration,
}

/// A keyboard.
pub struct Keyboard {
    map: Keymap,
    has_alt_gr: bool,
    /// Keys that are down, and the numbers that the consumer was told.
    down: BTreeMap<u8, u8>,
    locks: u16,
    /// A mark that waits for its character.
    mark: Option<char>,
    repeat: Repeat,
    repeating: Option<Repeating>,
}

impl Keyboard {
    /// With this map; num lock is on.
    pub fn new(map: Keymap) -> Self {
        let mut keyboard = Keyboard {
            map: Keymap::default(),
            has_alt_gr: false,
            down: BTreeMap::new(),
            locks: modifier::NUM,
            mark: None,
            repeat: Repeat { delay: 400, rate: 30 },
            repeating: None,
        };
        keyboard.set_map(map);
        keyboard
    }

    /// Takes another map. Keys that are down stay down.
    pub fn set_map(&mut self, map: Keymap) {
        self.has_alt_gr = (0..=u8::MAX).any(|key| map.symbol(key, Level::AltGr).is_some());
        (self.map, self.mark, self.repeating) = (map, None, None);
    }

    /// How keys repeat.
    pub fn repeat(&self) -> Repeat {
        self.repeat
    }

    /// Lets keys repeat otherwise.
    pub fn set_repeat(&mut self, repeat: Repeat) {
        (self.repeat, self.repeating) = (repeat, None);
    }

    /// The lights.
    pub fn leds(&self) -> u8 {
        LOCKS.iter().filter(|(_, lock, _)| self.locks & lock != 0).fold(0, |all, (.., led)| all | led)
    }

    /// What is held or locked.
    pub fn modifiers(&self) -> u16 {
        let held = HELD.iter().filter(|(key, _)| self.down.contains_key(key)).fold(0, |all, (_, bit)| all | bit);
        // Where the map has nothing on that level both alternate keys are the same.
        let alt_gr = held & modifier::ALT_GR != 0 && !self.has_alt_gr;
        let held = if alt_gr { held & !modifier::ALT_GR | modifier::ALT } else { held };
        held | self.locks
    }

    /// A key goes down, at this time, or up.
    pub fn key(&mut self, code: u8, pressed: bool, now: Duration, out: &mut Vec<Event>) {
        if pressed { self.press(code, now, out) } else { self.release(code, out) }
    }

    fn release(&mut self, code: u8, out: &mut Vec<Event>) {
        let Some(told) = self.down.remove(&code) else { return };
        if self.repeating.is_some_and(|repeating| repeating.code == code) {
            self.repeating = None;
        }
        // The consumer knows one control key only: it is up when both are.
        if !self.down.values().any(|other| *other == told) {
            out.push(self.event(told, '\0', false));
        }
    }

    fn press(&mut self, code: u8, now: Duration, out: &mut Vec<Event>) {
        if self.down.contains_key(&code) {
            return;
        }
        if let Some((_, lock, _)) = LOCKS.iter().find(|(key, ..)| *key == code) {
            self.locks ^= lock;
        }
        let told = self.told(code);
        let known = self.down.values().any(|other| *other == told);
        self.down.insert(code, told);
        if HELD.iter().any(|(key, _)| *key == code) || LOCKS.iter().any(|(key, ..)| *key == code) {
            if !known {
                out.push(self.event(told, '\0', true));
            }
            return;
        }
        let (character, dead) = self.character(code, told);
        let event = self.event(told, character, true);
        let text = self.writes().then_some(character).filter(|character| *character != '\0');
        if dead && text.is_some() && self.mark.is_none() {
            out.push(event);
            (self.mark, self.repeating) = (Some(character), None);
            return;
        }
        let entered = text.map(|text| self.mark.take().map_or(vec![text], |mark| compose::put(mark, text)));
        let visible = entered.into_iter().flatten().filter(|character| !character.is_control());
        // Before its key: who reads both takes a text for that of the key behind it.
        out.extend(visible.map(|character| Event::Text { character }));
        out.push(event);
        let next = now + Duration::from_millis(self.repeat.delay.into());
        let text = text.filter(|character| !character.is_control());
        self.repeating = (self.repeat.rate != 0).then_some(Repeating { code, event, text, next });
    }

    /// The number that the consumer is told for a key.
    fn told(&self, code: u8) -> u8 {
        match code {
            key::RIGHT_CTRL => key::LEFT_CTRL,
            key::PAD_0..=key::PAD_POINT if self.locks & modifier::NUM == 0 => {
                Some(PAD[usize::from(code - key::PAD_0)]).filter(|code| *code != 0).unwrap_or(code)
            }
            code => code,
        }
    }

    /// The character that a key has now, and whether it is a mark.
    fn character(&self, code: u8, told: u8) -> (char, bool) {
        if let Some((_, character)) = EVERYWHERE.iter().find(|(key, _)| *key == told) {
            return (*character, false);
        }
        match told {
            key::PAD_0..=key::PAD_9 if self.locks & modifier::NUM != 0 => {
                return ((b'0' + told - key::PAD_0) as char, false);
            }
            key::PAD_POINT => return ('.', false),
            _ => {}
        }
        let modifiers = self.modifiers();
        let caps = modifiers & modifier::CAPS != 0 && self.map.is_letter(code);
        let shift = (modifiers & modifier::SHIFT != 0) ^ caps;
        let symbol = match (modifiers & modifier::ALT_GR != 0, shift) {
            (false, false) => self.map.symbol(code, Level::Plain),
            (false, true) => self.map.symbol(code, Level::Shift),
            (true, false) => self.map.symbol(code, Level::AltGr),
            (true, true) => self.map.symbol(code, Level::ShiftAltGr).or(self.map.symbol(code, Level::AltGr)),
        };
        symbol.map_or(('\0', false), |symbol| (symbol.character, symbol.dead))
    }

    /// Whether a key writes now, instead of being a command.
    fn writes(&self) -> bool {
        self.modifiers() & (modifier::CTRL | modifier::ALT | modifier::SUPER) == 0
    }

    fn event(&self, code: u8, character: char, pressed: bool) -> Event {
        Event::Key { code, character, pressed, repeated: false, modifiers: self.modifiers() }
    }

    /// When a key repeats next.
    pub fn wake_at(&self) -> Option<Duration> {
        self.repeating.map(|repeating| repeating.next)
    }

    /// Repeats what is due. Once, however late it is: nobody wants what was not asked for in time.
    pub fn tick(&mut self, now: Duration, out: &mut Vec<Event>) {
        let Some(repeating) = &mut self.repeating else { return };
        if repeating.next > now {
            return;
        }
        repeating.next = now + Duration::from_secs(1) / self.repeat.rate.max(1);
        out.extend(repeating.text.map(|character| Event::Text { character }));
        if let Event::Key { code, character, pressed, modifiers, .. } = repeating.event {
            out.push(Event::Key { code, character, pressed, repeated: true, modifiers });
        }
    }

    /// Stops the repetition, for instance because nobody reads it.
    pub fn stop_repeating(&mut self) {
        self.repeating = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyboard(map: &str) -> Keyboard {
        Keyboard::new(Keymap::parse(&std::fs::read_to_string(format!("keymaps/{map}.toml")).unwrap()).unwrap())
    }

    /// What is written when these keys go down and up, with `held` held. `None` in a place is a key without effect.
    fn write(keyboard: &mut Keyboard, held: &[u8], keys: &[u8]) -> String {
        let mut out = Vec::new();
        held.iter().for_each(|key| keyboard.key(*key, true, Duration::ZERO, &mut out));
        for key in keys {
            keyboard.key(*key, true, Duration::ZERO, &mut out);
            keyboard.key(*key, false, Duration::ZERO, &mut out);
        }
        held.iter().for_each(|key| keyboard.key(*key, false, Duration::ZERO, &mut out));
        out.iter()
            .filter_map(|event| if let Event::Text { character } = event { Some(*character) } else { None })
            .collect()
    }

    const A: u8 = 0x1e;
    const E: u8 = 0x12;

    #[test]
    fn shift_caps_and_alt_gr() {
        let mut us = keyboard("us");
        assert_eq!(write(&mut us, &[], &[A, 2, key::SPACE, key::ENTER]), "a1 ");
        assert_eq!(write(&mut us, &[key::RIGHT_SHIFT], &[A, 2]), "A!");
        assert_eq!(write(&mut us, &[], &[key::CAPS_LOCK, A, 2]), "A1");
        assert_eq!(write(&mut us, &[key::LEFT_SHIFT], &[A, 2]), "a!");
        assert_eq!(us.leds(), leds::CAPS | leds::NUM);
        assert_eq!(write(&mut us, &[], &[key::CAPS_LOCK, A]), "a");
        let mut de = keyboard("de");
        assert_eq!(write(&mut de, &[key::RIGHT_ALT], &[0x10, E, A]), "@€");
        assert_eq!(write(&mut de, &[], &[key::CAPS_LOCK, 0x27, 0x0c]), "Öß");
    }

    #[test]
    fn a_text_comes_before_its_key() {
        let (mut us, mut out) = (keyboard("us"), Vec::new());
        us.key(A, true, Duration::ZERO, &mut out);
        us.tick(Duration::from_secs(5), &mut out);
        us.key(A, false, Duration::from_secs(5), &mut out);
        us.key(key::ENTER, true, Duration::from_secs(5), &mut out);
        let letter = |event: &Event| match event {
            Event::Text { .. } => 't',
            Event::Key { pressed: true, .. } => 'k',
            _ => 'u',
        };
        // Else a text is taken for Enter's, when both are read at once, and Enter is lost.
        assert_eq!(out.iter().map(letter).collect::<String>(), "tktkuk");
    }

    #[test]
    fn dead_keys() {
        let mut de = keyboard("de");
        assert_eq!(write(&mut de, &[], &[0x0d, E, 0x0d, key::SPACE, 0x0d, 0x0d, 0x29, 0x2d, 0x29, A]), "é´´^xâ");
        assert_eq!(write(&mut de, &[key::LEFT_SHIFT], &[0x0d]) + &write(&mut de, &[], &[A]), "à");
        let mut fr = keyboard("fr");
        assert_eq!(write(&mut fr, &[], &[0x1a, E]), "ê");
        assert_eq!(write(&mut fr, &[key::LEFT_SHIFT], &[0x1a]) + &write(&mut fr, &[], &[E]), "ë");
    }

    #[test]
    fn commands_write_nothing_but_have_their_character() {
        let mut us = keyboard("us");
        for held in [key::LEFT_CTRL, key::RIGHT_CTRL, key::LEFT_ALT, key::LEFT_SUPER, key::RIGHT_ALT] {
            assert_eq!(write(&mut us, &[held], &[A]), "", "{held:#x}");
        }
        let mut out = Vec::new();
        us.key(key::LEFT_CTRL, true, Duration::ZERO, &mut out);
        us.key(A, true, Duration::ZERO, &mut out);
        let modifiers = modifier::CTRL | modifier::NUM;
        assert_eq!(out[1], Event::Key { code: A, character: 'a', pressed: true, repeated: false, modifiers });
    }

    #[test]
    fn two_control_keys_are_one_to_the_consumer() {
        let mut us = keyboard("us");
        let mut out = Vec::new();
        for (code, pressed) in
            [(key::LEFT_CTRL, true), (key::RIGHT_CTRL, true), (key::LEFT_CTRL, false), (key::RIGHT_CTRL, false)]
        {
            us.key(code, pressed, Duration::ZERO, &mut out);
        }
        let told: Vec<(u8, bool)> = out
            .iter()
            .filter_map(
                |event| if let Event::Key { code, pressed, .. } = event { Some((*code, *pressed)) } else { None },
            )
            .collect();
        assert_eq!(told, [(key::LEFT_CTRL, true), (key::LEFT_CTRL, false)]);
    }

    #[test]
    fn the_number_pad() {
        let mut us = keyboard("us");
        assert_eq!(write(&mut us, &[], &[key::PAD_0 + 7, key::PAD_POINT, key::PAD_PLUS]), "7.+");
        let mut out = Vec::new();
        us.key(key::PAD_0 + 7, true, Duration::ZERO, &mut out);
        us.key(key::NUM_LOCK, true, Duration::ZERO, &mut out);
        out.clear();
        // What went down as a digit comes up as one.
        us.key(key::PAD_0 + 7, false, Duration::ZERO, &mut out);
        us.key(key::PAD_0 + 7, true, Duration::ZERO, &mut out);
        let codes: Vec<u8> = out
            .iter()
            .filter_map(|event| if let Event::Key { code, .. } = event { Some(*code) } else { None })
            .collect();
        assert_eq!(codes, [key::PAD_0 + 7, key::HOME]);
        assert_eq!(out.len(), 2, "and writes nothing");
    }

    #[test]
    fn repetition() {
        let mut us = keyboard("us");
        let ms = Duration::from_millis;
        let mut out = Vec::new();
        us.key(A, true, ms(1000), &mut out);
        assert_eq!(us.wake_at(), Some(ms(1400)));
        out.clear();
        us.tick(ms(1399), &mut out);
        assert_eq!(out, []);
        us.tick(ms(1400), &mut out);
        assert_eq!(out.len(), 2);
        assert!(matches!(out[1], Event::Key { repeated: true, pressed: true, character: 'a', .. }));
        // Late by a second: once.
        us.tick(ms(2400), &mut out);
        assert_eq!(out.len(), 4);
        // Another key takes it over, modifiers do not.
        us.key(key::LEFT_SHIFT, true, ms(2500), &mut out);
        assert!(us.wake_at().is_some());
        us.key(E, true, ms(2500), &mut out);
        us.key(A, false, ms(2600), &mut out);
        assert_eq!(us.wake_at(), Some(ms(2900)));
        us.key(E, false, ms(2600), &mut out);
        assert_eq!(us.wake_at(), None);
        us.set_repeat(Repeat { delay: 100, rate: 0 });
        us.key(A, true, ms(3000), &mut out);
        assert_eq!(us.wake_at(), None);
    }

    #[test]
    fn random_keys_leave_nothing_down() {
        let mut de = keyboard("de");
        let mut state = 5_u64;
        let mut out = Vec::new();
        for step in 0..50_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            de.key((state >> 40) as u8, state >> 63 == 1, ms(step), &mut out);
            de.tick(ms(step), &mut out);
        }
        (0..=u8::MAX).for_each(|code| de.key(code, false, ms(0), &mut out));
        assert!(de.down.is_empty() && de.wake_at().is_none());
        // To the consumer, too, every key is up.
        let mut down = std::collections::BTreeSet::new();
        for event in out {
            if let Event::Key { code, pressed, .. } = event {
                if pressed {
                    down.insert(code)
                } else {
                    down.remove(&code)
                };
            }
        }
        assert!(down.is_empty(), "{down:x?}");
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }
}
