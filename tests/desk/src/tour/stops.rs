//! The stops of the tour. The machine starts with a screen of 1280x800, and the terminal of the first stops is what others are started
//! from: whatever is closed gives it the focus back. That the panel is there is seen at the left, where the wallpaper has one colour.

use super::{Step::*, Stop};

/// All of them, in their order; each begins where the one before has left.
pub const ALL: &[Stop] = &[
    Stop { name: "the desktop", steps: &[Appears(1_000_000), Differ((20, -2), (20, -50)), Shot("desktop")] },
    Stop {
        name: "the menu of programs",
        steps: &[Keys(&["meta_l"]), Appears(20_000), Shot("menu"), Type("term"), Appears(2_000), Shot("search")],
    },
    Stop {
        name: "a terminal with colours and a listing",
        steps: &[
            Keys(&["ret"]),
            Differ((150, -7), (150, -20)),
            Type("hexyl -n 128 /etc/hosts; rg --pretty ochre /etc\n"),
            Appears(5_000),
            Shot("terminal"),
        ],
    },
    Stop {
        name: "an editor with a file open",
        steps: &[Type("editor /root/Documents/Keys.txt &\n"), Appears(50_000), Shot("editor")],
    },
    Stop {
        name: "a file browser",
        steps: &[
            Keys(&["meta_l", "q"]),
            Appears(50_000),
            Type("files /root &\n"),
            Appears(50_000),
            Shot("files"),
            Keys(&["ctrl", "l"]),
            Appears(200),
            Type("/root/Pictures\n"),
            Appears(1_000),
            Keys(&["ctrl", "2"]),
            Appears(10_000),
            Shot("tiles"),
        ],
    },
    Stop {
        name: "three windows, one over the other",
        steps: &[
            Keys(&["alt", "tab"]),
            Appears(1_000),
            Drag((420, 141), (250, 61)),
            Appears(50_000),
            Type("editor /root/Documents/Keys.txt &\n"),
            Appears(50_000),
            Drag((520, 198), (650, 188)),
            Appears(50_000),
            Point((1180, 60)),
            Shot("windows"),
        ],
    },
    Stop {
        name: "settings",
        steps: &[
            Keys(&["meta_l"]),
            Appears(20_000),
            Type("settings"),
            Appears(500),
            Keys(&["ret"]),
            Differ((760, -7), (760, -20)),
            Shot("settings"),
            Keys(&["meta_l", "q"]),
            Appears(50_000),
            Keys(&["meta_l", "q"]),
            Appears(50_000),
        ],
    },
    Stop {
        name: "an image viewer with a picture",
        steps: &[
            Type("viewer /root/Pictures &\n"),
            Appears(100_000),
            // The sky of the first picture, and its dunes.
            Differ((810, 200), (810, 640)),
            Shot("viewer"),
            Keys(&["meta_l", "q"]),
            Appears(50_000),
        ],
    },
    Stop {
        name: "a window that is resized by its edge",
        steps: &[
            // The device shows the cursor itself, and then it is in no picture.
            Type("console -c 'echo cursor=painted > /scheme/orbital/settings'\n"),
            Appears(200),
            Type("clear; ls -l --color /root/Pictures /scheme/initfs/etc\n"),
            Appears(3_000),
            Pull((802, 300), (900, 340)),
            Still,
            Shot("resize"),
            Release,
            Still,
        ],
    },
    Stop {
        name: "the dark theme",
        steps: &[
            Type("console -c 'echo theme=dark > /scheme/orbital/settings'\n"),
            Appears(500_000),
            Shot("dark"),
            Keys(&["meta_l"]),
            Appears(20_000),
            Shot("dark-menu"),
            Keys(&["esc"]),
            Appears(20_000),
        ],
    },
    Stop {
        name: "each program in the dark",
        steps: &[
            Type("editor /root/Documents/Keys.txt &\n"),
            Appears(50_000),
            Shot("dark-editor"),
            Keys(&["meta_l", "q"]),
            Appears(50_000),
            Type("files /root/Pictures &\n"),
            Appears(50_000),
            Shot("dark-files"),
            Keys(&["meta_l", "q"]),
            Appears(50_000),
            Type("viewer /root/Pictures &\n"),
            Appears(50_000),
            Differ((810, 200), (810, 640)),
            Shot("dark-viewer"),
            Keys(&["meta_l", "q"]),
            Appears(50_000),
            Type("settings display &\n"),
            Appears(50_000),
            Shot("dark-settings"),
            Keys(&["meta_l", "q"]),
            Appears(50_000),
        ],
    },
    Stop {
        name: "a window in one half of the screen",
        steps: &[Keys(&["meta_l", "left"]), Appears(20_000), Shot("half"), Keys(&["meta_l", "down"]), Appears(20_000)],
    },
    Stop {
        name: "a larger screen",
        steps: &[
            Type("console -c 'echo theme=light > /scheme/orbital/settings'\n"),
            Appears(500_000),
            Resize(1920, 1080),
            Differ((20, -2), (20, -50)),
            Shot("1920x1080"),
        ],
    },
    Stop {
        name: "twice as fine",
        steps: &[
            Type("console -c 'echo scale=2 > /scheme/orbital/settings'\n"),
            Appears(100_000),
            Keys(&["meta_l"]),
            Appears(50_000),
            Shot("scale-2"),
        ],
    },
];
