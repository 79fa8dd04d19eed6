//! What clients do with sockets, one thing after the other.

mod common;

use common::{Host, errno};
use ipc::accounts::USER;
use ipc::socket::SEND_BUFFER;
use ochre_socket::{Credentials, Token, Verb, flags, option, state};
use scheme_server::fake::NO_OFFSET;
use scheme_server::syscall::error::*;
use scheme_server::syscall::flag::{EventFlags, F_SETFL, O_NONBLOCK};

const READ: EventFlags = EventFlags::EVENT_READ;
const WRITE: EventFlags = EventFlags::EVENT_WRITE;

#[test]
fn a_reader_waits_and_is_answered_with_the_write() {
    let mut host = Host::new();
    let [one, other] = host.pair("stream");
    let read = host.start_read(one, 9);
    assert!(host.kernel.answer(read).is_none());
    assert_eq!(host.kernel.write(other, b"hello", NO_OFFSET, 0), Ok(5));
    let answer = host.kernel.answer(read).unwrap();
    assert_eq!((answer.result(), &answer.payload[..5]), (Ok(5), &b"hello"[..]));
    let read = host.start_read(one, 9);
    host.kernel.close(other);
    assert_eq!(host.kernel.answer(read).unwrap().result(), Ok(0));
    assert_eq!(host.kernel.write(one, b"x", NO_OFFSET, 0).unwrap_err().errno, EPIPE);
    host.kernel.close(one);
    host.assert_empty();
}

#[test]
fn a_long_write_goes_on_where_it_was() {
    let mut host = Host::new();
    let [one, other] = host.pair("stream");
    let bytes: Vec<u8> = (0..SEND_BUFFER * 3 + 7).map(|at| (at % 249) as u8).collect();
    let write = host.start_write(one, &bytes);
    let mut back = Vec::new();
    while host.kernel.answer(write).map(|answer| assert_eq!(answer.result(), Ok(bytes.len()))).is_none() {
        back.extend(host.kernel.read(other, 50_000, NO_OFFSET).unwrap());
    }
    while back.len() < bytes.len() {
        back.extend(host.kernel.read(other, 50_000, NO_OFFSET).unwrap());
    }
    assert!(back == bytes);
    // One that is interrupted has done what it has done.
    let write = host.start_write(one, &bytes);
    host.kernel.cancel(write);
    assert_eq!(host.kernel.answer(write).unwrap().result(), Ok(SEND_BUFFER));
    // Nothing of this one was done.
    let write = host.start_write(one, b"more");
    host.kernel.cancel(write);
    assert_eq!(errno(host.kernel.answer(write).unwrap().result()), ECANCELED);
    // Not waiting: what fits.
    host.kernel.read(other, 100, NO_OFFSET).unwrap();
    assert_eq!(host.kernel.write(one, &[1; 1000], NO_OFFSET, O_NONBLOCK), Ok(100));
    assert_eq!(errno(host.kernel.write(one, &[1], NO_OFFSET, O_NONBLOCK)), EAGAIN);
}

#[test]
fn waiting_ends_with_the_time() {
    let mut host = Host::new();
    let [one, other] = host.pair("stream");
    host.ask(one, Verb::SetOption, 0, option::RECEIVE_TIMEOUT, &1000_u64.to_ne_bytes()).result().unwrap();
    let first = host.start_read(one, 9);
    host.pass(600);
    let second = host.start_read(one, 9);
    assert!(host.machine().alarms.contains(&1000));
    host.pass(399);
    assert!(host.kernel.answer(first).is_none());
    host.pass(1);
    assert_eq!(errno(host.kernel.answer(first).unwrap().result()), EAGAIN);
    assert!(host.kernel.answer(second).is_none());
    host.kernel.write(other, b"x", NO_OFFSET, 0).unwrap();
    assert_eq!(host.kernel.answer(second).unwrap().result(), Ok(1));
    // A write that is done in part.
    host.ask(one, Verb::SetOption, 0, option::SEND_TIMEOUT, &50_u64.to_ne_bytes()).result().unwrap();
    let write = host.start_write(one, &vec![0; SEND_BUFFER + 1]);
    host.pass(50);
    assert_eq!(host.kernel.answer(write).unwrap().result(), Ok(SEND_BUFFER));
    host.pass(10_000);
    [one, other].into_iter().for_each(|id| host.kernel.close(id));
    host.assert_empty();
}

