//! Servers that cut, corrupt, redirect, throttle and refuse.

use std::time::{Duration, Instant};

use isotherm::data::{DataError, Manifest};

use crate::server::{Reply, Server, content, fetch_into, files, manifest, pinned, read};

/// One fetch from a server, in a folder of its own; gives the sentence where it fails.
fn try_once(manifest: &Manifest) -> (tempfile::TempDir, Result<(), DataError>) {
    let folder = tempfile::tempdir().unwrap();
    let outcome = fetch_into(folder.path(), manifest).map(|_| ());
    (folder, outcome)
}

fn good(manifest: &Manifest, wanted: &[u8]) {
    let (folder, outcome) = try_once(manifest);
    outcome.unwrap();
    assert!(read(folder.path()) == wanted, "the content differs");
    assert_eq!(files(folder.path()), ["data.nc"], "nothing else may be left");
}

/// The fetch fails with a sentence that has all `words`, and leaves only `left`.
fn fails(manifest: &Manifest, words: &[&str], left: &[&str]) -> DataError {
    let (folder, outcome) = try_once(manifest);
    let error = outcome.unwrap_err();
    let message = error.to_string();
    assert!(words.iter().all(|w| message.contains(w)), "{message}");
    assert!(!message.contains('\n'), "one sentence: {message}");
    assert_eq!(files(folder.path()), left, "{message}");
    error
}

#[test]
fn a_good_file_comes_once_and_then_no_more_is_asked() {
    let bytes = content(200_000);
    let served = bytes.clone();
    let server = Server::start(move |asked, _| Reply::file(asked, &served, "\"a\""));
    let manifest = manifest(&server.url("/x/data.nc?q=1"), "");
    let folder = tempfile::tempdir().unwrap();
    let report = fetch_into(folder.path(), &manifest).unwrap();
    assert_eq!((report.bytes, report.fetched.len(), report.present.len()), (200_000, 1, 0));
    assert!(read(folder.path()) == bytes);
    let report = fetch_into(folder.path(), &manifest).unwrap();
    assert_eq!((report.bytes, report.fetched.len(), report.present.len()), (0, 0, 1));
    assert_eq!(server.log().len(), 1);
}

#[test]
fn a_cut_connection_is_resumed_where_it_broke() {
    let bytes = content(300_000);
    let served = bytes.clone();
    let server = Server::start(move |asked, number| {
        let reply = Reply::file(asked, &served, "\"a\"");
        if number < 6 { reply.cut(40_000) } else { reply }
    });
    // six cuts, more than the four attempts: each brought something, so that patience lasts
    good(&manifest(&server.url("/data.nc"), ""), &bytes);
    let ranges: Vec<Option<String>> = server.log().iter().map(|a| a.header("range").map(String::from)).collect();
    let wanted = (0..7).map(|i| (i > 0).then(|| format!("bytes={}-", 40_000 * i))).collect::<Vec<_>>();
    assert_eq!(ranges, wanted);
    assert!(server.log()[1..].iter().all(|a| a.header("if-range") == Some("\"a\"")));
}

#[test]
fn a_cut_that_never_ends_is_given_up_and_resumed_by_the_next_fetch() {
    let bytes = content(50_000);
    let served = bytes.clone();
    let server = Server::start(move |asked, number| {
        let reply = Reply::file(asked, &served, "\"a\"");
        match number {
            0 => reply.cut(20_000),
            1..=3 => reply.cut(0),
            _ => reply,
        }
    });
    let manifest = manifest(&server.url("/data.nc"), "");
    let folder = tempfile::tempdir().unwrap();
    let message = fetch_into(folder.path(), &manifest).unwrap_err().to_string();
    assert!(message.contains("gave up after 4 attempts") && message.contains("goes on from there"), "{message}");
    assert_eq!(files(folder.path()), [".data.nc.part", ".data.nc.part.json"]);
    fetch_into(folder.path(), &manifest).unwrap();
    assert!(read(folder.path()) == bytes);
    assert_eq!(server.log().last().unwrap().header("range"), Some("bytes=20000-"));
}

#[test]
fn a_server_that_ignores_ranges_sends_all_again() {
    let bytes = content(100_000);
    let served = bytes.clone();
    let server = Server::start(move |_, number| {
        let reply = Reply::new(200, &served).with("ETag", "\"a\"");
        if number == 0 { reply.cut(60_000) } else { reply }
    });
    good(&manifest(&server.url("/data.nc"), ""), &bytes);
}

