//! The keeper with fake clients and a fake server.

use orbclient::{EVENT_KEY, EVENT_RESIZE};
use scheme_server::fake::{Kernel, NO_OFFSET};
use scheme_server::syscall::error::EAGAIN;
use scheme_server::syscall::flag::{MapFlags, O_NONBLOCK, O_RDWR};
use scheme_server::syscall::schemev2::Opcode;

use super::scheme::ROOT;
use super::*;
use crate::geometry::Rect;
use crate::random::Random;
use crate::wire::{Listed, Told};

type Machine = Kernel<Keeper>;

const LIMITS: Limits = Limits { windows: 4, all_windows: 6, pixels: 4 << 20, all_pixels: 6 << 20, media: 1000 };

fn machine() -> Machine {
    Kernel::new(Keeper::new(LIMITS))
}

fn open(machine: &mut Machine, path: &str) -> usize {
    machine.openat(ROOT, path, 0).unwrap().number()
}

fn say(machine: &mut Machine, window: usize, message: &str) -> Result<usize> {
    machine.write(window, message.as_bytes(), NO_OFFSET, 0)
}

fn hear(machine: &mut Machine, server: usize) -> Vec<Notice> {
    let mut notices = Vec::new();
    let read = machine.sqe(Opcode::Read, [server as u64, 0, 0, NO_OFFSET, O_NONBLOCK as u64]);
    let answer = machine.exchange(read, Some(&vec![0; wire::ROOM]));
    let count = match answer.result() {
        Err(error) if error.errno == EAGAIN => 0,
        result => result.unwrap(),
    };
    wire::read(&answer.payload[..count], |notice: Notice| notices.push(notice)).unwrap();
    notices
}

fn order(machine: &mut Machine, server: usize, orders: &[Order]) {
    let mut bytes = Vec::new();
    assert!(orders.iter().all(|order| wire::write(order, &mut bytes)));
    machine.write(server, &bytes, NO_OFFSET, 0).unwrap();
}