#[test]
fn connections_wait_for_their_turn() {
    let mut host = Host::new();
    let listener = host.open("stream", 0).unwrap();
    assert_eq!(errno(host.tell(listener, Verb::Listen, 1)), EINVAL);
    let token = host.bind(listener, "/tmp/x").unwrap();
    assert_eq!(errno(host.bind(listener, "/tmp/y")), EINVAL);
    let client = host.open("stream", O_NONBLOCK).unwrap();
    assert_eq!(errno(host.connect(client, token)), ECONNREFUSED);
    assert_eq!(errno(host.connect(client, Token::default())), ECONNREFUSED);
    host.tell(listener, Verb::Listen, 1).unwrap();
    assert_eq!(host.kernel.fevent(listener, READ), Ok(EventFlags::empty()));
    host.connect(client, token).unwrap();
    assert_eq!(host.kernel.events.pop(), Some((listener, READ)));
    assert_eq!(errno(host.connect(client, token)), EISCONN);
    let second = host.open("stream", O_NONBLOCK).unwrap();
    assert_eq!(errno(host.connect(second, token)), EAGAIN);
    // What is sent ahead is there when the connection is accepted.
    host.send(client, b"early", 0).unwrap();
    let accepted = host.accept(listener).unwrap();
    assert_eq!(host.receive(accepted, 9, 0, 0).unwrap().0, b"early");
    host.connect(second, token).unwrap();
    let packets = host.open("seqpacket", 0).unwrap();
    assert_eq!(errno(host.connect(packets, token)), EPROTOTYPE);
    let answer = host.ask(accepted, Verb::GetName, 0, 0, &[0; 20]);
    assert_eq!((answer.result(), &answer.payload[..6]), (Ok(6), &b"/tmp/x"[..]));
    host.kernel.close(listener);
    // The one that was not accepted.
    assert_eq!(host.kernel.read(second, 1, NO_OFFSET).unwrap(), b"");
    for id in [client, second, accepted, packets] {
        host.kernel.close(id);
    }
    host.assert_empty();
}

#[test]
fn who_is_at_the_other_end() {
    let mut host = Host::new();
    let listener = host.open("stream", 0).unwrap();
    let token = host.bind(listener, "x").unwrap();
    host.tell(listener, Verb::Listen, 9).unwrap();
    let (client, accepted) = host.kernel.as_user(1000, 100, |kernel| {
        let client = kernel.openat(ipc::scheme::ROOT, "stream", 0).unwrap().number();
        kernel.call(client, &token, [ochre_socket::word(Verb::Connect, 0), 0]).result().unwrap();
        (client, kernel.dup(listener, b"accept").unwrap().number())
    });
    let mut peer = |id| {
        let answer = host.ask(id, Verb::GetPeerCredentials, 0, 0, &[0; Credentials::LEN]);
        answer.result().unwrap();
        Credentials::decode(answer.payload.first_chunk().unwrap())
    };
    assert_eq!(peer(accepted), Credentials { pid: 1, uid: 1000, gid: 100 });
    assert_eq!(peer(client), Credentials { pid: 1, uid: 0, gid: 0 });
    // Both sides are in the account of who came.
    assert_eq!(host.ipc().accounts().of(1000).sockets, 2);
    assert_eq!(host.ipc().accounts().of(0).sockets, 1);
}

