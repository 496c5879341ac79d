use super::*;

#[test]
fn logins_have_longer_and_longer_pauses() {
    let seconds: Vec<u64> = (1..=9).map(|many| pause(many).as_secs()).collect();
    assert_eq!(seconds, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    assert_eq!(pause(usize::MAX), LONGEST_PAUSE);
}

#[test]
fn a_wait_is_spread_by_a_quarter_at_most() {
    for _ in 0..100 {
        let wait = spread(Duration::from_secs(4));
        assert!((4_000..=5_000).contains(&wait.as_millis()), "{wait:?}");
    }
}

#[test]
fn a_refusal_stays_and_what_may_come_later_is_put_off() {
    let mut state = State::default();
    let now = Instant::now();
    let waited = wait_for(&mut state, now, "busy".to_owned(), Some(PAUSE));
    assert!(matches!(waited, AuthError::Unavailable(_, Some(wait)) if wait == PAUSE));
    assert_eq!(state.not_before, Some((now + PAUSE, "busy".to_owned())));
    let first = state.failures;
    let waited = wait_for(&mut state, now, "busy".to_owned(), None);
    assert!(matches!(waited, AuthError::Unavailable(_, Some(wait)) if wait < PAUSE));
    assert_eq!(state.failures, first + 1);
    refuse(&mut state, "no".to_owned());
    assert_eq!(state.refused.as_deref(), Some("no"));
}

#[test]
fn what_a_token_says_of_itself_is_taken_within_bounds() {
    let of = |said: &str| {
        let body = format!("{{\"access_token\":\"a\",\"expires_in\":{said}}}");
        lifetime(&TokenAnswer::read(body.as_bytes()).unwrap()).as_secs()
    };
    assert_eq!(of("\"600\""), 600);
    assert_eq!(of("null"), 300);
    assert_eq!(of("0"), 30, "it is not asked for without a pause");
    assert_eq!(
        of("\"18446744073709551615\""),
        86_400,
        "no moment overflows"
    );
}