#[test]
fn a_file_that_changes_between_attempts_is_never_mixed() {
    let (old, new) = (content(100_000), content(110_000).into_iter().rev().collect::<Vec<u8>>());
    for honours_if_range in [true, false] {
        let (first, second) = (old.clone(), new.clone());
        let server = Server::start(move |asked, number| match number {
            0 => Reply::file(asked, &first, "\"old\"").cut(60_000),
            _ => {
                let mut asked = asked.clone();
                if !honours_if_range {
                    asked.headers.remove("if-range");
                }
                Reply::file(&asked, &second, "\"new\"")
            }
        });
        good(&manifest(&server.url("/data.nc"), ""), &new);
    }
}

#[test]
fn without_a_validator_the_half_is_used_only_if_a_sum_will_tell() {
    let bytes = content(100_000);
    for pinned_sum in [false, true] {
        let served = bytes.clone();
        let server = Server::start(move |asked, number| {
            let mut reply = Reply::file(asked, &served, "");
            reply.headers.retain(|(name, _)| *name != "ETag");
            if number == 0 { reply.cut(60_000) } else { reply }
        });
        let more = if pinned_sum { pinned(&bytes) } else { String::new() };
        good(&manifest(&server.url("/data.nc"), &more), &bytes);
        assert_eq!(server.log()[1].header("range").is_some(), pinned_sum);
    }
}

#[test]
fn corrupt_bytes_are_fetched_again_once_then_refused() {
    let bytes = content(30_000);
    let corrupt = move |bad: usize| {
        let served = content(30_000);
        Server::start(move |asked, number| {
            let mut served = served.clone();
            if number < bad {
                served[12_345] ^= 1;
            }
            Reply::file(asked, &served, "\"a\"")
        })
    };
    let server = corrupt(1);
    good(&manifest(&server.url("/data.nc"), &pinned(&bytes)), &bytes);
    let server = corrupt(99);
    fails(&manifest(&server.url("/data.nc"), &pinned(&bytes)), &["sha256", "twice", "not kept"], &[]);
    assert_eq!(server.log().len(), 2);
    let short = Server::start(|asked, _| Reply::file(asked, &content(29_999), "\"a\""));
    fails(&manifest(&short.url("/data.nc"), &pinned(&bytes)), &["29999", "30000"], &[]);
    let long = Server::start(|asked, _| Reply::file(asked, &content(90_000), "\"a\""));
    fails(&manifest(&long.url("/data.nc"), &pinned(&bytes)), &["30000", "not kept"], &[]);
}

#[test]
fn redirects_are_followed_and_loops_are_left() {
    let bytes = content(1_000);
    let served = bytes.clone();
    let server = Server::start(move |asked, _| match asked.path.as_str() {
        "/data.nc" => Reply::new(301, b"").with("Location", "b/c"),
        "/b/c" => Reply::new(302, b"").with("Location", "/d?e=f"),
        "/d?e=f" => Reply::file(asked, &served, "\"a\""),
        _ => Reply::new(307, b"").with("Location", "/loop/data.nc"),
    });
    good(&manifest(&server.url("/data.nc"), ""), &bytes);
    fails(&manifest(&server.url("/loop/data.nc"), ""), &["redirected more than", "loop"], &[]);
    let nowhere = Server::start(|_, _| Reply::new(302, b""));
    fails(&manifest(&nowhere.url("/data.nc"), ""), &["without saying where"], &[]);
}

#[test]
fn refusals_say_what_is_missing_and_where_to_get_it() {
    let server = Server::start(|asked, _| Reply::new(asked.path[1..4].parse().unwrap(), b"no"));
    for status in ["401", "403"] {
        let open = manifest(&server.url(&format!("/{status}/data.nc")), "");
        assert!(matches!(fails(&open, &[status, "open to all"], &[]), DataError::Access { .. }));
        // PATH stands for a token that every machine has
        let auth = r#"auth = [{ kind = "bearer", environment = "PATH", obtain = "https://example.org/token" }]"#;
        let closed = manifest(&server.url(&format!("/{status}/data.nc")), auth);
        assert!(matches!(fails(&closed, &["loop:", status, "PATH", "https://example.org/token"], &[]), DataError::Access { .. }));
    }
    assert!(matches!(fails(&manifest(&server.url("/404/data.nc"), ""), &["no such file"], &[]), DataError::NotFound { .. }));
    fails(&manifest(&server.url("/418/data.nc"), ""), &["418"], &[]);
    assert_eq!(server.log().len(), 6, "none of these is asked twice");
    let missing = r#"auth = [{ kind = "bearer", environment = "ISOTHERM_NO_SUCH", obtain = "https://example.org" }]"#;
    fails(&manifest(&server.url("/404/data.nc"), missing), &["ISOTHERM_NO_SUCH", "https://example.org"], &[]);
    assert_eq!(server.log().len(), 6, "without the token nothing is asked");
}