#[test]
fn datagrams_find_their_way() {
    let mut host = Host::new();
    let [server, client, third] = [(); 3].map(|()| host.open("dgram", 0).unwrap());
    let token = host.bind(server, "server").unwrap();
    host.bind(client, "client").unwrap();
    assert_eq!(errno(host.send(client, b"x", 0)), ENOTCONN);
    host.send_to(client, token, b"hello", 0).unwrap();
    let (bytes, received) = host.receive(server, 3, 0, 0).unwrap();
    assert_eq!((&bytes[..], received.length, received.flags), (&b"hel"[..], 5, flags::CUT));
    assert_eq!(&received.name[..received.name_len as usize], b"client");
    host.connect(third, token).unwrap();
    host.send(third, b"", 0).unwrap();
    assert_eq!(host.receive(server, 3, 0, 0).unwrap().0, b"");
    // Who is connected hears of nobody else.
    let to_third = host.bind(third, "third").unwrap();
    assert_eq!(errno(host.send_to(client, to_third, b"x", 0)), EPERM);
    host.kernel.close(server);
    assert_eq!(errno(host.send(third, b"x", 0)), ECONNREFUSED);
    host.ask(third, Verb::Connect, 0, 0, &[]).result().unwrap();
    host.send_to(client, to_third, b"x", 0).unwrap();
    let stream = host.open("stream", 0).unwrap();
    let to_stream = host.bind(stream, "stream").unwrap();
    assert_eq!(errno(host.send_to(client, to_stream, b"x", 0)), EPROTOTYPE);
    assert_eq!(errno(host.send_to(stream, to_third, b"x", 0)), ENOTCONN);
}

#[test]
fn a_full_queue_of_datagrams_empties() {
    let mut host = Host::new();
    let [one, other] = host.pair("dgram");
    host.kernel.fevent(one, WRITE).unwrap();
    let large = vec![7; 60_000];
    let mut sent = 0;
    while host.send(one, &large, 0).is_ok() {
        sent += 1;
    }
    assert_eq!(sent, 3);
    // One that does not fit waits, also when a little room is made.
    let write = host.start_write(one, &vec![8; 200_000]);
    for _ in 0..3 {
        assert!(host.kernel.answer(write).is_none());
        host.receive(other, 60_000, 0, 0).unwrap();
    }
    assert_eq!(host.kernel.answer(write).unwrap().result(), Ok(200_000));
    assert!(host.kernel.events.contains(&(one, WRITE)));
    assert_eq!(errno(host.kernel.write(one, &vec![0; SEND_BUFFER], NO_OFFSET, 0)), EMSGSIZE);
}

#[test]
fn ends_are_told_to_who_polls() {
    let mut host = Host::new();
    let [one, other] = host.pair("stream");
    let state_of = |host: &mut Host, id| host.tell(id, Verb::GetOption, option::STATE).unwrap() as u64;
    assert_eq!(state_of(&mut host, one), 0);
    assert_eq!(host.kernel.fevent(one, READ | WRITE), Ok(WRITE));
    host.tell(other, Verb::Shutdown, 1).unwrap();
    assert_eq!(state_of(&mut host, one), state::READ_END);
    assert_eq!(host.kernel.events.pop(), Some((one, READ | WRITE)));
    host.send(one, b"unread", 0).unwrap();
    host.kernel.close(other);
    assert_eq!(state_of(&mut host, one), state::READ_END | state::HANG_UP | state::ERROR);
    assert_eq!(host.tell(one, Verb::GetOption, option::ERROR), Ok(ECONNRESET as usize));
    assert_eq!(host.tell(one, Verb::GetOption, option::ERROR), Ok(0));
}

