//! Cookies know no ports (RFC 6265 §8.5): on `localhost` every server reads those of the others,
//! and can plant some. What comes of that here, with somebody hostile on a port of their own.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread,
};

use e2e_tests::browser::Visitor;

use crate::login::{Places, log_in_and_allow, somebody, stage_with};

const SESSION_OF_A: &str = "gatepass-a-session";
const SESSION_OF_C: &str = "gatepass-session";

/// Takes one request, plants these cookies, and says which ones it was shown.
fn hostile(plants: &[(&str, &str)]) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
    let planted: String = plants
        .iter()
        .map(|(name, value)| format!("Set-Cookie: {name}={value}; Path=/\r\n"))
        .collect();
    let one_request = move || {
        let mut stream = listener.accept().unwrap().0;
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let lines = lines.take_while(|line| !line.is_empty());
        let shown = lines.filter_map(|line| {
            line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        });
        let shown = shown.filter(|(name, _)| name == "cookie").map(|(_, value)| value).collect();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\n{planted}Content-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        shown
    };
    (address, thread::spawn(one_request))
}

/// Nobody is logged in at A, nor signed in at C.
fn is_nobody(visitor: &mut Visitor<'_>, at: &Places) -> anyhow::Result<()> {
    visitor.open(&format!("{}/account", at.a))?;
    assert!(visitor.html.contains("data-error=\"not_logged_in\""), "{}", visitor.html);
    visitor.open(&format!("{}/account", at.c))?;
    assert!(visitor.has("login-submit"), "{}", visitor.html);
    Ok(())
}

#[tokio::test]
async fn a_session_that_another_port_planted_is_none_and_is_replaced_at_the_login() {
    let stage = stage_with(|_| ()).await;
    somebody(&stage, |alice, at| {
        // Names of the right form, which the one who planted them knows.
        let planted = "A".repeat(43);
        let (evil, listening) = hostile(&[(SESSION_OF_A, &planted), (SESSION_OF_C, &planted)]);
        alice.open(&evil)?;
        listening.join().unwrap();
        assert_eq!(alice.cookies[SESSION_OF_A], planted, "it was planted");
        is_nobody(alice, at)?;
        log_in_and_allow(alice, at)?;
        for name in [SESSION_OF_A, SESSION_OF_C] {
            assert_ne!(
                alice.cookies[name], planted,
                "{name} still has the name that somebody else knows"
            );
        }
        let mut mallory = Visitor::new()?;
        for name in [SESSION_OF_A, SESSION_OF_C] {
            mallory.cookies.insert(name.to_owned(), planted.clone());
        }
        is_nobody(&mut mallory, at)
    })
    .await;
}

#[tokio::test]
async fn the_cookie_of_one_opens_nothing_at_the_other_and_neither_takes_the_others_away() {
    let stage = stage_with(|_| ()).await;
    somebody(&stage, |alice, at| {
        log_in_and_allow(alice, at)?;
        let (a, c) = (alice.cookies[SESSION_OF_A].clone(), alice.cookies[SESSION_OF_C].clone());
        assert_ne!(a, c);
        let mut mallory = Visitor::new()?;
        mallory.cookies.insert(SESSION_OF_C.to_owned(), a.clone());
        mallory.cookies.insert(SESSION_OF_A.to_owned(), c.clone());
        is_nobody(&mut mallory, at)?;
        // Out at A alone, she is signed in at C still: had both one name, the last one would have
        // ended the other's.
        alice.cookies.remove(SESSION_OF_A);
        alice.open(&format!("{}/account", at.c))?;
        assert!(alice.has("sign-out-everywhere"), "{}", alice.html);
        Ok(())
    })
    .await;
}

/// What `SECURITY.md` says of plain http on loopback. Over https no cookie is shown to another port
/// in plain http, and the prefix `__Host-` lets nobody plant one:
/// `over_https_the_cookies_are_secure_and_bound_to_the_host` holds that of A and of C.
#[tokio::test]
async fn another_port_reads_names_and_no_more_and_a_logout_makes_them_worthless() {
    let stage = stage_with(|_| ()).await;
    somebody(&stage, |alice, at| {
        log_in_and_allow(alice, at)?;
        let (evil, listening) = hostile(&[]);
        alice.open(&evil)?;
        let stolen = listening.join().unwrap();
        assert!(
            stolen.contains(SESSION_OF_A) && stolen.contains(SESSION_OF_C),
            "browsers do that: {stolen}"
        );
        assert!(
            !stolen.contains("eyJ") && !stolen.contains("gpac_") && !stolen.contains("alice"),
            "{stolen}"
        );
        let mut mallory = Visitor::new()?;
        for (name, value) in stolen.split("; ").filter_map(|pair| pair.split_once('=')) {
            mallory.cookies.insert(name.to_owned(), value.to_owned());
        }
        alice.open(&format!("{}/account", at.a))?;
        alice.press("logout-submit", &[])?;
        is_nobody(&mut mallory, at)
    })
    .await;
}
