//! Keys by their numbers.

use iced_core::SmolStr;
use iced_core::keyboard::Key;
use iced_core::keyboard::key::{Code, Named, NativeCode, Physical};
use orbclient::*;

/// Keys that are no characters.
const NAMED: [(u8, Named); 37] = [
    (K_ESC, Named::Escape),
    (K_ENTER, Named::Enter),
    (K_NUM_ENTER, Named::Enter),
    (K_BKSP, Named::Backspace),
    (K_TAB, Named::Tab),
    (K_SPACE, Named::Space),
    (K_DEL, Named::Delete),
    (K_INS, Named::Insert),
    (K_HOME, Named::Home),
    (K_END, Named::End),
    (K_PGUP, Named::PageUp),
    (K_PGDN, Named::PageDown),
    (K_UP, Named::ArrowUp),
    (K_DOWN, Named::ArrowDown),
    (K_LEFT, Named::ArrowLeft),
    (K_RIGHT, Named::ArrowRight),
    (K_LEFT_SHIFT, Named::Shift),
    (K_RIGHT_SHIFT, Named::Shift),
    (K_LEFT_CTRL, Named::Control),
    (K_ALT, Named::Alt),
    (K_ALT_GR, Named::AltGraph),
    (K_LEFT_SUPER, Named::Super),
    (K_RIGHT_SUPER, Named::Super),
    (K_CAPS, Named::CapsLock),
    (K_APP, Named::ContextMenu),
    (K_F1, Named::F1),
    (K_F2, Named::F2),
    (K_F3, Named::F3),
    (K_F4, Named::F4),
    (K_F5, Named::F5),
    (K_F6, Named::F6),
    (K_F7, Named::F7),
    (K_F8, Named::F8),
    (K_F9, Named::F9),
    (K_F10, Named::F10),
    (K_F11, Named::F11),
    (K_F12, Named::F12),
];

/// Letters by where they are on the keyboard, for shortcuts where the key map has other letters.
const LETTERS: [(u8, Code); 26] = [
    (K_A, Code::KeyA),
    (K_B, Code::KeyB),
    (K_C, Code::KeyC),
    (K_D, Code::KeyD),
    (K_E, Code::KeyE),
    (K_F, Code::KeyF),
    (K_G, Code::KeyG),
    (K_H, Code::KeyH),
    (K_I, Code::KeyI),
    (K_J, Code::KeyJ),
    (K_K, Code::KeyK),
    (K_L, Code::KeyL),
    (K_M, Code::KeyM),
    (K_N, Code::KeyN),
    (K_O, Code::KeyO),
    (K_P, Code::KeyP),
    (K_Q, Code::KeyQ),
    (K_R, Code::KeyR),
    (K_S, Code::KeyS),
    (K_T, Code::KeyT),
    (K_U, Code::KeyU),
    (K_V, Code::KeyV),
    (K_W, Code::KeyW),
    (K_X, Code::KeyX),
    (K_Y, Code::KeyY),
    (K_Z, Code::KeyZ),
];

/// What a key is: by its number, by the character that it has, by the text that it made.
pub fn key(scancode: u8, character: char, text: &str) -> Key {
    if let Some(&(_, named)) = NAMED.iter().find(|(code, _)| *code == scancode) {
        return Key::Named(named);
    }
    match (character, text) {
        ('\0', "") => Key::Unidentified,
        ('\0', text) => Key::Character(SmolStr::new(text)),
        (character, _) => Key::Character(SmolStr::from(character.to_string())),
    }
}

/// The key without Shift, as shortcuts are compared.
pub fn unshifted(key: Key) -> Key {
    match key {
        Key::Character(text) => Key::Character(SmolStr::new(text.to_lowercase())),
        key => key,
    }
}

/// Which key it is, wherever its letter is in the key map.
pub fn physical(scancode: u8) -> Physical {
    match LETTERS.iter().find(|(code, _)| *code == scancode) {
        Some(&(_, code)) => Physical::Code(code),
        None => Physical::Unidentified(NativeCode::Xkb(u32::from(scancode))),
    }
}