#[test]
fn a_fallback_is_taken_where_the_first_is_not_there() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        "/preliminary/data.nc" => Reply::file(asked, &content(500), "\"a\""),
        _ => Reply::new(404, b""),
    });
    let more = format!("fallback_urls = [\"{}\", \"{}\"]", server.url("/other/data.nc"), server.url("/preliminary/data.nc"));
    good(&manifest(&server.url("/data.nc"), &more), &content(500));
    let none = format!("fallback_urls = [\"{}\"]", server.url("/other/data.nc"));
    fails(&manifest(&server.url("/final/data.nc"), &none), &["/final/data.nc"], &[]);
}

#[test]
fn busy_servers_are_waited_for_within_reason() {
    let bytes = content(2_000);
    let served = bytes.clone();
    let server = Server::start(move |asked, number| match number {
        0 => Reply::new(429, b"").with("Retry-After", "1"),
        1 => Reply::new(503, b""),
        2 => Reply::new(500, b""),
        _ => Reply::file(asked, &served, "\"a\""),
    });
    let started = Instant::now();
    good(&manifest(&server.url("/data.nc"), ""), &bytes);
    assert!(started.elapsed() >= Duration::from_secs(1), "Retry-After was not obeyed");
    let long = Server::start(|_, _| Reply::new(503, b"").with("Retry-After", "86400"));
    fails(&manifest(&long.url("/data.nc"), ""), &["503", "86400 s"], &[]);
    assert_eq!(long.log().len(), 1);
    let broken = Server::start(|_, _| Reply::new(500, b""));
    fails(&manifest(&broken.url("/data.nc"), ""), &["500", "gave up after 4 attempts"], &[]);
    assert_eq!(broken.log().len(), 4);
}

#[test]
fn a_stalled_server_is_left_and_a_slow_one_is_not() {
    let bytes = content(60_000);
    let served = bytes.clone();
    let stalling = Server::start(move |asked, number| {
        let mut reply = Reply::file(asked, &served, "\"a\"");
        if number == 0 {
            reply.pause = Some((20_000, Duration::from_millis(1500)));
        }
        reply
    });
    good(&manifest(&stalling.url("/data.nc"), ""), &bytes);
    assert_eq!(stalling.log()[1].header("range"), Some("bytes=20000-"));
    // ten pieces with 60 ms between: longer in all than the limit of 400 ms without a byte
    let served = bytes.clone();
    let slow = Server::start(move |asked, _| {
        let mut reply = Reply::file(asked, &served, "\"a\"");
        reply.pause = Some((6_000, Duration::from_millis(60)));
        reply
    });
    good(&manifest(&slow.url("/data.nc"), ""), &bytes);
    assert_eq!(slow.log().len(), 1);
}

/// The body in pieces with their length before each (RFC 9112, 7.1), without the last piece where `whole` is false.
fn chunked(content: &[u8], whole: bool) -> Reply {
    let mut body = Vec::new();
    for chunk in content.chunks(1_000) {
        body.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        body.extend(chunk);
        body.extend(b"\r\n");
    }
    if whole {
        body.extend(b"0\r\n\r\n");
    }
    Reply { state_length: false, ..Reply::new(200, &body) }.with("Transfer-Encoding", "chunked")
}

#[test]
fn bodies_of_unstated_length() {
    let bytes = content(5_000);
    let served = bytes.clone();
    let server = Server::start(move |_, number| chunked(&served, number > 0));
    good(&manifest(&server.url("/data.nc"), ""), &bytes);
    assert_eq!(server.log().len(), 2);
    // a length given by the end of the connection only: a cut could not be told from the end
    let served = bytes.clone();
    let vague = Server::start(move |_, _| Reply { state_length: false, ..Reply::new(200, &served) });
    fails(&manifest(&vague.url("/data.nc"), ""), &["does not say how long"], &[]);
    good(&manifest(&vague.url("/data.nc"), &pinned(&bytes)), &bytes);
    let empty = Server::start(|_, _| Reply::new(200, b""));
    fails(&manifest(&empty.url("/data.nc"), ""), &["empty file"], &[]);
}

#[test]
fn a_login_page_is_no_data() {
    let server =
        Server::start(|_, _| Reply::new(200, b"<html>Please log in</html>").with("Content-Type", "text/html; charset=utf-8"));
    fails(&manifest(&server.url("/data.nc"), ""), &["web page"], &[]);
}

