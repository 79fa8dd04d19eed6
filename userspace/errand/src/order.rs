//! What is to be run: strings in pairs of a word and a value, each ended by a NUL.

/// Path of the order in the boot archive.
pub const ORDER: &str = "errand/order";
/// Path in the boot archive of the files that are carried in, themselves an archive (see [`crate::files`]).
pub const FILES: &str = "errand/files";

/// A program and what it is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Path of the program in the guest.
    pub program: String,
    /// Its arguments, without its name.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// Its current directory.
    pub directory: String,
}

impl Order {
    /// As it lies in the boot archive. A string with a NUL cannot be passed on; it is named in the error.
    pub fn encode(&self) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let mut add = |word: &str, value: &str| {
            if value.contains('\0') {
                return Err(format!("{value:?} has a NUL in it"));
            }
            bytes.extend([word.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
            Ok(())
        };
        add("program", &self.program)?;
        add("directory", &self.directory)?;
        self.args.iter().try_for_each(|arg| add("arg", arg))?;
        self.env.iter().try_for_each(|(name, value)| add("env", &format!("{name}={value}")))?;
        Ok(bytes)
    }

    /// Reads what [`Order::encode`] wrote. None when it is anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let text = str::from_utf8(bytes.strip_suffix(b"\0")?).ok()?;
        let strings: Vec<&str> = text.split('\0').collect();
        let mut order = Order::default();
        for pair in strings.chunks(2) {
            let [word, value] = pair else { return None };
            match *word {
                "program" => order.program = value.to_string(),
                "directory" => order.directory = value.to_string(),
                "arg" => order.args.push(value.to_string()),
                "env" => {
                    let (name, value) = value.split_once('=')?;
                    order.env.push((name.into(), value.into()));
                }
                _ => return None,
            }
        }
        (!order.program.is_empty()).then_some(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ordered_arrives() {
        let order = Order {
            program: "/tmp/a b".into(),
            args: vec!["".into(), "-x\ny".into(), "ü".into()],
            env: vec![("A".into(), "b=c".into()), ("EMPTY".into(), "".into())],
            directory: "/".into(),
        };
        assert_eq!(Order::decode(&order.encode().unwrap()), Some(order));
    }

    #[test]
    fn what_is_no_order_is_refused() {
        for bytes in
            [&b""[..], b"\0", b"program\0", b"program\0x", b"program\0\0", b"what\0x\0", b"env\0x\0", b"\xff\0x\0"]
        {
            assert_eq!(Order::decode(bytes), None, "{bytes:?}");
        }
        let order = Order { program: "x".into(), args: vec!["a\0b".into()], ..Order::default() };
        assert!(order.encode().unwrap_err().contains("NUL"));
    }
}
