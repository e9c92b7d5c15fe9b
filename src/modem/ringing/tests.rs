use super::super::at::transcript::{ByTable, Machine, Want, play};
use super::*;

const LINES: &[&str] = &["AT+CHUP", "ATH"];

struct Driven(Ringing);

impl Machine for Driven {
    fn want(&mut self) -> Want {
        match self.0.poll() {
            RingingStep::Submit(command) => {
                assert_eq!(command.priority, Priority::Call);
                Want::Submit(command)
            }
            RingingStep::Rejected { calls } => Want::Note(format!("rejected, {calls} by now")),
            RingingStep::Wait => Want::Wait(None),
        }
    }

    fn replied(&mut self, result: Result<Reply, AtError>, _now: Duration) {
        self.0.replied(&result);
    }

    fn timeout(&mut self, _now: Duration) {}
}

/// Rings at these seconds.
fn ring(seconds: &[u64], table: &[(&str, &[&str])]) -> String {
    let mut driven = Driven(Ringing::new(LINES));
    let mut modem = ByTable::new(table);
    let mut text = String::new();
    for second in seconds {
        driven.0.unsolicited(&Event::Ring, Duration::from_secs(*second));
        text += &format!("RING at {second} s\n{}", play(&mut driven, &mut modem, Duration::from_secs(30)));
    }
    text
}

#[test]
fn a_call_is_hung_up_and_counted_once_however_long_it_rings() {
    insta::assert_snapshot!(ring(&[0, 3, 6, 60], &[]), @"
    RING at 0 s
    AT+CHUP → OK
    rejected, 1 by now
    RING at 3 s
    AT+CHUP → OK
    RING at 6 s
    AT+CHUP → OK
    RING at 60 s
    AT+CHUP → OK
    rejected, 2 by now
    ");
}

#[test]
fn a_hang_up_that_is_refused_is_tried_the_other_way_and_again_at_the_next_ring() {
    insta::assert_snapshot!(ring(&[0, 3], &[("AT+CHUP", &["ERROR"]), ("ATH", &["ERROR", "OK"])]), @"
    RING at 0 s
    AT+CHUP → ERROR
    ATH → ERROR
    RING at 3 s
    AT+CHUP → ERROR
    ATH → OK
    rejected, 1 by now
    ");
}

#[test]
fn nothing_but_a_ring_hangs_up() {
    let mut ringing = Ringing::new(LINES);
    ringing.unsolicited(&Event::Damaged, Duration::ZERO);
    assert_eq!(ringing.poll(), RingingStep::Wait);
}