#[test]
fn descriptors_go_along_or_are_closed() {
    let mut host = Host::new();
    let [one, other] = host.pair("stream");
    let ticket = host.kernel.send_descriptors(one, &[100, 101, 102], 0).unwrap();
    host.send(one, b"with", ticket).unwrap();
    assert_eq!(errno(host.send(one, b"again", ticket)), EBADF);
    let (bytes, received) = host.receive(other, 9, 2, 0).unwrap();
    assert_eq!((&bytes[..], received.descriptors, received.flags), (&b"with"[..], 2, flags::CONTROL_CUT));
    assert_eq!(host.machine().closed, [102]);
    assert_eq!(errno(host.kernel.receive_descriptors(other, 1, [received.ticket, 0])), EINVAL);
    assert_eq!(host.kernel.receive_descriptors(other, 2, [received.ticket, 0]).unwrap(), [100, 101]);
    assert_eq!(errno(host.kernel.receive_descriptors(other, 2, [received.ticket, 0])), EINVAL);
    // Not sent, not read as a message, not fetched, not received.
    let ticket = host.kernel.send_descriptors(one, &[200], 0).unwrap();
    host.tell(one, Verb::Forget, ticket as u64).unwrap();
    let ticket = host.kernel.send_descriptors(one, &[201], 0).unwrap();
    host.send(one, b"x", ticket).unwrap();
    host.kernel.read(other, 1, NO_OFFSET).unwrap();
    assert_eq!(host.machine().closed, [102, 200, 201]);
    for fd in [202, 203] {
        let ticket = host.kernel.send_descriptors(one, &[fd], 0).unwrap();
        host.send(one, b"y", ticket).unwrap();
    }
    assert_eq!(host.receive(other, 1, 9, 0).unwrap().1.descriptors, 1);
    host.kernel.send_descriptors(one, &[204], 0).unwrap();
    host.kernel.close(other);
    host.kernel.close(one);
    host.machine().closed.sort_unstable();
    assert_eq!(host.machine().closed, [102, 200, 201, 202, 203, 204]);
    host.assert_empty();
}

#[test]
fn nothing_waits_where_nobody_can_reach_it() {
    let mut host = Host::new();
    let [one, other] = host.pair("stream");
    let [inner, travels] = host.pair("stream");
    for (fd, id) in [(10, one), (11, other), (12, travels), (13, travels), (15, other)] {
        host.machine().own.insert(fd, id);
    }
    // Itself, and the other end of itself where it would wait.
    assert_eq!(errno(host.kernel.send_descriptors(one, &[10], 0)), ETOOMANYREFS);
    let ticket = host.kernel.send_descriptors(one, &[11], 0).unwrap();
    assert_eq!(errno(host.send(one, b"x", ticket)), ETOOMANYREFS);
    host.tell(one, Verb::Forget, ticket as u64).unwrap();
    let ticket = host.kernel.send_descriptors(one, &[12], 0).unwrap();
    host.send(one, b"x", ticket).unwrap();
    // What holds something does not travel, what travels holds nothing.
    assert_eq!(errno(host.kernel.send_descriptors(inner, &[15], 0)), ETOOMANYREFS);
    assert_eq!(errno(host.kernel.send_descriptors(travels, &[50], 0)), ETOOMANYREFS);
    let ticket = host.kernel.send_descriptors(inner, &[51], 0).unwrap();
    assert_eq!(errno(host.send(inner, b"y", ticket)), EAGAIN);
    let received = host.receive(other, 9, 1, 0).unwrap().1;
    assert_eq!(host.kernel.receive_descriptors(other, 1, [received.ticket, 0]).unwrap(), [12]);
    host.send(inner, b"y", ticket).unwrap();
    assert_eq!(errno(host.kernel.send_descriptors(one, &[13], 0)), ETOOMANYREFS);
}