fn told(notice: &Notice) -> &Told {
    match notice {
        Notice::Window(told) => told,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_client_reads_its_window_from_its_path() {
    let mut machine = machine();
    let window = open(&mut machine, "/ar/10/20/30/40/Title");
    assert_eq!(machine.fpath(window).unwrap(), "ar/10/20/30/40/Title");
    for (message, path) in [
        ("P,1,2", "ar/1/2/30/40/Title"),
        ("P,,5", "ar/1/5/30/40/Title"),
        ("S,50,60", "ar/1/5/50/60/Title"),
        ("T,Another/one", "ar/1/5/50/60/Another/one"),
        ("F,l,1", "arl/1/5/50/60/Another/one"),
        // Whether it is maximised the server says.
        ("F,m,1", "arl/1/5/50/60/Another/one"),
    ] {
        assert_eq!(say(&mut machine, window, message), Ok(message.len()));
        assert_eq!(machine.fpath(window).unwrap(), path);
    }
    let display = open(&mut machine, "99.0");
    assert_eq!(machine.fpath(display).unwrap(), "orbital:99.0/1024/768/1");
}

#[test]
fn windows_are_handed_out_for_reading_and_writing() {
    let mut machine = machine();
    machine.scheme.set_door(Box::new(|number, flags| {
        assert_eq!((number, flags), (0, O_RDWR | O_NONBLOCK));
        Ok(77)
    }));
    let opened = machine.openat(ROOT, "/a/0/0/9/9/T", O_NONBLOCK).unwrap();
    assert_eq!(opened, scheme_server::fake::Opened::Descriptor(77));
    machine.scheme.set_door(Box::new(|_, _| Err(Error::new(EAGAIN))));
    assert!(machine.openat(ROOT, "/a/0/0/9/9/T", 0).is_err());
    assert_eq!((machine.scheme.windows.len(), machine.scheme.handles.len()), (1, 1));
}

#[test]
fn a_blocking_client_waits_and_an_asynchronous_one_does_not() {
    let mut machine = machine();
    let server = open(&mut machine, "server");
    let [blocking, other] = ["/r/0/0/9/9/b", "/a/0/0/9/9/a"].map(|path| open(&mut machine, path));
    assert_eq!(machine.read(other, 240, NO_OFFSET), Ok(vec![]));
    let read = machine.sqe(Opcode::Read, [blocking as u64, 0, 0, NO_OFFSET, 0]);
    let tag = machine.submit(read, Some(&[0; 240]));
    machine.settle();
    assert!(machine.answer(tag).is_none());
    for window in [blocking, other] {
        say(&mut machine, window, "Y").unwrap();
    }
    let ids: Vec<WindowId> = hear(&mut machine, server)
        .iter()
        .filter(|notice| matches!(notice, Notice::Window(_)))
        .map(|notice| told(notice).id)
        .collect();
    let key = [EVENT_KEY, 0, 0x1e];
    order(&mut machine, server, &[Order::Event(ids[0], key), Order::Event(ids[1], key), Order::Event(99, key)]);
    let answer = machine.answer(tag).unwrap();
    assert_eq!(answer.result(), Ok(24));
    assert_eq!(bytemuck::pod_read_unaligned::<[i64; 3]>(&answer.payload[..24]), key);
    assert_eq!(machine.fevent(other, EventFlags::EVENT_READ), Ok(EventFlags::EVENT_READ));
    assert_eq!(machine.read(other, 24, NO_OFFSET).unwrap().len(), 24);
    assert_eq!(machine.fevent(other, EventFlags::EVENT_READ), Ok(EventFlags::empty()));
    assert_eq!(machine.read(other, 23, NO_OFFSET), Err(Error::new(EINVAL)));
}

#[test]
fn a_window_appears_when_it_is_drawn() {
    let mut machine = machine();
    let server = open(&mut machine, "server");
    assert_eq!(hear(&mut machine, server), [Notice::Memory(vec![]), Notice::Complete]);
    let window = open(&mut machine, "/r/1/2/30/40/T");
    assert_eq!(hear(&mut machine, server), [], "a window without a picture is no news");
    say(&mut machine, window, "Y,1,2,3,4").unwrap();
    let notices = hear(&mut machine, server);
    assert_eq!((told(&notices[0]).size, told(&notices[0]).position), ((30, 40), Some((1, 2))));
    assert_eq!(notices[1], Notice::Damage(told(&notices[0]).id, vec![Rect::new(0, 0, 30, 40)]));
    say(&mut machine, window, "Y,1,2,3,4,20,30,99,99").unwrap();
    say(&mut machine, window, "Y,1,2,3,4").unwrap();
    let id = told(&notices[0]).id;
    let rects = vec![Rect::new(1, 2, 3, 4), Rect::new(20, 30, 10, 10)];
    assert_eq!(hear(&mut machine, server), [Notice::Damage(id, rects)]);
}

#[test]
fn another_size_is_shown_when_it_is_drawn_or_the_client_is_through() {
    let mut machine = machine();
    let server = open(&mut machine, "server");
    let window = open(&mut machine, "/ar/1/2/30/40/T");
    say(&mut machine, window, "Y").unwrap();
    let first = told(&hear(&mut machine, server)[1]).clone();
    say(&mut machine, window, "S,31,41").unwrap();
    // Until then the server keeps the old pixels, even a new one.
    let argument = format!("pixels/{}/{}", first.id, first.generation);
    let pixels = machine.dup(server, argument.as_bytes()).unwrap().number();
    assert!(machine.mmap(pixels, 0, 30 * 40 * 4, MapFlags::MAP_SHARED).is_ok());
    say(&mut machine, window, "Y,0,0,1,1").unwrap();
    let notices = hear(&mut machine, server);
    assert_eq!((told(&notices[0]).size, told(&notices[0]).position), ((31, 41), None));
    assert_eq!(notices[1], Notice::Damage(first.id, vec![Rect::new(0, 0, 31, 41)]));
    assert_eq!(machine.dup(server, argument.as_bytes()), Err(Error::new(ENOENT)));
    assert_eq!(machine.mmap(pixels, 0, 4, MapFlags::MAP_SHARED), Err(Error::new(ENOENT)));
    say(&mut machine, window, "S,32,42").unwrap();
    assert_eq!(machine.read(window, 24, NO_OFFSET), Ok(vec![]));
    assert_eq!(told(&hear(&mut machine, server)[0]).size, (32, 42));
}

#[test]
fn the_next_server_is_told_everything() {
    let mut machine = machine();
    let server = open(&mut machine, "server");
    assert_eq!(machine.openat(ROOT, "server", 0), Err(Error::new(scheme_server::syscall::error::EBUSY)));
    let window = open(&mut machine, "/a/1/2/30/40/T");
    say(&mut machine, window, "Y").unwrap();
    let id = told(&hear(&mut machine, server)[1]).id;
    let resize = [EVENT_RESIZE, 5, 5];
    order(
        &mut machine,
        server,
        &[Order::Place(id, 7, 8), Order::Mark(id, true, false), Order::Memory(vec![42]), Order::Event(id, resize)],
    );
    machine.close(server);
    // Clients go on: what they say waits, what they were told is there.
    say(&mut machine, window, "T,Another").unwrap();
    say(&mut machine, window, "Y").unwrap();
    assert_eq!(machine.read(window, 24, NO_OFFSET).unwrap().len(), 24);
    let settings = open(&mut machine, "settings");
    machine.write(settings, b"theme=dark\n", NO_OFFSET, 0).unwrap();
    let server = open(&mut machine, "server");
    let notices = hear(&mut machine, server);
    assert_eq!(notices[0], Notice::Memory(vec![42]));
    assert_eq!(notices[1], Notice::Setting("theme".into(), "dark".into()));
    let window = told(&notices[2]);
    assert_eq!((window.position, window.flags.to_string().as_str(), &*window.title), (Some((7, 8)), "am", "Another"));
    assert_eq!(notices.last(), Some(&Notice::Complete));
}

#[test]
fn only_the_superuser_serves() {
    let mut machine = machine();
    let refused = machine.as_user(1000, 1000, |machine| machine.openat(ROOT, "server", 0));
    assert_eq!(refused, Err(Error::new(scheme_server::syscall::error::EACCES)));
    let window = machine.as_user(1000, 1000, |machine| open(machine, "/a/1/2/30/40/T"));
    assert_eq!(machine.dup(window, b"pixels/1/0"), Err(Error::new(EINVAL)));
}

#[test]
fn who_takes_too_much_is_refused_and_others_are_not() {
    let mut machine = machine();
    let windows: Vec<usize> = (0..4).map(|_| open(&mut machine, "/a/0/0/10/10/T")).collect();
    assert!(machine.openat(ROOT, "/a/0/0/10/10/T", 0).is_err());
    machine.pid = 2;
    let other = open(&mut machine, "/a/0/0/2000/2000/T");
    assert_eq!(say(&mut machine, other, "S,2100,2100").unwrap_err().errno, scheme_server::syscall::error::ENOMEM);
    assert_eq!(machine.fpath(other).unwrap(), "a/0/0/2000/2000/T");
    assert!(machine.openat(ROOT, "/a/0/0/1000/1000/T", 0).is_err(), "more pixels than one may have");
    machine.pid = 1;
    assert!(say(&mut machine, windows[0], "S,16384,16384").is_err());
    machine.close(windows[1]);
    open(&mut machine, "/a/0/0/10/10/T");
    machine.pid = 3;
    open(&mut machine, "/a/0/0/10/10/T");
    assert!(machine.openat(ROOT, "/a/0/0/10/10/T", 0).is_err(), "more windows than all may have");
}

#[test]
fn what_is_copied_can_be_pasted() {
    let mut machine = machine();
    let [one, two] = [(); 2].map(|()| open(&mut machine, "/a/0/0/10/10/T"));
    let writer = machine.dup(one, b"clipboard").unwrap().number();
    machine.write(writer, b"t", NO_OFFSET, 0).unwrap();
    machine.write(writer, b"some text", NO_OFFSET, 0).unwrap();
    assert!(machine.write(writer, &[b'x'; 1000], NO_OFFSET, 0).is_err());
    machine.close(writer);
    let reader = machine.dup(two, b"clipboard").unwrap().number();
    assert_eq!(machine.read(reader, 1, NO_OFFSET).unwrap(), b"t");
    assert_eq!(machine.read(reader, 100, NO_OFFSET).unwrap(), b"some text");
    assert_eq!(machine.read(reader, 100, NO_OFFSET).unwrap(), b"");
    assert!(machine.write(reader, b"t", NO_OFFSET, 0).is_err());
    let wrong = machine.dup(two, b"clipboard").unwrap().number();
    assert!(machine.write(wrong, b"x", NO_OFFSET, 0).is_err());
}

#[test]
fn what_is_dragged_goes_to_who_looks_at_it() {
    let mut machine = machine();
    let server = open(&mut machine, "server");
    let [source, target] = [(); 2].map(|()| open(&mut machine, "/a/0/0/10/10/T"));
    for window in [source, target] {
        say(&mut machine, window, "Y").unwrap();
    }
    hear(&mut machine, server);
    let writer = machine.dup(source, b"dnd").unwrap().number();
    machine.write(writer, b"f", NO_OFFSET, 0).unwrap();
    machine.write(writer, b"/file", NO_OFFSET, 0).unwrap();
    machine.close(writer);
    assert_eq!(hear(&mut machine, server), [Notice::Offer(1, 5)]);
    let reader = machine.dup(target, b"dnd").unwrap().number();
    assert_eq!(machine.read(reader, 100, NO_OFFSET).unwrap(), b"f/file");
    assert_eq!(hear(&mut machine, server), [Notice::Peeked(2)]);
    say(&mut machine, target, "N,Y").unwrap();
    say(&mut machine, target, "N,D").unwrap();
    assert_eq!(hear(&mut machine, server), [Notice::Answer(2, DropAnswer::Done)]);
    let offer = |machine: &mut Machine, window, content: &[u8]| {
        let writer = machine.dup(window, b"dnd").unwrap().number();
        machine.write(writer, content, NO_OFFSET, 0).unwrap();
        machine.close(writer);
    };
    offer(&mut machine, target, b"tnot while something is dragged");
    assert_eq!(hear(&mut machine, server), []);
    order(&mut machine, server, &[Order::DragOver(false)]);
    let gone = machine.dup(target, b"dnd").unwrap().number();
    assert!(machine.read(gone, 100, NO_OFFSET).is_err());
    offer(&mut machine, target, b"tnow");
    assert_eq!(hear(&mut machine, server), [Notice::Offer(2, 3)]);
    order(&mut machine, server, &[Order::DragOver(true)]);
    assert_eq!(machine.read(gone, 100, NO_OFFSET).unwrap(), b"tnow");
}

#[test]
fn settings_are_lines() {
    let mut machine = machine();
    let settings = open(&mut machine, "settings");
    for good in ["theme=dark", "scale=2\n", "theme=light"] {
        machine.write(settings, good.as_bytes(), NO_OFFSET, 0).unwrap();
    }
    for bad in ["theme", "=x", "a=\u{7}", "a\nb=c"] {
        assert_eq!(machine.write(settings, bad.as_bytes(), NO_OFFSET, 0), Err(Error::new(EINVAL)), "{bad}");
    }
    assert_eq!(machine.read(settings, 100, NO_OFFSET).unwrap(), b"scale=2\ntheme=light\n");
    assert_eq!(machine.read(settings, 100, NO_OFFSET).unwrap(), b"");
    // After the end they can be read again, and there is something to read when one has changed.
    machine.write(settings, b"theme=dark", NO_OFFSET, 0).unwrap();
    assert_eq!(machine.read(settings, 8, NO_OFFSET).unwrap(), b"scale=2\n");
    assert_eq!(machine.read(settings, 100, NO_OFFSET).unwrap(), b"theme=dark\n");
    assert_eq!(machine.read(settings, 100, NO_OFFSET).unwrap(), b"");
}

#[test]
fn random_requests_leave_the_keeper_standing() {
    let mut machine = machine();
    let mut random = Random::new(17);
    let paths = ["/ar/1/2/30/40/T", "1/2/30/40", "server", "settings", "99.0", "", "/a/1/2/99999/40/T"];
    let texts = [
        "Y",
        "Y,1,2,3,4",
        "S,20,20",
        "S,9999,9999",
        "F,m,1",
        "N,D",
        "D",
        "t",
        "a=b",
        "M,G,1",
        "x",
        "T,t",
        "\u{0}\u{1}",
    ];
    for _ in 0..30_000 {
        let id = random.below(12) as usize;
        machine.pid = random.below(3) as usize;
        match random.below(9) {
            0 => drop(machine.openat(ROOT, paths[random.below(7) as usize], 0)),
            1 => drop(machine.dup(id, [&b"clipboard"[..], b"dnd", b"pixels/1/0", b""][random.below(4) as usize])),
            2 => drop(machine.fpath(id)),
            3 => drop(machine.mmap(id, 0, 4096, MapFlags::MAP_SHARED)),
            4 => drop(machine.fsync(id)),
            5 if random.below(4) == 0 => machine.close(id),
            6 => {
                let read = machine.sqe(Opcode::Read, [id as u64, 0, 0, NO_OFFSET, 0]);
                machine.submit(read, Some(&vec![0; [24, wire::ROOM, 5][random.below(3) as usize]]));
                machine.settle();
            }
            _ => drop(machine.write(id, texts[random.below(13) as usize].as_bytes(), NO_OFFSET, 0)),
        }
    }
    assert!(machine.scheme.windows.len() <= LIMITS.all_windows);
}

#[test]
fn panels_read_the_list_and_say_what_they_want() {
    let mut machine = machine();
    let server = open(&mut machine, "server");
    let window = open(&mut machine, "/a/1/2/30/40/Some title");
    say(&mut machine, window, "Y").unwrap();
    let id = hear(&mut machine, server).iter().find_map(|notice| match notice {
        Notice::Window(told) => Some(told.id),
        _ => None,
    });
    let id = id.unwrap();
    let refused = machine.as_user(1000, 1000, |machine| machine.openat(ROOT, "windows", 0));
    assert_eq!(refused, Err(Error::new(scheme_server::syscall::error::EACCES)));
    let panel = open(&mut machine, "windows");
    assert_eq!(machine.read(panel, 100, NO_OFFSET).unwrap(), b"menu 0\n");
    assert_eq!(machine.read(panel, 100, NO_OFFSET).unwrap(), b"");
    order(&mut machine, server, &[Order::List(vec![Listed { id, focused: true, minimized: false }]), Order::Menu]);
    assert_eq!(machine.read(panel, 100, NO_OFFSET).unwrap(), format!("menu 1\n{id} focused Some title\n").into_bytes());
    for wrong in ["raise", "fold 1", "raise x"] {
        assert_eq!(say(&mut machine, panel, wrong), Err(Error::new(EINVAL)), "{wrong}");
    }
    assert_eq!(say(&mut machine, panel, "raise 77"), Err(Error::new(scheme_server::syscall::error::ENOENT)));
    say(&mut machine, panel, &format!("minimize {id}")).unwrap();
    assert_eq!(hear(&mut machine, server), [Notice::Wish(id, Wish::Minimize)]);
}
