//! The stops of the tour. The machine starts with a screen of 1280x800.

use super::{Step::*, Stop};

/// All of them, in their order; each begins where the one before has left.
pub const ALL: &[Stop] = &[
    Stop { name: "the desktop", steps: &[Appears(1_000_000), Differ((640, -8), (640, -80)), Shot("desktop")] },
    Stop {
        name: "the menu of programs",
        steps: &[Keys(&["meta_l"]), Appears(20_000), Shot("menu"), Type("term"), Appears(2_000), Shot("search")],
    },
    Stop {
        name: "a terminal with colours and a listing",
        steps: &[
            Keys(&["ret"]),
            Appears(50_000),
            Type("ls --color /bin; ls -l --color /\n"),
            Appears(2_000),
            Shot("terminal"),
        ],
    },
];