#[test]
fn a_token_goes_to_its_own_server_only() {
    let other = Server::start(|asked, _| Reply::file(asked, &content(100), "\"a\""));
    let target = other.url("/data.nc");
    let server = Server::start(move |_, _| Reply::new(302, b"").with("Location", target.clone()));
    let auth = r#"auth = [{ kind = "bearer", environment = "PATH", obtain = "x" }]"#;
    good(&manifest(&server.url("/data.nc"), auth), &content(100));
    let token = std::env::var("PATH").unwrap();
    assert_eq!(server.log()[0].header("authorization"), Some(format!("Bearer {}", token.trim()).as_str()));
    assert_eq!(other.log()[0].header("authorization"), None);
}

#[test]
fn a_key_is_sent_but_not_kept() {
    let server = Server::start(|asked, _| match asked.path.contains("absent") {
        true => Reply::new(403, b""),
        false => Reply::file(asked, &content(100), "\"a\""),
    });
    let text = |path: &str| {
        let access = format!(
            "protocol = \"api_key\"\nurl = \"{}\"\nstep = \"once\"\nsave_as = \"data.nc\"\n\
             auth = {{ kind = \"api_key\", environment = \"PATH\", parameter = \"authKey\", obtain = \"x\" }}",
            server.url(path)
        );
        let plain = toml::to_string(&manifest(&server.url("/data.nc"), "")).unwrap();
        let start = plain.find("[[access]]").unwrap();
        Manifest::parse(&format!("{}[[access]]\n{access}", &plain[..start]), "key").unwrap()
    };
    let (folder, outcome) = try_once(&text("/get?stn=1"));
    outcome.unwrap();
    let first_of_key = std::env::var("PATH").unwrap().split(':').next().unwrap().replace('/', "%2F");
    assert!(server.log()[0].path.starts_with(&format!("/get?stn=1&authKey={first_of_key}")), "{:?}", server.log());
    let receipt = std::fs::read_to_string(folder.path().join("loop/1/.receipt.json")).unwrap();
    assert!(receipt.contains("/get?stn=1") && !receipt.contains("authKey"));
    let message = fails(&text("/absent"), &["403", "PATH"], &[]).to_string();
    assert!(!message.contains("authKey=") && !message.contains(&first_of_key));
}

/// The way NASA Earthdata logs in: the data server sends to the login server, which asks for name and
/// password, and sends back with a code, for which the data server gives a cookie.
#[test]
fn a_login_by_netrc_with_redirects_and_a_cookie() {
    let server = Server::start(|asked, _| {
        let port = asked.header("host").unwrap().split(':').nth(1).unwrap().to_string();
        match asked.path.as_str() {
            "/data.nc" if asked.header("cookie") == Some("session=7") => Reply::file(asked, &content(100), "\"a\""),
            "/data.nc" => Reply::new(302, b"").with("Location", format!("http://localhost:{port}/login")),
            // base64 of ann:secret
            "/login" if asked.header("authorization") == Some("Basic YW5uOnNlY3JldA==") => {
                Reply::new(302, b"").with("Location", format!("http://127.0.0.1:{port}/back?code=1"))
            }
            "/back?code=1" if asked.header("authorization").is_none() => {
                Reply::new(302, b"").with("Location", "/data.nc").with("Set-Cookie", "session=7; Path=/; HttpOnly")
            }
            _ => Reply::new(401, b""),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let netrc = folder.path().join("netrc");
    std::fs::write(&netrc, "machine localhost login ann password secret\n").unwrap();
    let credential = isotherm::data::Netrc::parse(&std::fs::read_to_string(&netrc).unwrap()).unwrap();
    let (login, password) = credential.find("localhost").unwrap();
    let credential =
        isotherm::data::Credential::Basic { host: "localhost".into(), login: login.into(), password: password.into() };
    let destination = folder.path().join("data.nc");
    let url = server.url("/data.nc");
    let wanted = isotherm::data::Download {
        url: &url,
        destination: &destination,
        sha256: None,
        bytes: None,
        credential: &credential,
        access_advice: "log in",
        product: "loop",
        progress: false,
    };
    isotherm::data::download(&wanted, &crate::server::options().http).unwrap();
    assert!(std::fs::read(&destination).unwrap() == content(100));
    assert_eq!(server.log().len(), 4);
}

#[test]
fn a_host_that_does_not_exist_or_answer() {
    fails(&manifest("https://no-such-host.invalid/data.nc", ""), &["no-such-host.invalid was not found"], &[]);
    // a port that was free a moment ago
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    fails(&manifest(&format!("http://127.0.0.1:{port}/data.nc"), ""), &["gave up after 4 attempts"], &[]);
}
