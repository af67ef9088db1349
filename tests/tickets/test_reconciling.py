"""What a report means for the problems that are known, at random: what may close, and what never may."""

from hypothesis import given
from hypothesis import strategies as st

from tickets.reconciling import plan, worst_by_identity
from tickets.sightings import Seen, Sighting

NAMES = st.sampled_from("abcdefgh")
KNOWN = st.dictionaries(NAMES, st.sampled_from(["open", "suppressed", "closed"]))
SEEN = st.dictionaries(NAMES, st.sampled_from(list(Seen)))


def after(known: dict[str, str], seen: dict[str, Seen], closable: set[str]) -> dict[str, str]:
    """Return the states that a plan leads to."""
    planned = plan(known, seen, closable)
    states = known | dict.fromkeys(planned.closed, "closed")
    return states | {name: seen[name].value for name in planned.new | planned.reopened | planned.suppressed}


@given(KNOWN, SEEN, st.sets(NAMES))
def test_only_what_is_closable_and_not_reported_closes(
    known: dict[str, str], seen: dict[str, Seen], names: set[str]
) -> None:
    closable = names & known.keys()

    states = after(known, seen, closable)

    for name, state in known.items():
        if state != "closed" and states[name] == "closed":
            assert name in closable
            assert name not in seen
    assert all(states[name] == "open" for name, each in seen.items() if each is Seen.OPEN)


@given(KNOWN, SEEN)
def test_the_same_report_again_changes_nothing(known: dict[str, str], seen: dict[str, Seen]) -> None:
    states = after(known, seen, set(known))

    assert not plan(states, seen, set(states)).changes


@given(KNOWN)
def test_a_report_that_is_complete_nowhere_closes_nothing(known: dict[str, str]) -> None:
    assert not plan(known, {}, set()).changes


def test_what_is_open_in_one_place_is_not_excused_by_another() -> None:
    pairs = [
        ("a", Sighting("s", "r", "x", seen=seen)) for seen in (Seen.UNDECIDED, Seen.OPEN, Seen.SUPPRESSED)
    ]

    assert worst_by_identity(pairs)["a"].seen is Seen.OPEN
    assert worst_by_identity(reversed(pairs))["a"].seen is Seen.OPEN


def test_an_identity_is_the_same_for_ever_and_knows_nothing_of_title_line_and_severity() -> None:
    one = Sighting("scan", "rule", "src/app.py", "A title", "high", "Semgrep", "src/app.py", 12)
    other = Sighting(
        "other", "rule", "src/app.py", "Another", "low", "Bandit", "moved.py", 99, Seen.SUPPRESSED
    )

    assert one.identity(7, "ci:sarif/scan") == other.identity(7, "ci:sarif/scan")
    assert one.identity(7, "ci:sarif/scan") != one.identity(8, "ci:sarif/scan")
    # Written down: a change here would make every stored problem another one.
    stored = "4c64ba0e3f34445cc72478b4468180074d4d9228577d70d604022d54238e1991"
    assert one.identity(7, "ci:sarif/scan") == stored