#[test]
fn a_user_who_takes_all_harms_nobody_else() {
    let mut host = Host::new();
    let pairs: Vec<usize> = host.kernel.as_user(7, 7, |kernel| {
        let mut pairs = Vec::new();
        while let Ok(one) = kernel.openat(ipc::scheme::ROOT, "stream", 0) {
            pairs.push(one.number());
            pairs.push(kernel.dup(one.number(), b"pair").unwrap().number());
        }
        pairs
    });
    assert_eq!(pairs.len(), USER.sockets);
    let mut last = 0;
    for pair in pairs.chunks(2) {
        last = loop {
            match host.kernel.write(pair[0], &[0; 50_000], NO_OFFSET, O_NONBLOCK) {
                Ok(_) => {}
                Err(error) => break error.errno,
            }
        };
    }
    assert_eq!(last, ENOBUFS);
    assert!(host.ipc().accounts().of(7).memory <= USER.memory);
    let [one, other] = host.pair("stream");
    assert_eq!(host.kernel.write(one, &[0; 50_000], NO_OFFSET, 0), Ok(50_000));
    for id in pairs.into_iter().chain([one, other]) {
        host.kernel.close(id);
    }
    host.assert_empty();
}

#[test]
fn messages_that_make_no_sense() {
    let mut host = Host::new();
    let [one, _] = host.pair("stream");
    assert_eq!(errno(host.kernel.call(one, &[], [0, 0]).result()), EOPNOTSUPP);
    assert_eq!(errno(host.ask(one, Verb::Send, 0, 0, &[0; 15]).result()), EINVAL);
    assert_eq!(errno(host.ask(one, Verb::Send, 1, 0, &[0; 20]).result()), EOPNOTSUPP);
    assert_eq!(errno(host.ask(one, Verb::Receive, 0, 0, &[0; 20]).result()), EINVAL);
    assert_eq!(errno(host.ask(one, Verb::Bind, 0, 0, &[0; 16]).result()), EINVAL);
    assert_eq!(errno(host.ask(one, Verb::Bind, 0, 0, &[1; 16 + 109]).result()), EINVAL);
    assert_eq!(errno(host.tell(one, Verb::GetOption, 12345)), ENOPROTOOPT);
    assert_eq!(errno(host.tell(one, Verb::Shutdown, 3)), EINVAL);
    assert_eq!(errno(host.tell(one, Verb::Forget, 99)), EINVAL);
    assert_eq!(errno(host.send(one, b"x", 99)), EBADF);
    assert_eq!(errno(host.tell(9999, Verb::Listen, 1)), EBADF);
    assert_eq!(errno(host.tell(ipc::scheme::ROOT, Verb::Listen, 1)), EBADF);
    assert_eq!(errno(host.kernel.read(ipc::scheme::ROOT, 1, NO_OFFSET)), EBADF);
    assert_eq!(errno(host.kernel.dup(one, b"")), EINVAL);
    assert_eq!(errno(host.kernel.fcntl(one, F_SETFL + 1, 0)), EINVAL);
    assert_eq!(errno(host.open("raw", 0)), ENOENT);
    assert_eq!(errno(host.kernel.openat(one, "stream", 0)), ENOTDIR);
}

#[test]
fn without_memory_for_programs_buffers_do_not_grow() {
    let mut host = Host::new();
    let [one, other] = host.pair("stream");
    assert_eq!(host.kernel.write(one, &[1; 1000], NO_OFFSET, 0), Ok(1000));
    host.machine().no_memory = true;
    // What there is room for already still goes, and no more of it.
    let rest = host.kernel.write(one, &[2; 50_000], NO_OFFSET, O_NONBLOCK).unwrap();
    assert!(rest < 50_000, "{rest}");
    assert!(host.kernel.write(one, &[2; 50_000], NO_OFFSET, O_NONBLOCK).is_err());
    let [third, fourth] = host.pair("dgram");
    assert_eq!(host.send(third, &[3; 100], 0).map_err(|error| error.errno), Err(ENOBUFS));
    host.machine().no_memory = false;
    assert_eq!(host.send(third, &[3; 100], 0), Ok(100));
    for id in [one, other, third, fourth] {
        host.kernel.close(id);
    }
    host.assert_empty();
}
